/// Waiting for stems while the host renders.
#pragma once

#include <cstdint>

#include "core/track.h"
#include "link/client.h"

namespace stembridge::link {

/// Lets a track wait as long as its link shows progress, and `patienceUs` after that; two
/// seconds where there is no hope. Then it waits no more until there is progress again: a sidecar
/// that is away costs a render that once, not for every block.
///
/// For one thread at a time, the audio thread of a host that renders. It may block.
class Patience : public Waiter {
public:
    Patience(Client& client, std::int64_t patienceUs) : client_(client), patienceUs_(patienceUs) {}

    bool wait() override;
    /// Another render, or another wish: it may wait as long as at first.
    void renew() {
        spentUs_ = 0;
        isOver_ = false;
    }
    /// Whether it gave up, and nothing has come since.
    bool isOver() const { return isOver_ && client_.progress() == seen_; }

private:
    Client& client_;
    const std::int64_t patienceUs_;
    std::int64_t seen_ = -1;   // progress that was seen
    std::int64_t spentUs_ = 0;  // waited since then
    bool isOver_ = false;
};

}  // namespace stembridge::link
