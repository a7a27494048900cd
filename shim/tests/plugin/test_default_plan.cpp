#include <doctest/doctest.h>

#include "plugin/default_plan.h"

using namespace stembridge;

TEST_CASE("the default plan is that of spectral at its own rate") {
    // Hops as bridge/engine/stft.py gives them.
    struct Expected {
        std::int64_t rate, hop;
    };
    for (const auto& [rate, hop] :
         {Expected{22'050, 256}, {44'100, 512}, {48'000, 540}, {96'000, 1080}, {192'000, 2160}}) {
        const protocol::SavedPlan plan = defaultPlan({rate, 512});
        CHECK(plan.hop == hop);
        CHECK(plan.lookahead == 2 * hop);
        CHECK(plan.window == 220 * hop);
        CHECK(plan.modelRate == rate);
    }
}

TEST_CASE("latency at equal rates is the sum that docs/LATENCY.md gives") {
    const protocol::SavedPlan plan = defaultPlan({48'000, 128});
    const std::int64_t allowance = (10'000 + 3'000 + 4'000 + 1'000) * 48 / 1000;
    CHECK(latencyOf(plan, 48'000) == 540 + 1080 + 128 + allowance + 256 + 72 - 2);
}

TEST_CASE("the worked example of docs/LATENCY.md") {
    const protocol::SavedPlan plan{110'250, 4096, 343'980, 2048, 44'100, 2'500'000,
                                   1000,    4000, 1000,    72,   1024,   512};
    CHECK(latencyOf(plan, 48'000) == 246'449);
}

TEST_CASE("a plan that cannot work has no latency") {
    protocol::SavedPlan plan = defaultPlan({48'000, 512});
    CHECK(latencyOf(plan, 0) == 0);
    CHECK(latencyOf(plan, std::int64_t{1} << 62) == 0);
    plan.hop = 0;
    CHECK(latencyOf(plan, 48'000) == 0);
    plan.hop = std::int64_t{1} << 62;
    CHECK(latencyOf(plan, 48'000) == 0);
    CHECK(latencyOf(protocol::SavedPlan{}, 48'000) == 0);
}
