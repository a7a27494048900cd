/// What the log of an instance says of what it sends.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "folder.h"
#include "link/journal.h"

using namespace stembridge;
using namespace stembridge::link;

namespace {

constexpr std::int64_t kLongUs = 1'000'000'000;

std::vector<nlohmann::json> linesOf(const Folder& folder) {
    std::vector<nlohmann::json> lines;
    std::istringstream text(folder.read("log"));
    for (std::string line; std::getline(text, line);) {
        lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
}

Outgoing resetAt(std::int64_t epoch, std::int64_t origin, std::int64_t start) {
    return {protocol::Reset{1, epoch, origin, start, 1}, nullptr};
}

// Stereo input of which only the right channel sounds, from its frame `silent` on.
Outgoing inputAt(std::int64_t start, std::int64_t frames, std::int64_t silent) {
    auto samples = std::make_shared<std::vector<float>>(static_cast<std::size_t>(2 * frames));
    for (std::int64_t frame = silent; frame < frames; ++frame) {
        (*samples)[static_cast<std::size_t>(frames + frame)] = 0.5F;
    }
    const protocol::Samples sent{std::span<const float>(*samples)};
    const protocol::InputBlock block{2, frames, sent};
    return {protocol::Audio{1, 1, start, start, block}, samples};
}

protocol::Configure wish() {
    protocol::Configure wish;
    wish.rate = 44'100;
    wish.block = 64;
    return wish;
}

protocol::Configured agreed() {
    protocol::Configured agreed;
    agreed.latency = 2746;
    agreed.model = "spectral";
    agreed.plan.hop = 540;
    return agreed;
}

}  // namespace

TEST_CASE("the log names each epoch, and the origin of what sounds first on its grid") {
    const Folder folder;
    const Track track{Track::Config{}};
    Journal journal("a \"host\" \xff", folder.path() / "log");
    const auto send = [&](const Outgoing& what) { journal.send(what, track, wish(), agreed()); };
    send(resetAt(1, 100, 100));
    send(inputAt(100, 50, 50));
    send(inputAt(150, 50, 7));
    send(inputAt(200, 50, 0));
    send(resetAt(2, 100, 120));  // lost, and opened again: what sounded first is known
    send(inputAt(120, 50, 37));
    send(resetAt(3, 400, 400));
    send(inputAt(400, 50, 0));
    journal.end(&track);

    const auto lines = linesOf(folder);
    std::vector<std::string> events;
    for (const auto& line : lines) {
        events.push_back(line["event"]);
        CHECK(line["instance"] == lines.front()["instance"]);
    }
    REQUIRE(events == std::vector<std::string>{"epoch", "sound", "epoch", "epoch", "sound", "end"});
    CHECK(lines[0]["grid"] == 100);
    CHECK(lines[0]["rate"] == wish().rate);
    CHECK(lines[0]["block"] == wish().block);
    CHECK(lines[0]["latency"] == agreed().latency);
    CHECK(lines[0]["model"] == agreed().model);
    CHECK(lines[0]["plan"]["hop"] == agreed().plan.hop);
    CHECK(lines[1]["sound"] == 157);
    CHECK(lines[1]["origin"] == 100 - 157);
    CHECK(lines[2]["start"] == 120);
    CHECK(lines[4]["origin"] == 0);
}

TEST_CASE("the log counts frames that were replaced, and only when there are more") {
    const Folder folder;
    Track track{Track::Config{}};
    Journal journal("host", folder.path() / "log");
    journal.look(&track, 0);
    CHECK(folder.read("log").empty());
    const std::vector<float> silence(64);
    const std::array<const float*, 2> rows{silence.data(), silence.data()};
    track.process(rows.data(), Outputs{}, 64, Controls{});
    REQUIRE(track.replacedFrames() == 64);
    journal.look(&track, kLongUs);
    journal.look(&track, 2 * kLongUs);
    journal.look(nullptr, 3 * kLongUs);
    const auto lines = linesOf(folder);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["event"] == "counts");
    CHECK(lines[0]["replaced"] == 64);
    CHECK(lines[0]["late"] == 0);
    CHECK(lines[0]["frame"] == track.position());
}

TEST_CASE("without a file, or with one that cannot be written, nothing happens") {
    const Folder folder;
    const Track track{Track::Config{}};
    for (const auto& file : {std::filesystem::path(), folder.path() / "none" / "log"}) {
        Journal journal("host", file);
        journal.send(resetAt(1, 0, 0), track, wish(), agreed());
        journal.send(inputAt(0, 10, 3), track, wish(), agreed());
        journal.look(&track, 0);
        journal.end(&track);
    }
    CHECK(countOf(folder.path()) == 0);
}
