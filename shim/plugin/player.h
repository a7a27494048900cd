/// One instance without its host's interfaces: a track, its link, and what was agreed for them.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/track.h"
#include "link/client.h"
#include "plugin/default_plan.h"
#include "plugin/host_waiter.h"
#include "plugin/state.h"

namespace stembridge {

/// Plays what is wanted as soon as the sidecar grants it, and the delayed input until then.
///
/// Nothing connects before the first block or `wake`. Hosts call prepare and reset from any thread,
/// also while they play: a block that meets a change of the track is silent, and never waits for
/// it.
class Player {
public:
    /// hostName: for the sidecar's reports.
    explicit Player(std::string hostName);

    /// From here on blocks of at most `host.block` frames at `host.rate` come; larger ones may.
    /// channels: of the input, 1 or 2. isOffline: whether the host renders, as far as it knows by
    /// now. Where nothing changes it is a reset. Any thread; allocates, and connects nothing.
    void prepare(const HostFrames& host, int channels, bool isOffline);

    /// What comes next has nothing to do with what came before. Any thread.
    void reset() { resetAsked_.store(true, std::memory_order_release); }

    /// Plays a block; false, and nothing is written, before prepare or during another one.
    /// Arguments as of Track::process. Audio thread.
    bool process(const float* const* input, const Outputs& out, std::int64_t frames,
                 const Controls& controls, const Rendering& rendering);

    /// Asks for something else. What was granted goes on until that is. Any thread but the audio
    /// one.
    void want(const Wanted& wanted);

    /// Asks for what a project has. What was granted before, which hosts have us play when they look
    /// at us, is no part of it: nothing but the delayed input is heard until this is granted, and a
    /// render waits for it. Any thread but the audio one.
    void restore(const Wanted& wanted);

    /// What is wanted, with the plan that was granted for it: that of the project, or where the
    /// host does what it was not made for, such as larger blocks, the one played by meanwhile. Any
    /// thread but the audio one.
    Wanted wanted();

    /// Takes up what was granted meanwhile, but no other latency in the middle of a render: that
    /// goes on without stems, and the next one after a prepare has them. Call it now and then. Any
    /// thread but the audio one.
    void follow();

    /// Host frames to be told to the host. Any thread.
    std::int64_t latency() const { return latency_.load(std::memory_order_relaxed); }

    /// What `latency` would be after a prepare for `host`. Any thread but the audio one.
    std::int64_t latencyFor(const HostFrames& host) const;

    /// Connects without waiting for a block. Any thread but the audio one.
    void wake() { client_.wake(); }

    /// What the link says; in `refusal` also what cannot even be asked for. Any thread but the
    /// audio one.
    link::Status status() const;

    /// Frames that were late, and frames heard without stems, since prepare; of late ones those
    /// since `dismissLate`. Any thread but the audio one.
    std::int64_t lateFrames() const;
    std::int64_t replacedFrames() const;
    void dismissLate();

    /// Frames that a render got without stems, since `dismissIncomplete`. Any thread.
    std::int64_t incompleteFrames() const { return incomplete_.load(std::memory_order_relaxed); }
    void dismissIncomplete() { incomplete_.store(0, std::memory_order_relaxed); }

private:
    /// A plan for what the project's own does not suit, for as long as the host does just that.
    struct Meanwhile {
        HostFrames host;
        protocol::SavedPlan plan;
    };

    bool isKeptFor(const HostFrames& host) const;
    bool isGuess(const HostFrames& host) const;
    std::optional<protocol::SavedPlan> granted(const HostFrames& host) const;
    std::optional<protocol::SavedPlan> plan(const HostFrames& host) const;
    Wanted saved() const;
    protocol::Configure wish() const;
    void build();
    void ask();
    void takeUp();

    protocol::SavedPlan defaultFor(const HostFrames& host) const;

    /// Of the default model by the host's rate, as it was when this was made: the latency that a
    /// host was told is to stay.
    const std::map<std::int64_t, link::RunCost> measured_;
    mutable std::mutex mutex_;  // all but the audio thread
    link::Client client_;
    HostFrames host_;
    int channels_ = 0;  // 0 before prepare
    bool isOffline_ = false;
    Wanted wanted_;
    std::optional<Meanwhile> meanwhile_;
    std::string problem_;
    std::int64_t seen_ = 0;  // agreements that were taken up, or were for something else
    bool isGuessRefused_ = false;  // a plan that nobody had granted before
    std::int64_t lateSeen_ = 0;  // late frames of the track that the user has dismissed

    // Whoever has set `busy_` has these.
    std::atomic<bool> busy_{false};
    std::shared_ptr<Track> track_;
    std::unique_ptr<HostWaiter> waiter_;

    std::atomic<bool> isCalled_{false};
    std::atomic<bool> isRendering_{false};
    std::atomic<bool> resetAsked_{false};
    std::atomic<bool> isWishNew_{false};  // what was not granted before says nothing of it
    std::atomic<std::int64_t> latency_{0};
    std::atomic<std::int64_t> incomplete_{0};
};

}  // namespace stembridge
