#include <doctest/doctest.h>

#include "core/buses.h"
#include "plugin/standing.h"

using namespace stembridge;

namespace {

link::Status statusAt(link::Stage stage, const std::string& text) {
    link::Status status;
    status.stage = stage;
    status.text = text;
    return status;
}

link::Status playing() {
    link::Status status = statusAt(link::Stage::kPlaying, "connected; spectral plays");
    status.agreed.emplace();
    status.agreed->sources = {"vocals", "drums", "bass", "other"};
    return status;
}

bool says(const Standing& standing, const std::string& words) {
    return standing.words.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("only what plays has stems and a green light") {
    for (const auto stage :
         {link::Stage::kAsleep, link::Stage::kUnreachable, link::Stage::kStarting,
          link::Stage::kConnecting, link::Stage::kPreparing, link::Stage::kRefused,
          link::Stage::kConnected}) {
        const Standing shown = standingOf(statusAt(stage, "do this"), {});
        CHECK(!shown.hasStems);
        CHECK(shown.light != Light::Good);
        CHECK(!shown.title.empty());
        CHECK(shown.words == "Do this.");
    }
    const Standing shown = standingOf(playing(), {});
    CHECK(shown.hasStems);
    CHECK(shown.light == Light::Good);
}

TEST_CASE("what is red says so") {
    CHECK(standingOf(statusAt(link::Stage::kUnreachable, "x"), {}).light == Light::Bad);
    CHECK(standingOf(statusAt(link::Stage::kRefused, "x"), {}).light == Light::Bad);
}

TEST_CASE("stems that are late are red for a while, and then told until dismissed") {
    const Standing now = standingOf(playing(), {0.25, true});
    CHECK(now.light == Light::Bad);
    CHECK(says(now, "250 ms"));
    CHECK(says(now, "Choose more latency"));
    const Standing before = standingOf(playing(), {0.25, false});
    CHECK(before.light == Light::Busy);
    CHECK(says(before, "250 ms"));
}

TEST_CASE("a refusal and warnings are told while what was granted plays on") {
    link::Status status = playing();
    status.refusal = "the model is not here";
    status.agreed->warnings = {"the device is slow"};
    const Standing shown = standingOf(status, {});
    CHECK(shown.light == Light::Busy);
    CHECK(shown.hasStems);
    CHECK(says(shown, "the model is not here."));
    CHECK(says(shown, "The device is slow."));
    status.refusal.clear();
    CHECK(standingOf(status, {}).light == Light::Good);
}

TEST_CASE("progress is a share, where it is known") {
    link::Status status = statusAt(link::Stage::kPreparing, "measuring");
    CHECK(standingOf(status, {}).progress < 0);
    status.done = 1;
    status.total = 4;
    CHECK(standingOf(status, {}).progress == doctest::Approx(0.25));
    status.done = 5;
    CHECK(standingOf(status, {}).progress == doctest::Approx(1));
}

TEST_CASE("strips are those of the model's stems") {
    CHECK(givesBus({}, indexOf(Bus::Vocals)));
    CHECK(!givesBus({}, indexOf(Bus::Guitar)));
    link::Status status = playing();
    CHECK(!givesBus(status, indexOf(Bus::Piano)));
    status.agreed->sources.push_back("piano");
    CHECK(givesBus(status, indexOf(Bus::Piano)));
}

TEST_CASE("figures in words") {
    CHECK(durationText(0.0101) == "11 ms");
    CHECK(durationText(0.999) == "999 ms");
    CHECK(durationText(0.9999) == "1.0 s");
    CHECK(durationText(1.26) == "1.3 s");
    CHECK(durationText(61) == "61.0 s");
    CHECK(countText(0) == "0");
    CHECK(countText(999) == "999");
    CHECK(countText(1000) == "1,000");
    CHECK(countText(1234567) == "1,234,567");
    CHECK(countText(-1234) == "-1,234");
}
