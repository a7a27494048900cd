#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "random.h"
#include "track_player.h"

using namespace stembridge;

namespace {

const std::vector<std::string> kFour = {"drums", "bass", "other", "vocals"};
const std::vector<std::string> kSix = {"drums", "bass", "other", "vocals", "guitar", "piano"};
const std::vector<std::string> kOdd = {"strings", "piano", "choir"};

std::size_t index(std::int64_t frame) { return static_cast<std::size_t>(frame); }

}  // namespace

TEST_CASE("stems come out to the sample, at any block size and on the buses of their names") {
    Random random(40);
    for (const auto& sources : {kFour, kSix, kOdd})
        for (const int inputs : {1, 2})
            for (const int outputs : {inputs, 2}) {
                constexpr std::int64_t kLatency = 700;
                Track track({48'000, inputs, 64, kLatency, 0});
                FakeLink link(track, inputs);
                Player player(track, inputs, outputs);
                link.configure(kLatency, 16, sources);
                track.setRunning(true);
                std::vector<unsigned> heard;  // buses by frame
                while (heard.size() < 20'000) {
                    const std::int64_t frames =
                        random.chance(50) ? random.between(1, 8) : random.between(1, 300);
                    const auto buses =
                        random.chance(70) ? 63u : static_cast<unsigned>(random.between(0, 63));
                    heard.resize(heard.size() + index(frames), buses);
                    player.play(frames, nullptr, buses);
                    link.run();
                }
                REQUIRE(link.wrong == 0);
                REQUIRE(track.lateFrames() == 0);
                REQUIRE(track.replacedFrames() == 0);
                std::int64_t wrong = 0;
                for (std::size_t frame = 0; frame < heard.size(); ++frame) {
                    const std::int64_t source = static_cast<std::int64_t>(frame) - kLatency;
                    for (int channel = 0; channel < outputs; ++channel) {
                        const auto c = static_cast<std::size_t>(channel);
                        const float dry = inputAt(source, std::min(channel, inputs - 1));
                        wrong += player.main[c][frame] != dry;
                        for (std::size_t bus = 0; bus < kBuses; ++bus) {
                            const bool isHeard = heard[frame] >> bus & 1;
                            wrong += player.stems[bus][c][frame] !=
                                     (isHeard ? dry * link.shareOf(bus) : -9.0f);
                        }
                    }
                }
                REQUIRE(wrong == 0);
            }
}

TEST_CASE("without a plan the input is heard in Other, as late as it will be") {
    Random random(41);
    for (const bool silence : {false, true}) {
        Track track({44'100, 2, 100, 333, 1000});
        Player player(track, 2, 2);
        player.controls.silenceWhenLate = silence;
        track.setRunning(true);
        while (track.position() < 11'000) player.play(random.between(1, 250));
        REQUIRE(track.latency() == 333);
        REQUIRE(track.due() == track.position() - 333);
        REQUIRE(track.lateFrames() == 0);
        REQUIRE(track.replacedFrames() == track.position() - 1000 - 333);
        std::int64_t wrong = 0;
        for (std::int64_t frame = 0; frame < 10'000; ++frame) {
            const float dry = silence || frame < 333 ? 0 : inputAt(1000 + frame - 333, 1);
            wrong += player.main[1][index(frame)] != dry;
            for (std::size_t bus = 0; bus < kBuses; ++bus)
                wrong +=
                    player.stems[bus][1][index(frame)] != (bus == indexOf(Bus::Other) ? dry : 0);
        }
        REQUIRE(wrong == 0);
    }
}

TEST_CASE("late frames are counted, and the mix stays the input whatever is missing") {
    Random random(42);
    constexpr std::int64_t kLatency = 900, kGuard = 20;
    for (const bool isRunning : {true, false}) {
        Track track({48'000, 1, 128, kLatency, 0});
        FakeLink link(track, 1);
        Player player(track, 1, 1);
        link.configure(kLatency, kGuard, kSix);
        track.setRunning(isRunning);
        std::int64_t lost = 0;
        while (track.position() < 60'000) {
            player.play(random.between(1, 200));
            link.takeInput();
            const std::int64_t length = link.received - link.offered;
            if (random.chance(10)) {
                if (link.received <= 60'000 - kLatency) lost += length;
            } else {
                link.offer(link.offered, length);
            }
            link.offered = link.received;
        }
        while (track.due() < track.position() - 200) {
            player.play(1);
            link.takeInput();
            link.offer(link.offered, link.received - link.offered);
            link.offered = link.received;
            if (track.due() >= 60'000) break;
        }
        std::int64_t missing = 0, wrong = 0;
        for (std::size_t frame = kLatency; frame < player.main[0].size(); ++frame) {
            const float dry = inputAt(static_cast<std::int64_t>(frame) - kLatency, 0);
            wrong += std::abs(player.main[0][frame] - dry) > 1e-6f;
            missing += dry != 0 && player.stems[indexOf(Bus::Other)][0][frame] == dry &&
                       player.stems[indexOf(Bus::Drums)][0][frame] == 0;
        }
        REQUIRE(wrong == 0);
        REQUIRE(lost > 0);
        REQUIRE(track.replacedFrames() >= lost);
        REQUIRE(track.lateFrames() == (isRunning ? track.replacedFrames() : 0));
        REQUIRE(std::abs(missing - track.replacedFrames()) <= track.replacedFrames() / 1000 + 8);
    }
}

TEST_CASE("stems that are dropped for the next block's sake still come in time") {
    // A message of half a second is there all at once, due from its first frame on.
    constexpr std::int64_t kLatency = 24'000, kGuard = 72;
    Track track({48'000, 2, 64, kLatency, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    link.configure(kLatency, kGuard, kFour);
    track.setRunning(true);
    while (track.position() + 64 + kGuard <= kLatency) player.play(64);
    while (track.position() < 2 * kLatency) {
        link.run();
        player.play(64);
    }
    REQUIRE(track.lateFrames() == 0);
}

TEST_CASE("after a reset nothing of before is heard, and what follows is another epoch") {
    Random random(43);
    Track track({48'000, 2, 64, 500, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    link.configure(500, 10, kFour);
    track.setRunning(true);
    std::vector<std::int64_t> begins;  // of the epoch, by frame
    std::int64_t begin = 0, epochs = 1;
    while (track.position() < 40'000) {
        if (random.chance(1)) {
            track.reset();
            if (random.chance(20)) track.reset();
            begin = track.position();
            ++epochs;
        }
        const std::int64_t frames = random.between(1, 100);
        begins.resize(begins.size() + index(frames), begin);
        player.play(frames);
        link.run();
    }
    REQUIRE(track.lateFrames() == 0);
    REQUIRE(track.replacedFrames() == 0);
    REQUIRE(epochs > 4);
    REQUIRE(static_cast<std::int64_t>(link.headers.size()) == epochs);
    REQUIRE(link.headers.back().start == begin);
    std::int64_t wrong = 0;
    for (std::size_t frame = 0; frame < begins.size(); ++frame) {
        const std::int64_t source = static_cast<std::int64_t>(frame) - 500;
        wrong += player.main[1][frame] != (source < begins[frame] ? 0 : inputAt(source, 1));
    }
    REQUIRE(wrong == 0);
}

TEST_CASE("once a host was told a latency, no plan with another one is played by before it is told") {
    Track track({48'000, 2, 64, 500, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    track.tell(500);
    track.setRunning(true);
    const auto play = [&] {
        const std::int64_t until = track.position() + 3000;
        while (track.position() < until) {
            player.play(64);
            link.takeInput();
        }
    };
    link.configure(200, 10, kFour);
    play();
    link.configure(900, 10, kFour);  // in its place; nobody has seen the one before
    play();
    const std::int64_t changed = track.position();
    REQUIRE(track.latency() == 500);
    REQUIRE(link.headers.size() == 1);  // input by no plan at all
    track.tell(900);
    play();
    REQUIRE(track.latency() == 900);
    REQUIRE(link.headers.back().plan == 2);
    REQUIRE(link.headers.back().start == changed);
    link.configure(900, 10, kSix);  // the same one is played by at once
    play();
    REQUIRE(link.headers.back().plan == 3);
    std::int64_t wrong = 0;
    const std::int64_t kept = changed - 500 - 64;  // what a shorter latency had no use for is gone
    for (std::int64_t frame = 0; frame < track.position(); ++frame) {
        const std::int64_t from = frame - (frame < changed ? 500 : 900);
        const bool isGone = frame >= changed && from < kept;
        wrong += player.main[0][static_cast<std::size_t>(frame)] != (isGone ? 0 : inputAt(from, 0));
    }
    REQUIRE(wrong == 0);
}

TEST_CASE(
    "a plan is played from a block on, which tells the link, and the input goes on meanwhile") {
    Random random(44);
    Track track({48'000, 1, 64, 200, 0});
    FakeLink link(track, 1);
    Player player(track, 1, 1);
    track.setRunning(true);
    std::vector<std::int64_t> latencies;  // by frame
    std::vector<std::int64_t> plans;      // first frames
    for (const std::int64_t latency : {200, 500, 350, 5000, 200}) {
        for (const std::int64_t until = track.position() + 6000; track.position() < until;) {
            const std::int64_t frames = random.between(1, 64);
            player.play(frames);
            latencies.resize(latencies.size() + index(frames), track.latency());
            link.run();
        }
        plans.push_back(track.position());
        const std::uint32_t number = link.configure(latency, 10, latency == 350 ? kSix : kFour);
        REQUIRE(number == plans.size());
        link.offered = track.position();
    }
    REQUIRE(link.headers.size() == plans.size());  // the last plan has not begun
    for (std::size_t plan = 1; plan < plans.size(); ++plan) {
        REQUIRE(link.headers[plan].plan == plan);
        REQUIRE(link.headers[plan].start == plans[plan - 1]);
    }
    REQUIRE(track.lateFrames() == 0);
    REQUIRE(track.replacedFrames() > 0);
    std::int64_t wrong = 0;
    for (std::size_t frame = 0; frame < latencies.size(); ++frame) {
        const std::int64_t at = static_cast<std::int64_t>(frame), source = at - latencies[frame];
        // When the latency grew, older input than the latency and block before was gone.
        const bool isGone = (latencies[frame] == 500 && source < plans[1] - 264) ||
                            (latencies[frame] == 5000 && source < plans[3] - 564);
        wrong += std::abs(player.main[0][frame] - (isGone ? 0 : inputAt(source, 0))) > 1e-6f;
    }
    REQUIRE(wrong == 0);
}

TEST_CASE("input that nobody takes is lost, and what comes after it is another epoch") {
    Track track({8000, 1, 64, 0, 0});
    FakeLink link(track, 1);
    Player player(track, 1, 1);
    for (int block = 0; block < 1000; ++block) player.play(64);
    link.takeInput();
    const std::int64_t kept = link.received;
    REQUIRE(kept >= 8000);  // a second of it
    REQUIRE(kept < 64'000);
    REQUIRE(link.headers.size() == 1);
    player.play(64);
    player.play(64);
    link.takeInput();
    REQUIRE(link.headers.size() == 2);
    REQUIRE(link.headers[1].start == 64'000);
    REQUIRE(link.headers[1].epoch == link.headers[0].epoch + 1);
    REQUIRE(link.wrong == 0);
}

TEST_CASE("bypass leads to the delayed input without a click, and back") {
    Track track({48'000, 2, 64, 400, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    link.configure(400, 10, kFour);
    player.controls.strips[indexOf(Bus::Drums)].mute = true;
    for (const bool bypass : {false, true, false}) {
        player.controls.bypass = bypass;
        for (int block = 0; block < 20; ++block) {
            player.play(100);
            link.run();
        }
    }
    std::int64_t wrong = 0;
    for (std::int64_t frame = 0; frame < 6000; ++frame) {
        const double dry = inputAt(frame - 400, 0), mix = dry * 0.5;
        const double ramp = frame < 2000 ? 0
                            : frame < 4000
                                ? std::min(1.0, static_cast<double>(frame - 1999) / 480)
                                : std::max(0.0, 1 - static_cast<double>(frame - 3999) / 480);
        wrong += std::abs(player.main[0][index(frame)] - (mix * (1 - ramp) + dry * ramp)) > 1e-6;
        wrong += std::abs(player.stems[1][0][index(frame)] - dry * 0.5 * (1 - ramp)) > 1e-6;
        wrong += ramp == 1 && player.main[0][index(frame)] != inputAt(frame - 400, 0);
    }
    REQUIRE(wrong == 0);
}

TEST_CASE("what is not finite becomes silence, on the way out and on the way in") {
    Track track({48'000, 1, 64, 64, 0});
    Player player(track, 1, 1);
    for (const float spoilt :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        player.spoilt = spoilt;
        player.play(64);
        REQUIRE(track.nextInput()->samples.row(0)[63] == 0.0f);
        track.popInput();
    }
    track.configure({64, 0, {"vocals"}});
    player.spoilt = 0;
    player.play(64);
    const std::vector<float> none(64, std::numeric_limits<float>::quiet_NaN());
    REQUIRE(track.offerStems(128, {none.data(), 1, 64}) == 64);
    player.play(64);
    for (const float sample : player.main[0]) REQUIRE(sample == 0.0f);
    REQUIRE(track.lateFrames() == 0);
    REQUIRE(track.replacedFrames() == 128);
}

TEST_CASE("stems of another shape or of an older plan are dropped") {
    Track track({48'000, 2, 64, 100, 0});
    FakeLink link(track, 2);
    Player player(track, 2, 2);
    link.configure(100, 0, kFour);
    player.play(64);
    link.run();
    const std::vector<float> loud(6 * 64, 9.0f);
    REQUIRE(track.offerStems(0, {loud.data(), 6, 64}) == 64);
    link.configure(100, 0, kSix);
    for (int block = 0; block < 4; ++block) player.play(64);
    REQUIRE(track.replacedFrames() == 5 * 64 - 100);
    for (std::int64_t frame = 0; frame < 5 * 64; ++frame)
        REQUIRE(player.main[0][index(frame)] == inputAt(frame - 100, 0));
}
