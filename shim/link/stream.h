/// The link thread's side of a track that plays by one plan: input on its way out, stems on their
/// way in.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/live_plan.h"
#include "core/track.h"
#include "link/feed.h"
#include "link/history.h"
#include "link/outcome.h"
#include "protocol/messages.h"

namespace stembridge::link {

/// How a stream of `wish` is cut into windows by `saved`. A problem for a plan that cannot work, or
/// that would keep more than two minutes of input. Any thread.
Outcome<LivePlan> livePlan(const protocol::Configure& wish, const protocol::SavedPlan& saved,
                           std::int64_t latency);

/// All of it: link thread.
class Stream {
public:
    /// Has `track` play by what was agreed to for `wish`. plan: as livePlan gives it for them.
    Stream(std::shared_ptr<Track> track, const protocol::Configure& wish,
           const protocol::Configured& agreed, const LivePlan& plan);

    /// Whether `answer` is what is played already.
    bool isFor(const protocol::Configured& answer) const;

    /// Takes what the audio thread has played, and hands over stems for which there was no room.
    void exchange();
    /// How far the input has come; 0 before the first block.
    std::int64_t played() const { return history_ != nullptr ? history_->stop() : 0; }

    /// A server that begins anew agreed to the same again.
    void agree(const protocol::Configured& answer);
    /// As in Feed.
    void lose(std::int64_t last = protocol::kNumber);
    std::optional<Outgoing> next(std::uint64_t token, std::int64_t number, std::int64_t most,
                                 bool whole);
    void take(const protocol::Stems& stems);
    void take(const protocol::Credit& credit);
    void take(const protocol::Drained& drained);

private:
    struct Piece {
        std::int64_t start;
        std::int64_t frames;
        std::int64_t done;  // handed over already
        std::vector<float> samples;
    };

    std::optional<std::int64_t> early() const;
    void takeInput(const InputHeader& header, PlanarView block);
    void deliver();

    std::shared_ptr<Track> track_;
    protocol::Configure wish_;
    protocol::Configured agreed_;
    LivePlan plan_;
    std::optional<std::int64_t> since_;  // of the input, where some from before the plan counts too
    std::uint32_t number_;              // of the plan, in the track
    std::uint32_t epoch_ = 0;           // of the newest input
    std::unique_ptr<History> history_;  // from the first block by this plan on
    std::unique_ptr<Feed> feed_;
    std::deque<Piece> waiting_;
};

}  // namespace stembridge::link
