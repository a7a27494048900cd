#pragma once

#include <algorithm>
#include <cstdint>

namespace stembridge {

/// Half-open run of frames `[start, start + length)`: the one representation of time.
///
/// A frame is one sample of every channel; positions and counts are integers at a named rate.
/// `start` may be negative (before the first frame of a signal); `length` is at least 0.
struct Span {
    std::int64_t start = 0;
    std::int64_t length = 0;

    /// From `start` up to but not including `stop`; empty when `stop <= start`.
    static constexpr Span between(std::int64_t start, std::int64_t stop) {
        return {start, stop > start ? stop - start : 0};
    }

    /// First frame after the span.
    constexpr std::int64_t stop() const { return start + length; }

    constexpr bool empty() const { return length == 0; }

    constexpr bool contains(std::int64_t frame) const { return start <= frame && frame < stop(); }

    /// Frames in both spans; an empty span where there are none.
    constexpr Span intersect(Span other) const {
        return between(std::max(start, other.start), std::min(stop(), other.stop()));
    }

    /// The span with `before` more frames in front and `after` more behind.
    constexpr Span extend(std::int64_t before, std::int64_t after) const {
        return {start - before, length + before + after};
    }

    friend constexpr bool operator==(Span, Span) = default;
};

}  // namespace stembridge
