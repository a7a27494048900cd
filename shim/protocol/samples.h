/// The samples of AUDIO and STEMS, read where they lie.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace stembridge::protocol {

static_assert(std::endian::native == std::endian::little && std::numeric_limits<float>::is_iec559,
              "samples travel as little-endian float32 and are not converted; use such a machine");

/// Planar samples in memory of somebody else, who keeps it while they are used.
///
/// In a frame that came they may lie at any address, so they are only ever copied out.
class Samples {
public:
    Samples() = default;
    /// Samples to be sent.
    explicit Samples(std::span<const float> samples) : bytes_(std::as_bytes(samples)) {}
    /// A payload that came; whole floats.
    explicit Samples(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::size_t size() const { return bytes_.size() / sizeof(float); }
    std::span<const std::byte> bytes() const { return bytes_; }

    /// Fill `to` with the samples from `first` on; there have to be as many. What is not finite
    /// counts as 0. Any thread; takes neither lock nor memory.
    void copy(std::size_t first, std::span<float> to) const;

private:
    std::span<const std::byte> bytes_{};
};

/// Input of shape (channels, frames).
struct InputBlock {
    std::int64_t channels = 0;
    std::int64_t frames = 0;
    Samples samples{};
};

/// Stems of shape (sources, channels, frames).
struct StemBlock {
    std::int64_t sources = 0;
    std::int64_t channels = 0;
    std::int64_t frames = 0;
    Samples samples{};

    /// Fill `to`, whose length is at most `frames`, with one channel of one stem from its frame
    /// `from` on. What is not finite counts as 0. Any thread; takes neither lock nor memory.
    void copy(std::int64_t source, std::int64_t channel, std::int64_t from,
              std::span<float> to) const;
};

}  // namespace stembridge::protocol
