/// Whether a host waits for stems: never while it plays, within bounds while it renders.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/pace.h"
#include "core/track.h"
#include "link/client.h"
#include "link/patience.h"

namespace stembridge {

/// What the user lets a render do.
enum class Offline { Auto, Always, Never };

/// What a host does besides handing over blocks, read with each of them.
struct Rendering {
    bool saysOffline = false;
    Offline choice = Offline::Auto;
    /// Frames that it hands over at once, in as many pieces as it takes.
    std::int64_t atOnce = 0;
};

/// Decides block by block. One for a track; audio thread, all of it.
///
/// A host renders when it says so, or when it runs ahead of the clock by more than `burst` frames.
/// The first is let wait until all stems are there, the second until it is that far ahead again.
class HostWaiter : public Waiter {
public:
    /// isCalled: true while another thread wants the track for itself; nothing waits then.
    HostWaiter(link::Client& client, std::int64_t rate, std::int64_t burst,
               const std::atomic<bool>& isCalled)
        : client_(client),
          burst_(burst),
          pace_(rate, burst),
          patience_(client, kPatienceUs),
          isCalled_(isCalled) {}

    /// The host hands over `frames`. Returns what the track may wait with; null in real time.
    Waiter* ask(std::int64_t frames, const Rendering& rendering);

    /// Whether the host renders for sure: it says so, was made to wait since `ask`, or has come
    /// further ahead than any that plays.
    bool isRender() const { return isRender_; }

    /// The plan in force is made for such bursts. Any thread.
    void allow(std::int64_t burst) { burst_.store(burst, std::memory_order_relaxed); }

    bool wait() override;

    /// What comes next has nothing to do with what came before.
    void restart() {
        pace_.restart();
        patience_.renew();
    }

private:
    /// A worker that loads a model is silent for so long at most without saying how far it is.
    static constexpr std::int64_t kPatienceUs = 30'000'000;

    static std::int64_t nowUs() {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }

    link::Client& client_;
    std::atomic<std::int64_t> burst_;
    Pace pace_;
    link::Patience patience_;
    const std::atomic<bool>& isCalled_;
    bool isAnnounced_ = false;
    bool isRender_ = false;
    std::int64_t atOnce_ = 0;
    bool hadHope_ = false;  // something came from a sidecar once
};

}  // namespace stembridge
