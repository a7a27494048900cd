/// The kinds of payloads: samples, whose shape stands in the header, and the map of a report.
///
/// They throw Refusal, as the kinds of kinds.h do. What they read views the frame.
#pragma once

#include <cstddef>
#include <span>

#include "protocol/messages.h"
#include "protocol/packed.h"

namespace stembridge::protocol {

/// Input of shape (channels, frames).
struct InputSamples {
    static constexpr std::size_t kKeys = 1;

    void check(const InputBlock& value) const;
    void read(const PackedValue& map, std::span<const std::byte> payload, InputBlock& to) const;
    void write(PackedWriter& writer, const InputBlock& value) const;
    std::span<const std::byte> bytes(const InputBlock& value) const {
        return value.samples.bytes();
    }
};

/// Stems of shape (sources, channels, frames).
struct StemSamples {
    static constexpr std::size_t kKeys = 1;

    void check(const StemBlock& value) const;
    void read(const PackedValue& map, std::span<const std::byte> payload, StemBlock& to) const;
    void write(PackedWriter& writer, const StemBlock& value) const;
    std::span<const std::byte> bytes(const StemBlock& value) const { return value.samples.bytes(); }
};

/// A map of at most kTreeDepth levels, without floats.
struct ReportMap {
    static constexpr std::size_t kKeys = 0;

    void check(std::span<const std::byte> value) const;
    void read(const PackedValue& map, std::span<const std::byte> payload,
              std::span<const std::byte>& to) const;
    void write(PackedWriter&, std::span<const std::byte>) const {}
    std::span<const std::byte> bytes(std::span<const std::byte> value) const { return value; }
};

inline constexpr InputSamples kInputBlockKind{};
inline constexpr StemSamples kStemBlockKind{};
inline constexpr ReportMap kMapKind{};

}  // namespace stembridge::protocol
