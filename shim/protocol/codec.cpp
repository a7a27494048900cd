#include "protocol/codec.h"

#include <array>
#include <utility>

#include "protocol/fields.h"
#include "protocol/limits.h"
#include "protocol/packed.h"
#include "protocol/schemas.h"
#include "protocol/words.h"

namespace stembridge::protocol {
namespace {

constexpr PackedLimits kHeaderLimits{
    .what = "header", .bytes = kHeaderBytes, .items = kHeaderItems, .depth = kHeaderDepth};

/// What decoding needs to know of a type.
struct Reader {
    std::string_view name;
    bool hasPayload;
    Message (*read)(const Wire& wire);
};

template <typename M>
Message readAs(const Wire& wire) {
    M message;
    readFields(wire, message);
    return message;
}

template <typename M>
constexpr bool hasPayload() {
    return std::apply([]<typename... F>(const F&...) { return (F::kIsPayload || ... || false); },
                      Schema<M>::fields);
}

/// By the place of the type in Message.
constexpr auto kReaders = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array{Reader{Schema<std::variant_alternative_t<I, Message>>::name,
                             hasPayload<std::variant_alternative_t<I, Message>>(),
                             readAs<std::variant_alternative_t<I, Message>>}...};
}(std::make_index_sequence<std::variant_size_v<Message>>());

const Reader& readerFor(const PackedValue& header, MessageTypes accepted) {
    const PackedValue* type = header.find("t");
    const auto name = type == nullptr ? std::nullopt : type->asText();
    for (std::size_t index = 0; name && index < kReaders.size(); ++index) {
        if (kReaders[index].name == *name && accepted.contains(index)) return kReaders[index];
    }
    throw Refusal{Code::kType, words("a message of type ", type == nullptr ? "nil" : type->shown(),
                                     ", which is none here")};
}

Message read(std::span<const Frame> frames, MessageTypes accepted) {
    if (frames.empty() || frames.size() > 2) {
        throw Refusal{Code::kMalformed,
                      words(frames.size(), " frames in a message, expected 1 or 2")};
    }
    const PackedMap header(frames[0], kHeaderLimits);
    const Reader& reader = readerFor(header.root(), accepted);
    try {
        if (reader.hasPayload != (frames.size() == 2)) {
            throw Refusal{Code::kMalformed,
                          words(frames.size(), " frames, expected ", 3 - frames.size())};
        }
        return reader.read({header.root(), frames.size() == 2 ? frames[1] : Frame{}});
    } catch (Refusal& refusal) {
        refusal.why = words(reader.name, ": ", refusal.why);
        throw;
    }
}

}  // namespace

std::string_view nameOf(const Message& message) noexcept { return kReaders[message.index()].name; }

void check(const Message& message) {
    try {
        std::visit([](const auto& one) { checkFields(one); }, message);
    } catch (const Refusal& refusal) {
        throw LocalProtocolError(words(nameOf(message), ": ", refusal.why));
    }
}

Encoded encode(const Message& message) {
    check(message);
    Encoded made;
    PackedWriter writer(made.header);
    std::visit(
        [&](const auto& one) {
            writer.map(1 + countFields(one));
            writer.text("t");
            writer.text(nameOf(message));
            writeFields(writer, one);
            made.payload = payloadOf(one);
        },
        message);
    return made;
}

Decoded decode(std::span<const Frame> frames, MessageTypes accepted) {
    try {
        return read(frames, accepted);
    } catch (Refusal& refusal) {
        return std::move(refusal);
    }
}

}  // namespace stembridge::protocol
