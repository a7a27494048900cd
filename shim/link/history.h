/// The newest stretch of the input: to be sent, and to be sent again.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/planar.h"
#include "core/ring.h"
#include "core/span.h"

namespace stembridge::link {

/// The newest `capacity` frames of a signal that begins at `start`, by absolute frame.
///
/// Before its beginning a signal is silent, and so are the frames before `start` that fit. One
/// thread.
class History {
public:
    /// channels: 1 or 2.
    History(std::int64_t channels, std::int64_t capacity, std::int64_t start)
        : ring_(channels, capacity), stop_(start) {}

    std::int64_t channels() const { return ring_.rows(); }
    /// Oldest frame that can be read.
    std::int64_t start() const { return stop_ - ring_.capacity(); }
    /// First frame that is not here yet.
    std::int64_t stop() const { return stop_; }

    /// Takes the next frames; the oldest ones make room for them.
    void append(PlanarView block) {
        stop_ += block.frames;
        const Span kept = Span::between(std::max(stop_ - block.frames, start()), stop_);
        const std::array<const float*, 2> rows{block.row(0), block.row(block.rows - 1)};
        ring_.write(kept, rows.data(), block.frames - kept.length);
    }

    /// So many frames never came; they count as silence.
    void skip(std::int64_t frames) {
        stop_ += frames;
        ring_.fill(Span::between(std::max(stop_ - frames, start()), stop_), 0.0F);
    }

    /// Copies frames, which have to be here, to `to`: channel by channel, `stride` floats apart.
    void read(Span span, float* to, std::int64_t stride) const {
        const std::array<float*, 2> rows{to, to + (channels() - 1) * stride};
        ring_.read(span, rows.data());
    }

private:
    Ring<float> ring_;
    std::int64_t stop_;
};

}  // namespace stembridge::link
