#pragma once

#include <algorithm>
#include <cstdint>

#include "core/rates.h"

namespace stembridge {

/// How far a host runs ahead of the clock: in bursts while it plays, without end while it renders.
///
/// Ahead are the frames that it asked for less those that time has brought since an anchor, which
/// moves when the host falls behind. Up to `allowed` frames ahead it plays, and never waits; beyond
/// it renders, whether it says so or not. One that rendered and plays now is not ahead any more: it
/// gains nothing on the clock although nobody makes it wait. Times come from a steady clock, in
/// microseconds. Audio thread, all of it.
class Pace {
public:
    /// rate: of the host, in Hz. allowed: host frames, the burst that the latency was made for.
    Pace(std::int64_t rate, std::int64_t allowed) : rate_(rate), allowed_(allowed) {}

    /// The host asks for `frames` more at the time `nowUs`.
    void ask(std::int64_t frames, std::int64_t nowUs) {
        asked_ += frames;
        // Rounded up: a part of a frame behind is behind.
        const bool isBehind = ceilScaled(elapsedUs(nowUs), kMicroseconds, rate_) > asked_;
        if (isAnchored_ && !isBehind && !playsAgain(nowUs)) return;
        // No block comes later than its own end: from here on this one comes just then.
        isAnchored_ = true;
        anchorUs_ = lookedUs_ = nowUs;
        asked_ = seen_ = 0;
        hasWaited_ = false;
    }

    /// From now on the host may be ahead by this many frames.
    void allow(std::int64_t frames) { allowed_ = frames; }

    /// The next block has nothing to do with those before.
    void restart() { isAnchored_ = false; }

    /// The host is made to wait.
    void wait() { hasWaited_ = true; }

    /// Frames that the host is ahead at the time `nowUs`: 0 or more.
    std::int64_t ahead(std::int64_t nowUs) const {
        const std::int64_t elapsed = floorScaled(elapsedUs(nowUs), kMicroseconds, rate_);
        return std::max<std::int64_t>(0, asked_ - elapsed);
    }

    /// Whether the host is further ahead than it may be; the `atOnce` frames of one block it may.
    bool outruns(std::int64_t nowUs, std::int64_t atOnce = 0) const {
        return ahead(nowUs) > std::max(allowed_, atOnce);
    }

    /// Whether it is ahead as none is that plays: by more than a second.
    bool isFarAhead(std::int64_t nowUs) const { return ahead(nowUs) > rate_; }

private:
    /// Between two looks at what the host does.
    static constexpr std::int64_t kLookUs = 1'000'000;

    bool playsAgain(std::int64_t nowUs) {
        const std::int64_t sinceUs = nowUs - lookedUs_;
        if (sinceUs < kLookUs) return false;
        const std::int64_t gained = asked_ - seen_ - floorScaled(sinceUs, kMicroseconds, rate_);
        const bool plays = !hasWaited_ && gained <= allowed_ && isFarAhead(nowUs);
        lookedUs_ = nowUs;
        seen_ = asked_;
        hasWaited_ = false;
        return plays;
    }

    std::int64_t elapsedUs(std::int64_t nowUs) const {
        return std::max<std::int64_t>(0, nowUs - anchorUs_);
    }

    std::int64_t rate_;
    std::int64_t allowed_;
    std::int64_t anchorUs_ = 0;
    std::int64_t asked_ = 0;
    bool isAnchored_ = false;
    std::int64_t lookedUs_ = 0;  // when what it does was looked at last, and
    std::int64_t seen_ = 0;      // what it had asked for then
    bool hasWaited_ = false;     // since then
};

}  // namespace stembridge
