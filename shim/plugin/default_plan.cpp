#include "plugin/default_plan.h"

#include <algorithm>

#include "core/conversion.h"
#include "core/latency.h"
#include "core/rates.h"
#include "protocol/limits.h"

namespace stembridge {
namespace {

// As bridge/engine/stft.py and spectral.py have them: hops of delay, of look-ahead, of past context
// and of the longest run.
constexpr double kDelaySeconds = 0.035;
constexpr std::int64_t kDelayHops = 3, kLookaheadHops = 2, kPastHops = 202, kRunHops = 16;

// As bridge/runtime/planning.py has them.
constexpr std::int64_t kMarginUs = 4000, kPollingUs = 1000, kGuardUs = 1500, kBurstBlocks = 2;

// A run takes 1 ms typically and 5 at worst where it was measured; a machine half as fast will do.
constexpr std::int64_t kComputeUs = 10'000;
// A round trip with its message takes 0.1 ms typically; a busy machine takes a few at times.
constexpr std::int64_t kTransportUs = 3000;

// Many times what any plan has; each block that meets a gap looks at as many frames.
constexpr std::int64_t kMostGuard = protocol::kRateMax / 20;

bool isSmooth(std::int64_t number) {
    for (const std::int64_t prime : {2, 3, 5}) {
        while (number % prime == 0) number /= prime;
    }
    return number == 1;
}

// The longest hop that keeps the delay of the algorithm and makes the transform fast.
std::int64_t spectralHop(std::int64_t rate) {
    std::int64_t hop =
        static_cast<std::int64_t>(static_cast<double>(rate) * kDelaySeconds) / kDelayHops;
    hop -= hop % 2;
    while (hop > 2 && !isSmooth(hop)) hop -= 2;
    return hop;
}

bool isBetween(std::int64_t low, std::int64_t value, std::int64_t high) {
    return low <= value && value <= high;
}

// Within what the protocol can say; nothing below overflows then.
bool isSayable(const protocol::SavedPlan& plan) {
    const auto isTime = [](std::int64_t us) { return isBetween(0, us, protocol::kDurationUs); };
    const auto isSpan = [](std::int64_t n) { return isBetween(0, n, protocol::kSpanFrames); };
    return isBetween(protocol::kRateMin, plan.modelRate, protocol::kRateMax) && isSpan(plan.hop) &&
           isSpan(plan.lookahead) && isSpan(plan.window) && isSpan(plan.fade) &&
           isTime(plan.computeUs) && isTime(plan.transportUs) && isTime(plan.marginUs) &&
           isTime(plan.pollingUs) && isBetween(0, plan.guard, kMostGuard) && isSpan(plan.burst) &&
           isBetween(1, plan.block, protocol::kBlock) && plan.computeUs >= 1;
}

}  // namespace

protocol::SavedPlan defaultPlan(const HostFrames& host) {
    const std::int64_t hop = spectralHop(host.rate);
    protocol::SavedPlan plan;
    plan.hop = hop;
    plan.lookahead = kLookaheadHops * hop;
    plan.window = (kPastHops + kRunHops + kLookaheadHops) * hop;
    plan.modelRate = host.rate;
    plan.computeUs = kComputeUs;
    plan.transportUs = kTransportUs;
    plan.marginUs = kMarginUs;
    plan.pollingUs = kPollingUs;
    plan.guard = ceilScaled(kGuardUs, kMicroseconds, host.rate);
    plan.burst = kBurstBlocks * host.block;
    plan.block = host.block;
    return plan;
}

protocol::SavedPlan forBlocks(protocol::SavedPlan plan, std::int64_t block) {
    plan.burst = std::max(plan.burst, kBurstBlocks * block);
    plan.block = block;
    return plan;
}

std::int64_t latencyOf(const protocol::SavedPlan& saved, std::int64_t rate) {
    if (!isSayable(saved) || !isBetween(protocol::kRateMin, rate, protocol::kRateMax)) return 0;
    const LivePlan plan{design(rate, saved.modelRate),
                        design(saved.modelRate, rate),
                        saved.hop,
                        saved.lookahead,
                        saved.window,
                        saved.fade};
    if (!plan.isPossible()) return 0;
    const std::int64_t allowanceUs =
        saved.computeUs + saved.transportUs + saved.marginUs + saved.pollingUs;
    const std::int64_t frames = latency(plan, saved.block, saved.burst, saved.guard, allowanceUs, saved.effects);
    return isBetween(1, frames, rate * (protocol::kDurationUs / kMicroseconds)) ? frames : 0;
}

}  // namespace stembridge
