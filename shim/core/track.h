#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/buses.h"
#include "core/fifo.h"
#include "core/handover.h"
#include "core/mixer.h"
#include "core/planar.h"
#include "core/playback.h"
#include "core/ramp.h"
#include "core/span.h"

namespace stembridge {

/// Names a block of input on its way to the link.
struct InputHeader {
    std::int64_t start;   ///< absolute frame, one counter for the life of the track
    std::uint32_t epoch;  ///< another one than before: the input has nothing to do with that before
                          ///< `start`, or some of it was lost and `start` jumps over the gap
    std::uint32_t plan;   ///< number of the plan in force, 0 for none yet: the first block with a
                          ///< number is where that plan begins
};

/// What a track that may wait does to wait a little: sleep, or give up.
class Waiter {
public:
    virtual ~Waiter() = default;

    /// Waits at most a few milliseconds; false to go on without what is missing. Audio thread, and
    /// the one thing on it that may block.
    virtual bool wait() = 0;
};

/// How the stems of a track are heard.
struct Controls {
    Strips strips;
    bool stemsPostFader = false;   ///< else stem buses are raw
    bool silenceWhenLate = false;  ///< else the delayed input, in Other
    bool bypass = false;           ///< main is the delayed input, and the stem buses are silent
};

/// Where a block goes: of each bus its channels, null for one that the host leaves out.
///
/// A track of one channel puts the same into both. Any of them may be the host's input as well.
struct Outputs {
    using Channels = std::array<float*, 2>;

    Channels main{};
    std::array<Channels, kBuses> stems{};

    /// The same from frame `offset` of the block on.
    Outputs from(std::int64_t offset) const;
};

/// One instance's audio side: takes the input of a track, and gives its stems `latency` later.
///
///     audio thread                              link thread
///     input ──> process ──> FIFO ──────────────> nextInput, popInput
///                  │  ^ └─> dry signal
///     outputs <── mixer ──── stems <──────────── offerStems
///                            plan <── Handover ─ configure
///
/// Everything is addressed by absolute frame. Where no stems are, before there is a plan or when
/// they are late, the input is heard, delayed by the same latency. Constructed and destroyed while
/// no other thread uses it: a host that prepares again with other settings gets another track, and
/// `Config::position` lets its frames count on.
class Track {
public:
    struct Config {
        std::int64_t rate = 48'000;  ///< of the host, in Hz
        int channels = 2;            ///< of the input, 1 or 2, and of each stem
        std::int64_t block = 512;    ///< most frames of a call that the host announced, at least 1
        std::int64_t latency = 0;    ///< frames to delay by until there is a plan
        std::int64_t position = 0;   ///< absolute frame of the first input
    };

    /// What the sidecar agreed to.
    struct Plan {
        std::int64_t latency = 0;  ///< host frames
        std::int64_t guard = 0;    ///< host frames that stems are there early
        std::vector<std::string> sources;
        /// From this frame on the link has the input, that from before the plan too; nothing where
        /// it has none of that.
        std::optional<std::int64_t> since{};
    };

    /// Allocates; everything else on the audio thread does not.
    explicit Track(const Config& config);
    ~Track();
    Track(const Track&) = delete;
    Track& operator=(const Track&) = delete;

    /// Takes a block and gives the one `latency` frames before. Audio thread.
    ///
    /// input: a pointer a channel. frames: any number; more than announced are taken in pieces.
    /// waiter: null in real time, where nothing waits. Else it is asked to wait for a plan, for
    /// room and for stems that are heard, until they are there or it gives up.
    void process(const float* const* input, const Outputs& out, std::int64_t frames,
                 const Controls& controls, Waiter* waiter = nullptr);

    /// The next frame has nothing to do with those before, which fall silent. Any thread.
    void reset() { resetAsked_.store(true, std::memory_order_release); }

    /// Plays by `plan` from the next block on, or from when its latency is told. Link thread;
    /// allocates.
    ///
    /// Returns its number, one more than that of the plan before; the first has 1. Until input with
    /// that number comes, the plan before is in force.
    std::uint32_t configure(const Plan& plan);

    /// The oldest input that was not popped yet; nothing when there is none. Link thread.
    std::optional<Fifo<InputHeader>::Record> nextInput() {
        handover_.collect();  // what was played by a plan before may be large
        return input_.front();
    }

    /// Done with what `nextInput` gave last. Link thread.
    void popInput() { input_.pop(); }

    /// Done with input that no plan to come has a use for: what was due by now, and the oldest once
    /// half of the room is taken. Returns whether there was any. Link thread.
    bool forgetInput();

    /// Hands over stems by the plan that was configured last, as far as there is room. Link thread.
    ///
    /// stems: all channels of source 0, then those of source 1. start: of its first frame. done:
    /// its frames that were taken by calls before. Returns how many have been taken by now, those
    /// among them: hand over the rest a little later. A sample that is not finite becomes 0. Stems
    /// with other rows than that plan has are dropped, and so are those that do not come in order.
    /// Before input with its number comes there is no room.
    std::int64_t offerStems(std::int64_t start, PlanarView stems, std::int64_t done = 0);

    /// From now on the host compensates so many frames: a plan with another latency is not played
    /// by before that is told. Until the first call every plan is. Any thread.
    void tell(std::int64_t latency) { told_.store(latency, std::memory_order_release); }

    /// Whether a session is running: stems that are missing then are late. Link thread.
    void setRunning(bool running) { running_.store(running, std::memory_order_relaxed); }

    /// Next frame of the input. Any thread.
    std::int64_t position() const { return nextFrame_.load(std::memory_order_relaxed); }

    /// Next frame of the stems to be heard. Any thread.
    std::int64_t due() const { return due_.load(std::memory_order_relaxed); }

    /// Frames by which the outputs trail the input. Any thread.
    std::int64_t latency() const { return latency_.load(std::memory_order_relaxed); }

    /// Frames whose stems were not there while a session was running. Any thread.
    std::int64_t lateFrames() const { return late_.load(std::memory_order_relaxed); }

    /// Frames that were heard without stems, for whatever reason, late ones among them. Any thread.
    std::int64_t replacedFrames() const { return replaced_.load(std::memory_order_relaxed); }

private:
    /// Frames that stems are handed over in.
    static constexpr std::int64_t kStepFrames = 256;

    /// Of latencies: whatever a plan has.
    static constexpr std::int64_t kAny = -1;

    using Rows = std::array<float*, kBuses * 2>;

    void processPiece(const float* const* input, std::int64_t offset, const Outputs& out,
                      std::int64_t frames, const Controls& controls, Waiter* waiter);
    void follow(const Controls& controls);
    bool isBypassed() const { return bypass_.isSteady() && bypass_.at(0) > 0; }
    void restart();
    void takePlan(Waiter* waiter);
    void takeInput(const float* const* input, std::int64_t offset, std::int64_t frames,
                   Waiter* waiter);
    void waitForStems(std::int64_t frames, Waiter& waiter);
    void countMissing(std::int64_t frames);
    void play(const Outputs& out, std::int64_t frames, const Controls& controls);
    void passBy(const Outputs& out, std::int64_t frames);
    void finish(const Outputs& out, const std::array<float*, kBuses>& stems,
                std::int64_t frames) const;
    void readDry(std::int64_t frames);
    std::int64_t offerStep(std::int64_t start, PlanarView stems, std::int64_t done,
                           std::int64_t frames);
    void fadeToDry(float* main, const std::array<float*, kBuses>& stems, const float* dry,
                   std::int64_t frames) const;
    float* scratch(std::size_t row) {
        return scratch_.data() + row * static_cast<std::size_t>(block_);
    }

    const int channels_;
    const std::int64_t block_;
    const std::int64_t early_;  // frames of input that may wait for a plan

    // Audio thread.
    std::unique_ptr<Playback> playback_;
    std::unique_ptr<Playback> coming_;  // by a plan whose latency was not told yet
    Mixer mixer_;
    Ramp bypass_;
    std::vector<float> scratch_;
    std::int64_t position_;
    std::int64_t begin_;  // of the epoch: frames before are silent
    std::uint32_t epoch_ = 1;
    Span lost_;         // input that the link never gets, and what lies between
    bool jump_ = true;  // gains need no ramp after silence

    // Link thread.
    std::uint32_t plans_ = 0;
    Playback* newest_ = nullptr;  // not given back before there is a newer one
    std::vector<float> step_;

    // Between them.
    Fifo<InputHeader> input_;
    Handover<Playback> handover_;
    std::atomic<bool> resetAsked_{false};
    std::atomic<bool> running_{false};
    std::atomic<std::int64_t> told_{kAny};
    std::atomic<std::int64_t> nextFrame_;
    std::atomic<std::int64_t> due_;
    std::atomic<std::int64_t> latency_;
    std::atomic<std::int64_t> late_{0};
    std::atomic<std::int64_t> replaced_{0};
};

}  // namespace stembridge
