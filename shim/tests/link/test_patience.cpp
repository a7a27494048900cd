/// How long a render waits for a sidecar that is there and gives no stems, and what it is sent.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <thread>

#include "core/conversion.h"
#include "core/latency.h"
#include "grantor.h"
#include "link/client.h"
#include "link/patience.h"

using namespace stembridge;
using namespace stembridge::link;

namespace {

constexpr std::int64_t kRate = 48'000, kBlock = 256, kHop = 512, kLatency = 4 * kHop;
constexpr std::int64_t kPatienceUs = 300'000;
constexpr int kMostRounds = 20'000;
constexpr auto kTick = std::chrono::milliseconds(1);

// A plan for `wish`, and a latency that is enough for it.
void grant(const protocol::Configure& wish, protocol::Configured& granted) {
    granted.plan.hop = kHop;
    granted.plan.window = 2 * kHop;
    granted.plan.modelRate = wish.rate;
    granted.plan.computeUs = 1;
    granted.plan.block = wish.block;
    granted.plan.burst = 2 * wish.block;
    granted.latency = kLatency;
}

protocol::Configure wish() {
    protocol::Configure wish;
    wish.rate = kRate;
    wish.block = kBlock;
    wish.channels = 2;
    wish.model = "fake";
    wish.transportUs = 1;
    return wish;
}

// Counts for how many milliseconds at least it was waited, and how often it was given up.
struct Counting : Waiter {
    explicit Counting(Patience& patience) : inner(patience) {}

    bool wait() override {
        const bool goesOn = inner.wait();
        ++(goesOn ? waits : refusals);
        return goesOn;
    }

    Patience& inner;
    std::int64_t waits = 0, refusals = 0;
};

void play(Track& track, Waiter& waiter) {
    const std::vector<float> sound(kBlock, 0.5F);
    const std::array<const float*, 2> rows{sound.data(), sound.data()};
    track.process(rows.data(), Outputs{}, kBlock, Controls{}, &waiter);
}

}  // namespace

TEST_CASE("credit without stems renews no render's patience") {
    const Folder folder;
    Client client("host",
                  std::make_shared<Service>(Folders{folder.path() / "c", folder.path() / "r"}));
    Grantor server(folder, grant);
    Track::Config config;
    config.rate = kRate;
    config.block = kBlock;
    const auto track = std::make_shared<Track>(config);
    REQUIRE_FALSE(client.play(track, wish()));

    Patience patience(client, kPatienceUs);
    Counting counting(patience);
    // The plan is taken up, and stems are waited for.
    for (int i = 0; i < kMostRounds && (track->latency() == 0 || !patience.isOver()); ++i) {
        play(*track, counting);
        std::this_thread::sleep_for(kTick);
    }
    REQUIRE(server.grants == 1);
    REQUIRE(track->latency() == kLatency);
    const std::int64_t spent = counting.waits;
    REQUIRE(spent > 0);

    // Each of these brings credit, and none of them waits.
    const int before = server.credits;
    constexpr int kMore = 20;
    for (int i = 0; i < kMostRounds && server.credits < before + kMore; ++i) {
        play(*track, counting);
        std::this_thread::sleep_for(kTick);
    }
    CHECK(server.credits >= before + kMore);
    CHECK(counting.waits == spent);
    CHECK(counting.refusals > kMore);
    CHECK(client.isHopeful());  // it is there: it is the silence that counts

    patience.renew();
    while (!patience.isOver()) play(*track, counting);
    // A wait takes a millisecond at least, so that no more of them fit.
    CHECK(counting.waits - spent <= kPatienceUs / 1000 + 1);
}

TEST_CASE("input that no run waits for is saved up until the host falls silent") {
    const Folder folder;
    Client client("host",
                  std::make_shared<Service>(Folders{folder.path() / "c", folder.path() / "r"}));
    Grantor server(folder, [](const protocol::Configure& wish, protocol::Configured& granted) {
        grant(wish, granted);
        granted.plan.hop = kRate;
        granted.plan.window = 2 * kRate;
        granted.latency = 3 * kRate;
    });
    Track::Config config;
    config.rate = kRate;
    config.block = kBlock;
    const auto track = std::make_shared<Track>(config);
    REQUIRE_FALSE(client.play(track, wish()));
    const auto playSome = [&](std::int64_t frames) {
        const std::vector<float> sound(kBlock, 0.5F);
        const std::array<const float*, 2> rows{sound.data(), sound.data()};
        track->process(rows.data(), Outputs{}, frames, Controls{}, nullptr);
        std::this_thread::sleep_for(kTick);
    };
    const auto isSilentUntil = [&](const auto& isTrue) {
        for (int i = 0; i < kMostRounds && !isTrue(); ++i) std::this_thread::sleep_for(kTick);
        return isTrue();
    };
    for (int i = 0; i < kMostRounds && track->latency() == 0; ++i) playSome(1);
    REQUIRE(track->latency() == 3 * kRate);

    // A machine that stops for a tenth of a second makes a host silent as well.
    bool isSaved = false;
    for (int attempt = 0; attempt < 5 && !isSaved; ++attempt) {
        playSome(1);
        REQUIRE(isSilentUntil([&] { return server.received == track->position(); }));
        server.credits = 0;
        for (int i = 0; i < 250; ++i) playSome(16);  // in all less than is sent for its size
        isSaved = server.credits == 0;
        CHECK(isSilentUntil([&] { return server.received == track->position(); }));
    }
    CHECK(isSaved);
}
