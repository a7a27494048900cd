#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

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

TEST_CASE("a machine on which runs take longer gets the time, within reason") {
    const protocol::SavedPlan usual = defaultPlan({48'000, 512});
    const auto measured = [](std::int64_t typicalUs, std::int64_t worstUs) {
        return defaultPlan({48'000, 512}, link::RunCost{typicalUs, worstUs});
    };
    CHECK(measured(800, 4000) == usual);  // so that quick ones are alike
    CHECK(measured(800, 30'000).computeUs == 30'000);
    CHECK(measured(800, 30'000).hop == usual.hop);
    CHECK(measured(12'000, 30'000).hop == 2 * usual.hop);  // 11.25 ms each
    CHECK(measured(60'000'000, 60'000'000).hop == 16 * usual.hop);
    CHECK(measured(60'000'000, 60'000'000).computeUs == 100'000);
    for (const std::int64_t rate : {8000, 22'050, 44'100, 48'000, 96'000, 192'000, 384'000}) {
        for (const std::int64_t typicalUs : {1, 20'000, 60'000'000})
            CHECK(latencyOf(defaultPlan({rate, 512}, link::RunCost{typicalUs, typicalUs}), rate) > 0);
    }
}

TEST_CASE("a plan for a host that does something else is about as late, and leads back") {
    protocol::SavedPlan network{110'250, 4096, 343'980, 2048, 44'100, 2'500'000,
                                1000,    4000, 1000,    72,   1024,   512};
    protocol::SavedPlan slow = defaultPlan({48'000, 512}, link::RunCost{20'000, 40'000});
    for (const protocol::SavedPlan& plan : {network, defaultPlan({48'000, 512}), slow}) {
        const double seconds = static_cast<double>(latencyOf(plan, 48'000)) / 48'000;
        for (const std::int64_t rate : {22'050, 44'100, 88'200, 96'000, 192'000}) {
            const auto derived = forHost(plan, 48'000, {rate, 512});
            REQUIRE(derived);
            CHECK(derived->block == 512);
            CHECK(derived->burst == 1024);
            CHECK(derived->computeUs == plan.computeUs);
            CHECK(derived->modelRate == (plan.modelRate == 44'100 ? 44'100 : rate));
            const double other = static_cast<double>(latencyOf(*derived, rate)) / rate;
            CHECK(std::abs(other - seconds) < 3.0 * 512 / std::min<std::int64_t>(rate, 48'000) + 0.005);
            const auto back = forHost(*derived, rate, {48'000, 512});
            REQUIRE(back);
            CHECK(back->hop == plan.hop);
            CHECK(back->window == plan.window);
            CHECK(std::abs(back->guard - plan.guard) <= 3);
        }
        const auto larger = forHost(plan, 48'000, {48'000, 4096});
        REQUIRE(larger);
        CHECK(larger->burst == 8192);
        CHECK(latencyOf(*larger, 48'000) == latencyOf(plan, 48'000) + 3 * (4096 - 512));
    }
    network.burst = 9600;  // 200 ms, as somebody wanted it
    CHECK(forHost(network, 48'000, {96'000, 512})->burst == 19'200);
    network.effects = 480;  // those of a preset may take some frames more than in proportion
    CHECK(forHost(network, 48'000, {96'000, 512})->effects >= 960);
    CHECK(forHost(network, 48'000, {48'000, 512})->effects == 480);
    network.hop = std::int64_t{1} << 62;
    CHECK(!forHost(network, 48'000, {96'000, 512}));
    CHECK(!forHost(protocol::SavedPlan{}, 48'000, {96'000, 512}));
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
