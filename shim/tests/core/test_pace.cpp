#include <doctest/doctest.h>

#include "core/pace.h"
#include "random.h"

using namespace stembridge;

namespace {

constexpr std::int64_t kRate = 48'000;

/// Time that `frames` take, up to the next whole microsecond.
std::int64_t us(std::int64_t frames) { return ceilScaled(frames, kRate, kMicroseconds); }

}  // namespace

TEST_CASE("a host in time is not ahead, however uneven its blocks") {
    Random random(9);
    Pace pace(kRate, 256);
    std::int64_t position = 0;
    for (int block = 0; block < 100'000; ++block) {
        const std::int64_t frames = random.between(1, 512);
        position += frames;
        pace.ask(frames, 7'000'000 + us(position));
        REQUIRE(pace.ahead(7'000'000 + us(position)) <= 512);
    }
}

TEST_CASE("ahead is the sum of what came early, and time takes it away") {
    Pace pace(kRate, 2000);
    REQUIRE(pace.ahead(0) == 0);
    pace.ask(480, 50);  // at this block's end the clock begins
    REQUIRE(pace.ahead(50) == 0);
    pace.ask(1000, 50);
    pace.ask(1000, 50);
    REQUIRE(pace.ahead(50) == 2000);
    REQUIRE_FALSE(pace.outruns(50));
    pace.ask(1, 50);
    REQUIRE(pace.outruns(50));
    REQUIRE(pace.ahead(50 + us(501)) == 1500);
    REQUIRE(pace.ahead(50 + us(9000)) == 0);
}

TEST_CASE("time in which the host did nothing does not count for it later") {
    Pace pace(kRate, 100);
    pace.ask(64, 0);
    pace.ask(64, 10'000'000);
    REQUIRE(pace.ahead(10'000'000) == 0);
    pace.ask(101, 10'000'000);
    REQUIRE(pace.outruns(10'000'000));
}

TEST_CASE("a clock against a slow one, from call to call in exact fractions") {
    Random random(10);
    for (int round = 0; round < 50; ++round) {
        Pace pace(kRate, 1000);
        // Ahead in units of a frame / 1000000, exact: one microsecond takes away 48000 of them.
        std::int64_t slow = 0, now = random.between(0, 1'000'000);
        bool isFirst = true;
        for (int call = 0; call < 2000; ++call) {
            const std::int64_t gap = random.between(0, 20'000), frames = random.between(1, 900);
            now += gap;
            slow += frames * kMicroseconds - gap * kRate;
            if (isFirst || slow < 0) slow = 0;
            isFirst = false;
            pace.ask(frames, now);
            REQUIRE(pace.ahead(now) == (slow + kMicroseconds - 1) / kMicroseconds);
        }
    }
}

TEST_CASE("a host that rendered and plays now is not ahead, unless it was made to wait") {
    constexpr std::int64_t kBlock = 480, kSecond = kRate / kBlock;
    for (const bool waits : {false, true}) {
        Pace pace(kRate, 2 * kBlock);
        for (int block = 0; block < 60 * kSecond; ++block) pace.ask(kBlock, 0);  // a minute at once
        REQUIRE(pace.outruns(0));
        std::int64_t now = 0;
        for (int block = 0; block < 2 * kSecond + 1; ++block) {
            now += us(kBlock);
            pace.ask(kBlock, now);
            if (waits) pace.wait();
        }
        CHECK(pace.outruns(now) == waits);
    }
}

TEST_CASE("a host that renders on is ahead, however long it takes") {
    Pace pace(kRate, 960);
    std::int64_t now = 0;
    for (int block = 0; block < 100'000; ++block) {
        now += us(480) / 2;
        pace.ask(480, now);
    }
    REQUIRE(pace.ahead(now) >= 100'000 * 240 - 480);
}

TEST_CASE("bursts stay what they are") {
    // A fifth of a second at once, which is more than it may be ahead.
    constexpr std::int64_t kBlock = 480, kBurst = 20;
    Pace pace(kRate, 2 * kBlock);
    for (int burst = 0; burst < 1000; ++burst) {
        const std::int64_t now = burst * us(kBurst * kBlock);
        for (int block = 0; block < kBurst; ++block) pace.ask(kBlock, now);
        REQUIRE(pace.ahead(now) >= (kBurst - 1) * kBlock);
    }
}

TEST_CASE("what came before a restart does not count") {
    Pace pace(kRate, 100);
    pace.ask(10'000, 0);
    pace.ask(10'000, 0);
    REQUIRE(pace.outruns(0));
    pace.restart();
    pace.ask(10'000, 0);
    REQUIRE(pace.ahead(0) == 0);
}
