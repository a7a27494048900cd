#include "core/latency.h"

#include <numeric>

#include "core/rates.h"

namespace stembridge {

namespace {

/// Most host frames from the first stem frame of a run through the last input it needs.
///
/// That is the maximum of `hostNeeded(j) - hostFinal(j - 1)` over all runs j. Where the grid of
/// hops lies against the host's frames differs from run to run, by multiples of `step` in units of
/// one host frame / `model`; the worst that occurs is `offset` away from the worst there is.
std::int64_t widestRun(const LivePlan& plan) {
    const std::int64_t common = std::gcd(plan.incoming.source, plan.incoming.target);
    const std::int64_t host = plan.incoming.source / common;
    const std::int64_t model = plan.incoming.target / common;
    const std::int64_t step = std::gcd(plan.hop, model);
    const std::int64_t offset = plan.outgoing.half * host % step;
    const std::int64_t frames = plan.outgoing.half + plan.hop + plan.lookahead - 1;
    // `offset` is at most `outgoing.half * host`, so nothing that is divided is below 0.
    return (frames * host - offset) / model + plan.incoming.half + 1;
}

}  // namespace

std::int64_t latency(const LivePlan& plan, std::int64_t block, std::int64_t burst,
                     std::int64_t guard, std::int64_t allowanceUs, std::int64_t effects) {
    const std::int64_t allowance = ceilScaled(allowanceUs, kMicroseconds, plan.incoming.source);
    return widestRun(plan) + block - 2 + allowance + burst + guard + effects;
}

}  // namespace stembridge
