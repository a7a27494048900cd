#pragma once

#include <cstdint>
#include <vector>

#include "core/ring.h"
#include "core/span.h"

namespace stembridge {

/// Stems on their way to the host: put in as they arrive, taken out when they are due.
///
/// What is not there in time is late: the host hears the dry signal in its place, joined by fades,
/// or silence. Nothing is ever shifted, and what arrives after its time is dropped.
///
/// The weight of the stems at a frame is its distance from the nearest late frame divided by
/// `guard + 1`, at most 1; the rest is the dry signal. Stems that sum to the dry signal always do.
///
/// Rows are the channels of stem 0, then those of stem 1. Only the constructor allocates.
class StemBuffer {
public:
    struct Shape {
        int stems;           ///< at least 1
        int channels;        ///< of each stem
        int carrier;         ///< the stem that carries the dry signal in a gap
        std::int64_t ahead;  ///< frames from the next one on that there is room for, and
        std::int64_t block;  ///< the most frames of a read besides
        std::int64_t guard;  ///< frames over which stems fade before a gap and after it: a frame
                             ///< is late unless it is there when the one `guard` before it is read
    };

    explicit StemBuffer(const Shape& shape);

    /// Begins anew, with `position` as the next frame to be read and nothing there. Audio thread.
    ///
    /// Before frame `from`, which lies at most `ahead` frames on, the stems are known to be silent.
    void restart(std::int64_t position, std::int64_t from);

    /// Next frame to be read. Audio thread.
    std::int64_t position() const { return position_; }

    /// First frame whose stems can still come in time: those before were heard, or are faded
    /// towards as late. Audio thread.
    std::int64_t decided() const { return decided_; }

    /// Takes stems at `start`; returns how many frames came in time. Audio thread.
    ///
    /// Those that are too late already, or for which there is no room, are dropped.
    std::int64_t write(std::int64_t start, const float* const* rows, std::int64_t length);

    /// How many frames of `span` are not there. Audio thread.
    ///
    /// The span lies from `guard` frames before the next one to be read up to where there is room.
    std::int64_t missing(Span span) const;

    /// Whether the next `length` frames are all there and none is part of a fade. Audio thread.
    bool isWhole(std::int64_t length) const { return missing(around(length)) == 0; }

    /// Reads the next `length` frames, at most a block. Audio thread.
    ///
    /// dry: the input at the same frames, a row a channel; null for silence in place of what is
    /// late. It is not looked at where stems are whole. out: where each row goes.
    void read(const float* const* dry, float* const* out, std::int64_t length);

private:
    Span around(std::int64_t length) const {
        return Span{position_, length}.extend(shape_.guard, shape_.guard);
    }
    void weigh(std::int64_t length);
    void blend(const float* const* dry, float* const* out, std::int64_t length) const;

    Shape shape_;
    std::int64_t capacity_;
    Ring<float> stems_;
    Ring<std::uint8_t> here_;  // fades need to know of the frames around those that are read
    Span whole_;               // a run of frames that are all there, the newest known
    std::vector<std::uint8_t> around_;
    std::vector<float> weights_;
    std::int64_t position_ = 0;
    std::int64_t from_ = 0;
    std::int64_t decided_ = 0;  // frames before were heard, or faded towards as late
};

}  // namespace stembridge
