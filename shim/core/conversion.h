#pragma once

#include <cstdint>

namespace stembridge {

/// Which frames of one rate a linear-phase resampler needs for which frames of another.
///
/// Frame 0 is at the same instant on both sides. Target frame n lies at source position
/// `n * source / target` and is made from the source frames at most `half` frames from it.
/// Rates are in Hz and at least 1. Equal rates need no filter: `half` is 0 then.
struct Conversion {
    std::int64_t source = 1;
    std::int64_t target = 1;
    std::int64_t half = 0;

    /// Fewest source frames `[0, n)` that give the target frames `[0, count)`.
    std::int64_t needed(std::int64_t count) const;

    /// Most target frames `[0, n)` that the source frames `[0, count)` give.
    std::int64_t ready(std::int64_t count) const;

    friend bool operator==(const Conversion&, const Conversion&) = default;
};

/// The conversion from `source` to `target` Hz with the reach of the sidecar's filter.
///
/// The filter is a windowed sinc, 126 dB down by Kaiser's formula and flat up to 20 kHz where the
/// lower rate is 44.1 kHz. Only the sidecar resamples; here its reach is needed for the latency.
Conversion design(std::int64_t source, std::int64_t target);

}  // namespace stembridge
