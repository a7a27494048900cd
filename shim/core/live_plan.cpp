#include "core/live_plan.h"

#include <algorithm>

#include "core/rates.h"

namespace stembridge {

bool LivePlan::isPossible() const {
    const bool rates = incoming.source >= 1 && incoming.target >= 1 && incoming.half >= 0 &&
                       outgoing.half >= 0 && incoming.source == outgoing.target &&
                       incoming.target == outgoing.source;
    const bool holds = hop >= 1 && lookahead >= 0 && window >= hop + lookahead;
    // A run has to have read what it fades over.
    return rates && holds && fade >= 0 && fade <= lookahead;
}

std::int64_t LivePlan::hostNeeded(std::int64_t run) const {
    return incoming.needed((run + 1) * hop + lookahead);
}

std::int64_t LivePlan::hostRuns(std::int64_t count) const {
    return std::max<std::int64_t>(0, incoming.ready(count) - lookahead) / hop;
}

std::int64_t LivePlan::hostFinal(std::int64_t run) const { return outgoing.ready((run + 1) * hop); }

std::int64_t memory(const LivePlan& plan) {
    const std::int64_t frames = plan.outgoing.half + plan.window - plan.lookahead - 1 + plan.fade;
    return ceilScaled(frames, plan.incoming.target, plan.incoming.source) + plan.incoming.half;
}

std::int64_t runFor(const LivePlan& plan, std::int64_t frame) {
    return (plan.outgoing.needed(frame + 1) - 1) / plan.hop;
}

}  // namespace stembridge
