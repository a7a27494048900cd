#include "protocol/packed.h"

#include <cassert>
#include <limits>
#include <msgpack.hpp>
#include <utility>

#include "protocol/codes.h"
#include "protocol/text.h"
#include "protocol/words.h"

namespace stembridge::protocol {
namespace {

using Type = PackedValue::Type;

/// Puts what the parser finds in a row; says false, which stops it, to what a map may not hold.
class Row : public msgpack::null_visitor {
public:
    Row(std::vector<PackedValue>& values, const PackedLimits& limits)
        : values_(values), limits_(limits) {}

    bool visit_nil() { return add({.type = Type::kNil}); }
    bool visit_boolean(bool value) { return add({.type = Type::kBool, .bits = value}); }
    bool visit_positive_integer(std::uint64_t number) {
        return add({.type = Type::kPositive, .bits = number});
    }
    bool visit_negative_integer(std::int64_t number) {  // also of 0 and more in a signed form
        return add({.type = number < 0 ? Type::kNegative : Type::kPositive,
                    .bits = static_cast<std::uint64_t>(number)});
    }
    bool visit_float32(float) { return add({.type = Type::kFloat}); }
    bool visit_float64(double) { return add({.type = Type::kFloat}); }
    bool visit_str(const char* text, std::uint32_t bytes) {
        return isUtf8({text, bytes}) && add({.type = Type::kText, .count = bytes, .text = text});
    }
    bool visit_bin(const char*, std::uint32_t) { return add({.type = Type::kBinary}); }
    bool visit_ext(const char*, std::uint32_t) { return false; }
    bool start_array(std::uint32_t items) { return start(Type::kList, items); }
    bool start_map(std::uint32_t entries) { return start(Type::kMap, entries); }
    bool end_array() { return end(); }
    bool end_map() { return end(); }
    bool start_map_key() { return keyIsNext_ = true; }

private:
    bool add(PackedValue value) {
        value.isKey = std::exchange(keyIsNext_, false);
        if (value.isKey && value.type != Type::kText) return false;
        values_.push_back(value);
        return true;
    }

    bool start(Type type, std::uint32_t count) {
        if (count > limits_.items || open_.size() == limits_.depth) return false;
        open_.push_back(values_.size());
        return add({.type = type, .count = count});
    }

    bool end() {
        values_[open_.back()].values = static_cast<std::uint32_t>(values_.size() - open_.back());
        open_.pop_back();
        return true;
    }

    std::vector<PackedValue>& values_;
    const PackedLimits& limits_;
    std::vector<std::size_t> open_;  // places of the maps and lists around the next value
    bool keyIsNext_ = false;
};

bool parse(std::string_view packed, Row& row) {
    std::size_t end = 0;
    try {
        return msgpack::parse(packed.data(), packed.size(), end, row) && end == packed.size();
    } catch (const msgpack::unpack_error&) {  // an extension too long for a 32-bit machine
        return false;
    }
}

}  // namespace

std::optional<bool> PackedValue::asBool() const {
    if (type != Type::kBool) return std::nullopt;
    return bits != 0;
}

std::optional<std::int64_t> PackedValue::asInteger() const {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const bool fits = type == Type::kNegative || (type == Type::kPositive && bits <= kMost);
    if (!fits) return std::nullopt;
    return static_cast<std::int64_t>(bits);
}

std::optional<std::uint64_t> PackedValue::asUnsigned() const {
    if (type != Type::kPositive) return std::nullopt;
    return bits;
}

std::optional<std::string_view> PackedValue::asText() const {
    if (type != Type::kText) return std::nullopt;
    return std::string_view(text, count);
}

const PackedValue* PackedValue::find(std::string_view key) const {
    assert(type == Type::kMap);
    const PackedValue* found = nullptr;
    const PackedValue* at = first();
    for (std::uint32_t entry = 0; entry < count; ++entry) {
        const PackedValue* value = at->next();
        if (at->asText() == key) found = value;
        at = value->next();
    }
    return found;
}

std::string PackedValue::shown() const {
    switch (type) {
        case Type::kNil:
            return "nil";
        case Type::kBool:
            return bits != 0 ? "true" : "false";
        case Type::kPositive:
            return std::to_string(bits);
        case Type::kNegative:
            return std::to_string(static_cast<std::int64_t>(bits));
        case Type::kFloat:
            return "a float";
        case Type::kText:
            return words("'", clipped({text, count}, 40), "'");
        case Type::kBinary:
            return "binary";
        case Type::kList:
            return words("a list of ", count);
        case Type::kMap:
            return words("a map of ", count);
    }
    return "";
}

PackedMap::PackedMap(std::span<const std::byte> frame, const PackedLimits& limits) {
    if (frame.size() > limits.bytes) {
        throw Refusal{Code::kMalformed, words("a ", limits.what, " of ", frame.size(),
                                              " bytes, expected at most ", limits.bytes)};
    }
    values_.reserve(frame.size());  // no value takes less than a byte
    Row row(values_, limits);
    if (!parse({reinterpret_cast<const char*>(frame.data()), frame.size()}, row)) {
        throw Refusal{Code::kMalformed,
                      words("a ", limits.what, " that is not a msgpack map of plain values")};
    }
    if (root().type != Type::kMap) {
        throw Refusal{Code::kMalformed,
                      words("a ", limits.what, " that is ", root().shown(), ", expected a map")};
    }
}

namespace {

/// Where the packer puts its bytes.
struct Sink {
    std::vector<std::byte>& to;
    void write(const char* bytes, std::size_t count) {
        const auto* begin = reinterpret_cast<const std::byte*>(bytes);
        to.insert(to.end(), begin, begin + count);
    }
};

}  // namespace

void PackedWriter::map(std::size_t entries) {
    Sink sink{to_};
    msgpack::packer<Sink>(sink).pack_map(static_cast<std::uint32_t>(entries));
}

void PackedWriter::list(std::size_t items) {
    Sink sink{to_};
    msgpack::packer<Sink>(sink).pack_array(static_cast<std::uint32_t>(items));
}

void PackedWriter::text(std::string_view text) {
    Sink sink{to_};
    const auto bytes = static_cast<std::uint32_t>(text.size());
    msgpack::packer<Sink>(sink).pack_str(bytes).pack_str_body(text.data(), bytes);
}

void PackedWriter::integer(std::int64_t number) {
    Sink sink{to_};
    msgpack::packer<Sink>(sink).pack_int64(number);
}

void PackedWriter::unsignedInteger(std::uint64_t number) {
    Sink sink{to_};
    msgpack::packer<Sink>(sink).pack_uint64(number);
}

void PackedWriter::boolean(bool value) {
    Sink sink{to_};
    msgpack::packer<Sink>(sink).pack(value);
}

}  // namespace stembridge::protocol
