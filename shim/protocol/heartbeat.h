/// Whether a peer is still there, decided from times that are passed in.
#pragma once

#include <cstdint>

#include "protocol/limits.h"

namespace stembridge::protocol {

/// When anything last came and went over one socket, in µs on one steady clock of the caller.
struct Heartbeat {
    std::int64_t heardUs = 0;
    std::int64_t sentUs = 0;

    /// True when a PING is to be sent, as nothing was for half of `intervalUs`.
    bool isDue(std::int64_t nowUs, std::int64_t intervalUs) const {
        return nowUs - sentUs >= intervalUs / 2;
    }

    /// True when the peer was silent for so many intervals that it has to be gone.
    bool isGone(std::int64_t nowUs, std::int64_t intervalUs) const {
        return nowUs - heardUs > intervalUs * kMissedHeartbeats;
    }
};

}  // namespace stembridge::protocol
