#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace stembridge {

/// Samples that someone else owns: `rows` runs of `frames` floats, one after another.
///
/// A row is a channel, or a channel of a stem: all channels of stem 0, then those of stem 1.
struct PlanarView {
    const float* samples = nullptr;
    std::int64_t rows = 0;
    std::int64_t frames = 0;

    const float* row(std::int64_t index) const { return samples + index * frames; }
};

/// The sample, or 0 for one that is not a finite number.
inline float finite(float sample) {
    return std::abs(sample) <= std::numeric_limits<float>::max() ? sample : 0.0f;
}

/// Copies samples, those that are no finite numbers as 0. The two do not overlap.
inline void copyFinite(const float* __restrict from, std::int64_t frames, float* __restrict to) {
    for (std::int64_t frame = 0; frame < frames; ++frame) to[frame] = finite(from[frame]);
}

}  // namespace stembridge
