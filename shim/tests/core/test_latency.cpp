#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "core/latency.h"

using namespace stembridge;

namespace {

nlohmann::json cases() {
    std::ifstream file(STEMBRIDGE_VECTORS "/latency.json");
    return nlohmann::json::parse(file).at("cases");
}

}  // namespace

TEST_CASE("the latency equals the sidecar's in every case of the vectors") {
    int checked = 0;
    for (const auto& one : cases()) {
        const auto value = [&](const char* name) { return one.at(name).get<std::int64_t>(); };
        LivePlan plan;
        plan.incoming = {value("host_rate"), value("model_rate"), value("incoming_half")};
        plan.outgoing = {value("model_rate"), value("host_rate"), value("outgoing_half")};
        plan.hop = value("hop");
        plan.lookahead = value("lookahead");
        plan.window = plan.hop + plan.lookahead;
        REQUIRE(plan.isPossible());
        const std::int64_t allowance =
            value("compute_us") + value("transport_us") + value("margin_us") + value("polling_us");
        CAPTURE(one.dump());
        REQUIRE(latency(plan, value("block"), value("burst"), value("guard"), allowance,
                        value("effects")) == value("latency"));
        ++checked;
    }
    REQUIRE(checked >= 200);
}

TEST_CASE("filters reach as far as the sidecar's at the usual rates") {
    int checked = 0;
    for (const auto& one : cases()) {
        const auto value = [&](const char* name) { return one.at(name).get<std::int64_t>(); };
        const std::int64_t host = value("host_rate"), model = value("model_rate");
        // Other rates stand in the vectors with reaches that are made up.
        static constexpr std::int64_t kDesigned[] = {22'050, 24'000, 32'000, 44'100,  48'000,
                                                     64'000, 88'200, 96'000, 176'400, 192'000};
        if (model != 44'100 ||
            std::find(std::begin(kDesigned), std::end(kDesigned), host) == std::end(kDesigned))
            continue;
        REQUIRE(design(host, model) == Conversion{host, model, value("incoming_half")});
        REQUIRE(design(model, host) == Conversion{model, host, value("outgoing_half")});
        ++checked;
    }
    REQUIRE(checked >= 150);
}
