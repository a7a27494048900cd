#include "protocol/payloads.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/codes.h"
#include "protocol/kinds.h"
#include "protocol/limits.h"
#include "protocol/text.h"
#include "protocol/words.h"

namespace stembridge::protocol {
namespace {

template <std::size_t N>
using Shape = std::array<std::int64_t, N>;

constexpr Shape<2> kLongestInput{kChannels, kFrames};
constexpr Shape<3> kLongestStems{kSources, kChannels, kFrames};

[[noreturn]] void refuse(std::string why) { throw Refusal{Code::kMalformed, std::move(why)}; }

/// Throws unless each axis fits and `bytes` is what such samples take.
template <std::size_t N>
void checkShape(const Shape<N>& shape, const Shape<N>& longest, std::size_t bytes) {
    std::size_t expected = sizeof(float);
    for (std::size_t axis = 0; axis < N; ++axis) {
        if (shape[axis] < 1 || shape[axis] > longest[axis]) {
            refuse(
                words("samples with an axis of ", shape[axis], ", expected 1 to ", longest[axis]));
        }
        expected *= static_cast<std::size_t>(shape[axis]);
    }
    if (bytes != expected) {
        refuse(words("a payload of ", bytes, " bytes, expected ", expected, " for its shape"));
    }
}

/// The shape that a header tells of a payload of so many bytes.
template <std::size_t N>
Shape<N> readShape(const PackedValue& map, const Shape<N>& longest, std::size_t bytes) {
    const PackedValue* wire = map.find("shape");
    if (wire == nullptr || wire->type != PackedValue::Type::kList || wire->count != N) {
        refuse(words("without a shape of ", N, " axes"));
    }
    Shape<N> shape{};
    const PackedValue* at = wire->first();
    for (std::int64_t& length : shape) {
        kNumberKind.read(*at, length);
        at = at->next();
    }
    checkShape(shape, longest, bytes);
    return shape;
}

template <std::size_t N>
void writeShape(PackedWriter& writer, const Shape<N>& shape) {
    writer.text("shape");
    writer.list(N);
    for (const std::int64_t length : shape) writer.integer(length);
}

Shape<2> shapeOf(const InputBlock& block) { return {block.channels, block.frames}; }
Shape<3> shapeOf(const StemBlock& block) { return {block.sources, block.channels, block.frames}; }

bool isAllowedInReport(const PackedValue& value) {
    using Type = PackedValue::Type;
    if (value.type == Type::kFloat || value.type == Type::kBinary) return false;
    const auto text = value.asText();
    if (!text) return true;
    return text->size() <= (value.isKey ? kStringBytes : kTextBytes) && isShowable(*text);
}

}  // namespace

void InputSamples::check(const InputBlock& value) const {
    checkShape(shapeOf(value), kLongestInput, value.samples.bytes().size());
}

void InputSamples::read(const PackedValue& map, std::span<const std::byte> payload,
                        InputBlock& to) const {
    const auto [channels, frames] = readShape(map, kLongestInput, payload.size());
    to = {.channels = channels, .frames = frames, .samples = Samples(payload)};
}

void InputSamples::write(PackedWriter& writer, const InputBlock& value) const {
    writeShape(writer, shapeOf(value));
}

void StemSamples::check(const StemBlock& value) const {
    checkShape(shapeOf(value), kLongestStems, value.samples.bytes().size());
}

void StemSamples::read(const PackedValue& map, std::span<const std::byte> payload,
                       StemBlock& to) const {
    const auto [sources, channels, frames] = readShape(map, kLongestStems, payload.size());
    to = {.sources = sources, .channels = channels, .frames = frames, .samples = Samples(payload)};
}

void StemSamples::write(PackedWriter& writer, const StemBlock& value) const {
    writeShape(writer, shapeOf(value));
}

void ReportMap::check(std::span<const std::byte> value) const {
    const PackedMap report(
        value, {.what = "payload", .bytes = kTreeBytes, .items = kTreeItems, .depth = kTreeDepth});
    for (const PackedValue& one : report.all()) {
        if (!isAllowedInReport(one)) refuse(words(one.shown(), ", which a report may not hold"));
    }
}

void ReportMap::read(const PackedValue&, std::span<const std::byte> payload,
                     std::span<const std::byte>& to) const {
    check(payload);
    to = payload;
}

}  // namespace stembridge::protocol
