#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "core/live_plan.h"
#include "random.h"

using namespace stembridge;

namespace {

LivePlan randomPlan(Random& random) {
    static constexpr std::int64_t kRates[][2] = {{1, 1}, {2, 1}, {1, 2},
                                                 {4, 3}, {3, 4}, {160, 147}};
    const auto& [host, model] = kRates[random.between(0, 5)];
    const bool equal = host == model;
    LivePlan plan;
    plan.incoming = {host, model, equal ? 0 : random.between(1, 9)};
    plan.outgoing = {model, host, equal ? 0 : random.between(1, 9)};
    plan.hop = random.between(1, 40);
    plan.lookahead = random.between(0, 30);
    plan.fade = random.between(0, plan.lookahead);
    plan.window = plan.hop + plan.lookahead + random.between(0, 100);
    return plan;
}

std::int64_t floorDivided(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// First source frame that a target frame is made from: at most `half` frames before it.
std::int64_t firstTap(const Conversion& conversion, std::int64_t target) {
    const std::int64_t product = target * conversion.source;
    std::int64_t frame = floorDivided(product, conversion.target);
    while ((frame - 1 + conversion.half) * conversion.target >= product) --frame;
    return frame;
}

/// The oldest host frame that a stem frame is made from, by every tap and every run that has a
/// part.
std::int64_t oldest(const LivePlan& plan, std::int64_t frame) {
    std::int64_t found = std::numeric_limits<std::int64_t>::max();
    const std::int64_t first = firstTap(plan.outgoing, frame);
    for (std::int64_t at = first; at <= first + 2 * plan.outgoing.half; ++at) {
        // No fade is longer than 30 hops.
        for (std::int64_t run = at / plan.hop - 31; run <= at / plan.hop; ++run) {
            const bool reaches = at >= run * plan.hop && at < (run + 1) * plan.hop + plan.fade;
            const std::int64_t read = (run + 1) * plan.hop + plan.lookahead - plan.window;
            if (reaches) found = std::min(found, firstTap(plan.incoming, read));
        }
    }
    return found;
}

}  // namespace

TEST_CASE("a run can begin just when what it needs is there") {
    Random random(4);
    for (int round = 0; round < 500; ++round) {
        const LivePlan plan = randomPlan(random);
        REQUIRE(plan.isPossible());
        std::int64_t runs = 0;
        for (std::int64_t count = 0; count < 300; ++count) {
            while (plan.hostNeeded(runs) <= count) ++runs;
            REQUIRE(plan.hostRuns(count) == runs);
        }
    }
}

TEST_CASE("the run for a frame is the one that makes it final") {
    Random random(5);
    for (int round = 0; round < 500; ++round) {
        const LivePlan plan = randomPlan(random);
        REQUIRE(plan.hostFinal(-1) == 0);
        for (std::int64_t frame = 0; frame < 200; ++frame) {
            const std::int64_t run = runFor(plan, frame);
            REQUIRE(plan.hostFinal(run - 1) <= frame);
            REQUIRE(frame < plan.hostFinal(run));
        }
    }
}

TEST_CASE("memory reaches as far back as anything does, and at most two frames further") {
    Random random(6);
    for (int round = 0; round < 300; ++round) {
        const LivePlan plan = randomPlan(random);
        const std::int64_t start = random.between(500, 700),
                           period = plan.hop * plan.incoming.source;
        std::int64_t needed = 0;
        for (std::int64_t frame = start; frame <= start + std::min<std::int64_t>(period, 400);
             ++frame)
            needed = std::max(needed, frame - oldest(plan, frame));
        REQUIRE(needed <= memory(plan));
        if (period <= 400) REQUIRE(memory(plan) <= needed + 2);
    }
}

TEST_CASE("plans that cannot work are told apart") {
    const LivePlan good{{48, 44, 3}, {44, 48, 3}, 10, 5, 15, 5};
    REQUIRE(good.isPossible());
    const auto spoilt = [&](auto spoil) {
        LivePlan plan = good;
        spoil(plan);
        return !plan.isPossible();
    };
    REQUIRE(spoilt([](LivePlan& plan) { plan.hop = 0; }));
    REQUIRE(spoilt([](LivePlan& plan) { plan.lookahead = -1; }));
    REQUIRE(spoilt([](LivePlan& plan) { plan.window = 14; }));
    REQUIRE(spoilt([](LivePlan& plan) { plan.fade = 6; }));
    REQUIRE(spoilt([](LivePlan& plan) { plan.fade = -1; }));
    REQUIRE(spoilt([](LivePlan& plan) { plan.outgoing.target = 96; }));
    REQUIRE(spoilt([](LivePlan& plan) { plan.incoming.half = -1; }));
    REQUIRE(spoilt([](LivePlan& plan) { plan.incoming.source = plan.outgoing.target = 0; }));
}
