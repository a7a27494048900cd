/// What to send next, so that the server has each epoch's input once and never more than it allows.
///
///     begin --> waiting --RESET--> sending --DRAIN--> draining --DRAINED--> gone
///                  ^                  |                  |
///                  +------- lost -----+------------------+
///
/// An epoch that is lost is opened again under a new number, at the same origin, from as far back as
/// what is still to be heard depends on. Nothing here does IO or knows a clock: the counterpart of
/// bridge/client/feed.py. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/live_plan.h"
#include "core/span.h"
#include "link/history.h"
#include "protocol/limits.h"
#include "protocol/messages.h"

namespace stembridge::link {

/// A message to be sent, and what keeps its samples.
struct Outgoing {
    protocol::Message message;
    std::shared_ptr<const std::vector<float>> samples;
};

/// One epoch; positions are absolute host frames, ends exclusive.
struct Epoch {
    std::int64_t origin = 0;           ///< where its hop grid lies; silent from there to its start
    std::int64_t start = 0;            ///< what is its part of the time line
    std::optional<std::int64_t> stop;  ///< nothing while it goes on
    std::int64_t number = 0;           ///< its name in messages; 0 while the server does not have it
    std::int64_t sent = 0;
    std::int64_t received = 0;
    std::int64_t got = 0;
    std::int64_t phase = 0;  ///< frames by which the server has the grid before its origin
    bool draining = false;

    /// Frames of `span` that are this epoch's.
    Span clip(Span span) const;
};

class Feed {
public:
    /// Sends `history`, epoch after epoch, as the runs of `plan` need it. Input that completes no run
    /// is saved up to `held` frames, or as many as a message takes, as each message costs time.
    Feed(const History& history, const LivePlan& plan, std::int64_t held);

    /// The input goes on as a new epoch, whose hop grid lies at `origin`.
    void begin(std::int64_t origin);
    /// The input of the newest epoch has come to its end.
    void end();

    /// What the server agreed to holds from now on; it knows no epoch yet.
    void agree(std::int64_t request, std::int64_t credit, std::int64_t phase);
    /// The server lost the epochs up to number `last`. Later ones, opened before we heard of it, are
    /// opened again as well, since RESET ends at its origin whatever there is.
    void lose(std::int64_t last = protocol::kNumber);

    /// Enter an answer. Returns the frames of the stems that are still their epoch's: empty when that
    /// is over.
    Span take(const protocol::Stems& stems);
    void take(const protocol::Credit& credit);
    void take(const protocol::Drained& drained);

    /// The next message of session `token`, which counts as sent; nothing when there is none.
    ///
    /// number: of an epoch that is opened. most: frames in one AUDIO. due: the next stem frame to be
    /// heard. whole: send all input there is, however little.
    std::optional<Outgoing> next(std::uint64_t token, std::int64_t number, std::int64_t most,
                                 std::int64_t due, bool whole);

private:
    Epoch* find(std::int64_t number);
    Epoch* unsent();
    bool isWaitedFor(const Epoch& epoch, std::int64_t count) const;
    bool mayOpen(const Epoch& epoch) const;
    Outgoing open(Epoch& epoch, std::uint64_t token, std::int64_t number, std::int64_t due) const;
    Outgoing send(Epoch& epoch, std::uint64_t token, std::int64_t count, std::int64_t due) const;
    void forgetPast(std::int64_t due);

    const History& history_;
    LivePlan plan_;
    std::int64_t memory_;
    std::int64_t held_;
    std::int64_t credit_ = 0;
    std::int64_t phase_ = 0;
    std::int64_t request_ = 0;
    std::vector<Epoch> epochs_;
};

}  // namespace stembridge::link
