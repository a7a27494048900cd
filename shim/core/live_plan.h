#pragma once

#include <cstdint>

#include "core/conversion.h"

namespace stembridge {

/// How a live stream is cut into windows, and which host frames each run needs and gives.
///
/// Positions count from the origin of an epoch: host frame 0 and model frame 0 are the same
/// instant. Run j reads the window that ends at model frame `(j + 1) * hop + lookahead`, and after
/// it the model frames before `(j + 1) * hop` are final.
struct LivePlan {
    Conversion incoming;         ///< from the host's rate to the model's
    Conversion outgoing;         ///< and back
    std::int64_t hop = 1;        ///< model frames that one run emits
    std::int64_t lookahead = 0;  ///< model frames after its own that a run reads
    std::int64_t window = 1;     ///< model frames that a run reads in all
    std::int64_t fade = 0;       ///< model frames over which a run fades into the next ones

    /// Whether such a plan can work. Everything else here is only defined for one that can.
    bool isPossible() const;

    /// Host frames `[0, n)` that must be there before run `run` can begin.
    std::int64_t hostNeeded(std::int64_t run) const;

    /// Runs that can begin once the host frames `[0, count)` are there.
    std::int64_t hostRuns(std::int64_t count) const;

    /// Host frames `[0, n)` of the stems that are final after run `run`; 0 for run -1.
    std::int64_t hostFinal(std::int64_t run) const;

    friend bool operator==(const LivePlan&, const LivePlan&) = default;
};

/// Host frames before a stem frame that it can depend on; at most two too many.
///
/// The filter from the model's rate reaches back `outgoing.half` frames. The earliest run that has
/// a part in a frame there reads from `window - lookahead - 1 + fade` frames before it: the fade
/// of a run lies behind its hop. The filter to the model's rate reaches back `incoming.half` more.
std::int64_t memory(const LivePlan& plan);

/// The run that makes host frame `frame` of the stems final.
std::int64_t runFor(const LivePlan& plan, std::int64_t frame);

}  // namespace stembridge
