#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/buses.h"
#include "core/ring.h"
#include "core/stem_buffer.h"

namespace stembridge {

/// What is played by one plan: its stems on their way, and the input to be heard in their place.
///
/// Made by the link thread, and then the audio thread's but for `lanes` and the end of `stems`
/// where they come in.
struct Playback {
    /// number: of the plan, 0 for none. latency, block, guard: host frames.
    Playback(std::uint32_t plan, std::int64_t delay, std::int64_t guardFrames, Lanes heard,
             int channels, std::int64_t block)
        : number(plan),
          latency(delay),
          guard(guardFrames),
          lanes(std::move(heard)),
          stems({lanes.count(), channels, lanes.carrier(), delay, block, guardFrames}),
          dry(channels, delay + block) {}

    /// Goes on where `before` is, which is done then. Audio thread.
    ///
    /// position: of the next input. begin: of the epoch; before it everything is silent.
    void follow(Playback& before, std::int64_t position, std::int64_t begin) {
        promised = position;
        awaited = std::min(awaited, position);
        stems.restart(position - latency, begin);
        if (before.dry.capacity() >= dry.capacity()) {
            std::swap(dry, before.dry);
            return;
        }
        // A longer latency. All that is known of the past is copied, once; the rest of it is
        // silent.
        const Span known{position - before.dry.capacity(), before.dry.capacity()};
        dry.copy(before.dry, known);
    }

    std::uint32_t number;
    std::int64_t latency;
    std::int64_t guard;
    const Lanes lanes;
    StemBuffer stems;
    Ring<float> dry;

    /// From this frame of the input on stems are due: none are before there is a plan.
    std::int64_t promised = std::numeric_limits<std::int64_t>::max();

    /// From this one on they may come, and a render waits for them.
    std::int64_t awaited = std::numeric_limits<std::int64_t>::max();

    Playback* next = nullptr;  ///< for the hand-over
};

}  // namespace stembridge
