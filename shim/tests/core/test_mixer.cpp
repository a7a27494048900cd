#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/mixer.h"
#include "random.h"

using namespace stembridge;

namespace {

constexpr std::int64_t kRamp = 480;

/// Stems of one channel that are mixed in blocks of random lengths.
struct Desk {
    explicit Desk(std::int64_t frames)
        : stems(kBuses, std::vector<float>(size(frames))), main(size(frames)) {}

    static std::size_t size(std::int64_t frames) { return static_cast<std::size_t>(frames); }

    /// Mixes the next frames; a bus without a bit in `heard` is silent.
    void mix(std::int64_t frames, bool postFader = false, unsigned heard = 63) {
        std::array<float*, kBuses> rows{};
        for (std::size_t bus = 0; bus < kBuses; ++bus)
            if (heard >> bus & 1) rows[bus] = stems[bus].data() + at;
        mixer.mix(rows, main.data() + at, frames, postFader);
        mixer.advance(frames);
        at += frames;
    }

    Mixer mixer{kRamp};
    std::vector<std::vector<float>> stems;
    std::vector<float> main;
    std::int64_t at = 0;
};

/// The gain that a stem of ones was heard with, frame by frame, while `change` happens at frame 0.
std::vector<float> gainsHeard(const Strips& before, const Strips& after, Random& random) {
    Desk desk(4 * kRamp);
    for (float& sample : desk.stems[0]) sample = 1.0f;
    desk.mixer.follow(before);
    desk.mix(kRamp);
    desk.mixer.follow(after);
    while (desk.at < 4 * kRamp) desk.mix(std::min(random.between(1, 100), 4 * kRamp - desk.at));
    return desk.main;
}

}  // namespace

TEST_CASE("at unity the mix is the plain sum of the stems") {
    Random random(11);
    Desk desk(1000);
    for (auto& stem : desk.stems)
        for (float& sample : stem) sample = random.sample();
    desk.mixer.follow({});
    for (const std::int64_t frames : {1, 64, 935}) desk.mix(frames, true);
    for (std::size_t frame = 0; frame < 1000; ++frame) {
        float sum = 0;
        for (const auto& stem : desk.stems) sum += stem[frame];
        REQUIRE(desk.main[frame] == sum);
    }
}

TEST_CASE("mute wins over solo, and solo silences the others") {
    Strips strips;
    strips[1].gain = 0.5f;
    REQUIRE(effectiveGains(strips) == std::array<float, kBuses>{1, 0.5f, 1, 1, 1, 1});
    strips[1].solo = true;
    strips[2].solo = strips[2].mute = true;
    REQUIRE(effectiveGains(strips) == std::array<float, kBuses>{0, 0.5f, 0, 0, 0, 0});
}

TEST_CASE("decibels become gains within the range of a fader") {
    REQUIRE(linearGain(-std::numeric_limits<float>::infinity()) == 0.0f);
    REQUIRE(linearGain(std::numeric_limits<float>::quiet_NaN()) == 0.0f);
    REQUIRE(linearGain(0.0f) == 1.0f);
    REQUIRE(linearGain(-20.0f) == doctest::Approx(0.1));
    REQUIRE(linearGain(12.0f) == doctest::Approx(3.98107));
    REQUIRE(linearGain(40.0f) == linearGain(12.0f));
}

TEST_CASE("a gain gets where it should in a straight line, whatever the blocks") {
    Random random(12);
    Strips quiet, loud;
    quiet[0].gain = 0.25f;
    loud[0].gain = 2.0f;
    const auto heard = gainsHeard(quiet, loud, random);
    for (std::int64_t frame = 0; frame < 4 * kRamp; ++frame) {
        const double steps =
            static_cast<double>(std::min(std::max<std::int64_t>(0, frame + 1 - kRamp), kRamp));
        const double wanted = 0.25 + 1.75 * steps / static_cast<double>(kRamp);
        REQUIRE(heard[static_cast<std::size_t>(frame)] == doctest::Approx(wanted).epsilon(1e-6));
    }
    REQUIRE(heard.back() == 2.0f);
    REQUIRE(gainsHeard(quiet, loud, random) == heard);
}

TEST_CASE("no change clicks, even in the middle of another") {
    Random random(13);
    Desk desk(200'000);
    for (float& sample : desk.stems[0]) sample = 1.0f;
    Strips strips;
    desk.mixer.follow(strips);
    while (desk.at < 200'000) {
        if (random.chance(30))
            strips[0] = {static_cast<float>(random.between(0, 398)) / 100, random.chance(30),
                         random.chance(20)};
        if (random.chance(10)) strips[4].solo = !strips[4].solo;
        desk.mixer.follow(strips);
        desk.mix(std::min(random.between(1, 700), 200'000 - desk.at));
    }
    // The whole range of the fader within one ramp, and rounding.
    const float most = 3.98f / static_cast<float>(kRamp) + 1e-6f;
    float largest = 0;
    for (std::size_t frame = 1; frame < desk.main.size(); ++frame)
        largest = std::max(largest, std::abs(desk.main[frame] - desk.main[frame - 1]));
    REQUIRE(largest <= most);
    REQUIRE(largest > most / 2);  // the test has seen large changes
}

TEST_CASE("the first settings hold at once, and those after a jump") {
    Desk desk(3);
    for (float& sample : desk.stems[0]) sample = 1.0f;
    Strips strips;
    strips[0].mute = true;
    desk.mixer.follow(strips);
    desk.mix(1);
    desk.mixer.follow({});
    desk.mix(1);
    desk.mixer.jump();
    desk.mixer.follow({});
    desk.mix(1);
    REQUIRE(desk.main[0] == 0.0f);
    REQUIRE(desk.main[1] == doctest::Approx(1.0 / static_cast<double>(kRamp)));
    REQUIRE(desk.main[2] == 1.0f);
}

TEST_CASE("stems get their gain behind the fader, else stay as they are") {
    Random random(14);
    for (const bool postFader : {false, true}) {
        Desk desk(2 * kRamp);
        for (auto& stem : desk.stems)
            for (float& sample : stem) sample = random.sample();
        const auto raw = desk.stems;
        Strips strips;
        desk.mixer.follow(strips);
        strips[2].gain = 0.5f;
        strips[3].mute = true;
        desk.mixer.follow(strips);
        while (desk.at < 2 * kRamp)
            desk.mix(std::min(random.between(1, 90), 2 * kRamp - desk.at), postFader, 0b011110);
        for (std::size_t frame = 0; frame < 2 * kRamp; ++frame) {
            float sum = 0;
            for (const std::size_t bus : {1u, 2u, 3u, 4u}) {
                const auto steps =
                    std::min(static_cast<float>(frame + 1), static_cast<float>(kRamp));
                const float change = bus == 2 ? 0.5f : bus == 3 ? 1.0f : 0.0f;
                const float gain = 1 - change * steps / static_cast<float>(kRamp);
                sum += gain * raw[bus][frame];
                const float wanted = postFader ? gain * raw[bus][frame] : raw[bus][frame];
                REQUIRE(desk.stems[bus][frame] == doctest::Approx(wanted).epsilon(1e-5));
            }
            REQUIRE(desk.main[frame] == doctest::Approx(sum).epsilon(1e-4));
            REQUIRE(desk.stems[0][frame] == raw[0][frame]);
        }
    }
}
