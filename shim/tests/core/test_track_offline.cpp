#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "random.h"
#include "track_player.h"

using namespace stembridge;

namespace {

const std::vector<std::string> kFour = {"drums", "bass", "other", "vocals"};

/// A link that only does something when the audio thread waits, and not each time.
struct SlowLink : Waiter {
    static constexpr std::int64_t kGuard = 30;

    SlowLink(FakeLink& fake, std::int64_t delay, std::int64_t hops)
        : link(fake), latency(delay), hop(hops) {}

    bool wait() override {
        ++waits;
        if (waits >= patience) return false;
        if (waits == 5) link.configure(latency, kGuard, kFour);
        if (waits > 5 && random.chance(60)) {
            link.takeInput();
            // A run gives a hop at a time.
            const std::int64_t length = (link.received - link.offered) / hop * hop;
            link.offered += link.offer(link.offered, length);
        }
        return true;
    }

    FakeLink& link;
    std::int64_t latency, hop;
    std::int64_t patience = 1'000'000'000;
    std::int64_t waits = 0;
    Random random{50};
};

/// Frames of input that a track keeps for its link.
std::int64_t inputRoom(const Track::Config& config) {
    Track track(config);
    FakeLink link(track, config.channels);
    Player player(track, config.channels, config.channels);
    while (track.position() < 2 * config.rate) player.play(config.block);
    link.takeInput();
    return link.received;
}

}  // namespace

TEST_CASE("offline nobody waits for the stems of a plan whose latency was not told") {
    Track track({48'000, 2, 64, 3000, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    track.tell(3000);
    SlowLink slow(link, 4000, 480);
    player.play(64, &slow);  // waits until there is one
    const std::int64_t before = slow.waits;
    REQUIRE(before >= 5);
    while (track.position() < 20'000) {
        player.play(64, &slow);
        link.takeInput();
    }
    REQUIRE(slow.waits == before);
    REQUIRE(track.latency() == 3000);
    REQUIRE(track.replacedFrames() > 16'000);
}

TEST_CASE("offline nobody waits for stems by a plan that gives way to one that was not told") {
    Track track({48'000, 2, 64, 3000, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    track.tell(3000);
    link.configure(3000, SlowLink::kGuard, kFour);
    const auto play = [&](Waiter* waiter) {
        for (const std::int64_t until = track.position() + 6000; track.position() < until;) {
            player.play(64, waiter);
            link.takeInput();
        }
    };
    play(nullptr);
    REQUIRE(track.latency() == 3000);
    link.configure(4000, SlowLink::kGuard, kFour);
    struct Impatient : Waiter {
        bool wait() override { return ++waits < 1000; }
        int waits = 0;
    } waiter;
    play(&waiter);
    REQUIRE(waiter.waits == 0);
}

TEST_CASE("offline every block waits for its stems, from the first on and whatever its size") {
    Random random(51);
    for (const std::int64_t largest : {1, 64, 500, 40'000}) {
        constexpr std::int64_t kLatency = 3000;
        Track track({48'000, 2, 64, kLatency, 0});
        FakeLink link(track, 2);
        Player player(track, 2, 2);
        SlowLink slow(link, kLatency, 540);
        track.setRunning(true);
        while (track.position() < (largest == 1 ? 9000 : 100'000))
            player.play(random.between(1, largest), &slow);
        REQUIRE(link.wrong == 0);
        REQUIRE(link.headers.size() == 1);
        REQUIRE(link.headers[0].plan == 1);  // it waited for the plan before it gave any input
        REQUIRE(track.lateFrames() == 0);
        REQUIRE(track.replacedFrames() == 0);
        std::int64_t wrong = 0;
        for (std::size_t frame = 0; frame < player.main[0].size(); ++frame) {
            const float dry = inputAt(static_cast<std::int64_t>(frame) - kLatency, 1);
            for (std::size_t bus = 0; bus < kBuses; ++bus)
                wrong += player.stems[bus][1][frame] != dry * link.shareOf(bus);
        }
        REQUIRE(wrong == 0);
    }
}

TEST_CASE("a render that begins before its plan waits for the stems of that too") {
    constexpr std::int64_t kLatency = 3000, kBlock = 64, kHop = 540;
    for (const bool isEarly : {true, false}) {
        Track track({48'000, 2, kBlock, kLatency, 0});
        FakeLink link(track, 2);
        Player player(track, 2, 2);
        SlowLink slow(link, kLatency, kHop);
        while (track.position() < 2 * kHop) {
            player.play(kBlock);
            REQUIRE(track.forgetInput());
        }
        const std::int64_t begin = track.position();
        REQUIRE(track.nextInput()->header.start == 0);  // nothing of it was due yet
        const auto since = isEarly ? std::optional<std::int64_t>(0) : std::nullopt;
        link.configure(kLatency, SlowLink::kGuard, kFour, since);
        slow.waits = 5;  // there is a plan
        while (track.position() < 4 * kLatency) player.play(kBlock, &slow);
        REQUIRE(track.lateFrames() == 0);
        std::int64_t wrong = 0;
        for (std::int64_t frame = 0; frame < track.position() - kLatency; ++frame)
            for (std::size_t bus = 0; bus < kBuses; ++bus)
                wrong += player.stems[bus][1][static_cast<std::size_t>(frame + kLatency)] !=
                         inputAt(frame, 1) * link.shareOf(bus);
        REQUIRE((wrong == 0) == isEarly);
        REQUIRE((track.replacedFrames() == 0) == isEarly);
        if (!isEarly) REQUIRE(track.replacedFrames() <= begin);
    }
}

TEST_CASE("input is not kept for a plan once it was due, nor more than half of what fits") {
    constexpr std::int64_t kRate = 48'000, kBlock = 64;
    for (const std::int64_t latency : {std::int64_t{1000}, kRate}) {
        const Track::Config config{kRate, 2, kBlock, latency, 0};
        Track track(config);
        Player player(track, 2, 2);
        REQUIRE_FALSE(track.forgetInput());
        while (track.position() < 2 * kRate) {
            player.play(kBlock);
            REQUIRE(track.forgetInput());
        }
        const std::int64_t kept = track.position() - track.nextInput()->header.start;
        REQUIRE(kept > std::min(latency, inputRoom(config) / 2) - 4 * kBlock);
        REQUIRE(kept <= std::min(latency, inputRoom(config) / 2) + kBlock);
        std::int64_t taken = 0;
        for (; track.nextInput(); track.popInput()) ++taken;
        REQUIRE(taken * kBlock == kept);  // without a gap
    }
}

TEST_CASE("when waiting is given up the block goes on without, at once") {
    Track track({48'000, 2, 64, 500, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    SlowLink slow(link, 500, 100);
    slow.patience = 0;
    for (int block = 0; block < 2000; ++block) player.play(64, &slow);
    // Once a block for a plan, and once its input finds no room.
    REQUIRE(slow.waits <= 2 * 2000);
    REQUIRE(track.lateFrames() == 0);
    for (std::size_t frame = 0; frame < player.main[0].size(); ++frame)
        REQUIRE(player.main[0][frame] == inputAt(static_cast<std::int64_t>(frame) - 500, 0));
}

TEST_CASE("waiting ends when another plan is there, whose stems alone will come") {
    Track track({48'000, 2, 64, 500, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    SlowLink slow(link, 500, 100);
    while (track.position() < 2000) player.play(64, &slow);
    struct NewPlan : Waiter {
        explicit NewPlan(FakeLink& fake) : link(fake) {}
        bool wait() override {
            ++waits;
            link.configure(500, 30, kFour);
            return true;
        }
        FakeLink& link;
        int waits = 0;
    } newPlan(link);
    while (newPlan.waits == 0) player.play(64, &newPlan);
    REQUIRE(newPlan.waits == 1);
}

TEST_CASE("what was late before a render began is not waited for") {
    constexpr std::int64_t kLatency = 2000, kBlock = 64;
    Track track({48'000, 2, kBlock, kLatency, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    SlowLink slow(link, kLatency, 540);
    track.setRunning(true);
    while (track.position() < 2 * kLatency) player.play(kBlock, &slow);
    // No stems come until some are late: the frames after them are faded in already.
    while (track.lateFrames() == 0) player.play(kBlock);
    const std::int64_t late = track.lateFrames(), began = track.position();
    slow.patience = slow.waits + 10'000;
    while (track.position() < began + 10 * kLatency) player.play(kBlock, &slow);
    CHECK(slow.waits < slow.patience);
    CHECK(track.lateFrames() - late <= SlowLink::kGuard);
    for (std::size_t frame = 0; frame < player.main[0].size(); ++frame) {
        const float dry = inputAt(static_cast<std::int64_t>(frame) - kLatency, 0);
        REQUIRE(player.main[0][frame] == doctest::Approx(dry).epsilon(1e-5));
    }
}

TEST_CASE("a render that real time comes before, and after") {
    Track track({48'000, 1, 64, 2000, 0});
    FakeLink link(track, 1);
    Player player(track, 1, 1);
    SlowLink slow(link, 2000, 540);
    track.setRunning(true);
    for (int block = 0; block < 10; ++block) player.play(64);
    while (track.position() < 20'000) player.play(64, &slow);
    // What the host played before there was a plan is not waited for: its stems may never come.
    REQUIRE(track.lateFrames() == 0);
    REQUIRE(link.headers[0].plan == 0);
    REQUIRE(link.headers[1].start == 640);
    while (track.position() < 30'000) player.play(64);
    REQUIRE(track.lateFrames() > 0);
    for (std::size_t frame = 0; frame < player.main[0].size(); ++frame)
        REQUIRE(player.main[0][frame] ==
                doctest::Approx(inputAt(static_cast<std::int64_t>(frame) - 2000, 0)).epsilon(1e-5));
}

TEST_CASE("stems of input that was lost on its way are not waited for, and all others are") {
    constexpr std::int64_t kLatency = 640, kBlock = 64, kLost = 5 * kBlock;
    const Track::Config config{8000, 2, kBlock, kLatency, 0};
    Track track(config);
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    SlowLink slow(link, kLatency, 1);
    track.setRunning(true);
    while (track.position() < 2 * kLatency) player.play(kBlock, &slow);
    link.takeInput();
    const std::int64_t lost = track.position() + inputRoom(config);
    while (track.position() < lost + kLost) player.play(kBlock);

    const std::int64_t began = track.due();
    slow.patience = slow.waits + 10'000;
    while (track.due() < began + 10 * kLatency) player.play(kBlock, &slow);
    CHECK(slow.waits < slow.patience);
    REQUIRE(link.headers.back().start == lost + kLost);
    constexpr auto kDrums = indexOf(Bus::Drums);
    std::int64_t wrong = 0, missing = 0;
    // What was late before fades over to what comes in time.
    for (std::int64_t frame = began + 2 * SlowLink::kGuard; frame < track.due(); ++frame) {
        const float heard = player.stems[kDrums][1][static_cast<std::size_t>(frame + kLatency)];
        const float wanted = inputAt(frame, 1) * link.shareOf(kDrums);
        const Span fade = Span{lost, kLost}.extend(SlowLink::kGuard, SlowLink::kGuard);
        wrong += !fade.contains(frame) && heard != wanted;
        missing += fade.contains(frame) && heard == 0 && wanted != 0;
    }
    REQUIRE(wrong == 0);
    REQUIRE(missing <= kLost);
    REQUIRE(missing > 0);
}

TEST_CASE("a render does not wait for stems that a bypass keeps from being heard") {
    constexpr std::int64_t kLatency = 3000, kBlock = 256, kRamp = 480;
    Track track({48'000, 2, kBlock, kLatency, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    SlowLink slow(link, kLatency, 540);
    const auto playTo = [&](std::int64_t position) {
        while (track.position() < position) player.play(kBlock, &slow);
        return track.position();
    };
    playTo(20'000);
    player.controls.bypass = true;
    const std::int64_t entered = track.position();
    playTo(entered + kRamp);
    const std::int64_t waits = slow.waits;
    playTo(60'000);
    REQUIRE(slow.waits == waits);
    // As a sidecar does that is behind: nothing of what is due already.
    link.takeInput();
    link.offered = track.due();
    player.controls.bypass = false;
    const std::int64_t left = track.position();
    playTo(90'000);
    REQUIRE(slow.waits > waits);
    std::int64_t wrong = 0;
    for (std::size_t frame = 0; frame < player.main[0].size(); ++frame) {
        const auto at = static_cast<std::int64_t>(frame);
        const float dry = inputAt(at - kLatency, 0);
        const std::int64_t steps = at < left ? at - entered + 1 : left + kRamp - at - 1;
        const float ramp = static_cast<float>(std::clamp<std::int64_t>(steps, 0, kRamp)) / kRamp;
        wrong += std::abs(player.main[0][frame] - dry) > 1e-6f;
        for (std::size_t bus = 0; bus < kBuses; ++bus)
            wrong += std::abs(player.stems[bus][0][frame] - dry * link.shareOf(bus) * (1 - ramp)) >
                     1e-6f;
    }
    REQUIRE(wrong == 0);
}
