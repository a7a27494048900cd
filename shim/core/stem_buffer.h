#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/ring.h"
#include "core/span.h"

namespace stembridge {

/// Stems on their way to the host: the link thread puts them in as they arrive, the audio thread
/// takes them out when they are due.
///
/// What is not there in time is late: the host hears the dry signal in its place, joined by fades,
/// or silence. Nothing is ever shifted, and what arrives after its time is dropped.
///
/// The weight of the stems at a frame is its distance from the nearest late frame divided by
/// `guard + 1`, at most 1; the rest is the dry signal. Stems that sum to the dry signal always do.
///
/// Stems come in order: the link thread writes frames from the end of those before on, as far as
/// the oldest that are still looked at, and then moves the end. The audio thread looks at frames
/// before the end, and moves on when it is done. So no frame is ever both threads'.
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

    /// Takes stems at `start`; returns how many frames are done with. Link thread.
    ///
    /// Those that were due already, or lie before others that came, are dropped. For the rest there
    /// was no room yet, and until the first `restart` there is none.
    std::int64_t write(std::int64_t start, const float* const* rows, std::int64_t length);

    /// Goes on with `position` as the next frame to be read, at or after that before. Audio thread.
    ///
    /// Before frame `from` the stems are known to be silent.
    void restart(std::int64_t position, std::int64_t from);

    /// Finds out what came. Audio thread.
    void look();

    /// Next frame to be read. Audio thread.
    std::int64_t position() const { return position_; }

    /// First frame whose stems can still come in time: those before were heard, or are faded
    /// towards as late. Audio thread.
    std::int64_t decided() const { return decided_; }

    /// How many frames of `span` were not there at the last look. Audio thread.
    ///
    /// The span lies from `guard` frames before the next one to be read up to where there is room.
    std::int64_t missing(Span span) const;

    /// Whether the next `length` frames are all there and none is part of a fade. Audio thread.
    bool isWhole(std::int64_t length) const;

    /// Reads the next `length` frames, at most a block. Audio thread.
    ///
    /// dry: the input at the same frames, a row a channel; null for silence in place of what is
    /// late. It is not looked at where stems are whole. out: where each row goes.
    void read(const float* const* dry, float* const* out, std::int64_t length);

private:
    /// Before all frames there are.
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min() / 2;

    static constexpr std::size_t kCacheLine = 64;

    Span around(std::int64_t length) const {
        return Span{position_, length}.extend(shape_.guard, shape_.guard);
    }
    /// The part of `span` that lies in memory.
    Span kept(Span span) const { return span.intersect(Span::between(from_, seen_)); }
    void moveTo(std::int64_t position);
    void weigh(std::int64_t length);
    void blend(const float* const* dry, float* const* out, std::int64_t length) const;

    const Shape shape_;
    const std::int64_t room_;  // frames from the next one on

    // Of each frame the thread's that it belongs to. Fades need to know of the frames around those
    // that are read: 1 for one that is here.
    Ring<float> stems_;
    Ring<std::uint8_t> here_;

    // The link thread writes one, the audio thread the other.
    alignas(kCacheLine) std::atomic<std::int64_t> end_{kNever};
    std::atomic<std::int64_t> since_{kNever};  // from here on up to the end all frames came
    alignas(kCacheLine) std::atomic<std::int64_t> due_{kNever};

    // Audio thread.
    alignas(kCacheLine) std::int64_t position_ = 0;
    std::int64_t from_ = 0;
    std::int64_t decided_ = 0;     // frames before were heard, or faded towards as late
    std::int64_t seen_ = kNever;   // the end when it was looked at last
    std::int64_t whole_ = kNever;  // no gap lies from here on up to `seen_`; one may lie before
    std::vector<std::uint8_t> around_;
    std::vector<float> weights_;
};

}  // namespace stembridge
