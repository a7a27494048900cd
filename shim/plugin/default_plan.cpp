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
// What a longer measured run is believed: beyond it the machine did something else meanwhile.
constexpr std::int64_t kMostComputeUs = 100'000;
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

// Of a window, in hops of the shortest kind.
constexpr std::int64_t kWindowHops = kPastHops + kRunHops + kLookaheadHops;

// Host frames: some of what effects hold back is a number of frames whatever the rate.
constexpr std::int64_t kMoreForEffects = 64;

// Whether a plan for this rate is one of `spectral`, whose model works at the host's.
bool isSpectral(const protocol::SavedPlan& plan, std::int64_t rate) {
    const std::int64_t hop = spectralHop(rate);
    return plan.modelRate == rate && plan.hop % hop == 0 && plan.fade == 0 &&
           plan.lookahead == kLookaheadHops * hop && plan.window == kWindowHops * hop;
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
           isBetween(1, plan.block, protocol::kBlock) && isSpan(plan.effects) &&
           plan.computeUs >= 1;
}

}  // namespace

protocol::SavedPlan defaultPlan(const HostFrames& host,
                                const std::optional<link::RunCost>& measured) {
    const std::int64_t hop = spectralHop(host.rate);
    const link::RunCost cost = measured.value_or(link::RunCost{});
    // A hop lasts as long as a run typically takes, or each would wait for the one before.
    const std::int64_t lasting = ceilScaled(cost.typicalUs, kMicroseconds, host.rate);
    protocol::SavedPlan plan;
    plan.hop = hop * std::clamp<std::int64_t>((lasting + hop - 1) / hop, 1, kRunHops);
    plan.lookahead = kLookaheadHops * hop;
    plan.window = kWindowHops * hop;
    plan.modelRate = host.rate;
    plan.computeUs = std::clamp(cost.worstUs, kComputeUs, kMostComputeUs);
    plan.transportUs = kTransportUs;
    plan.marginUs = kMarginUs;
    plan.pollingUs = kPollingUs;
    plan.guard = ceilScaled(kGuardUs, kMicroseconds, host.rate);
    plan.burst = kBurstBlocks * host.block;
    plan.block = host.block;
    return plan;
}

std::optional<protocol::SavedPlan> forHost(protocol::SavedPlan plan, std::int64_t rate,
                                           const HostFrames& host) {
    if (!isSayable(plan)) return std::nullopt;
    const bool isBurstUsual = plan.burst == kBurstBlocks * plan.block;
    if (rate != host.rate) {
        if (isSpectral(plan, rate)) {
            const protocol::SavedPlan own = defaultPlan(host);
            plan.hop = plan.hop / spectralHop(rate) * own.hop;
            plan.lookahead = own.lookahead;
            plan.window = own.window;
            plan.modelRate = host.rate;
        }
        plan.guard = ceilScaled(plan.guard, rate, host.rate);
        // More than they take there is allowed, and less is not.
        if (plan.effects > 0)
            plan.effects = ceilScaled(plan.effects, rate, host.rate) + kMoreForEffects;
        plan.burst = isBurstUsual ? 0 : ceilScaled(plan.burst, rate, host.rate);
    }
    plan.burst = std::max(plan.burst, kBurstBlocks * host.block);
    plan.block = host.block;
    return latencyOf(plan, host.rate) == 0 ? std::nullopt : std::optional(plan);
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
