#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <thread>

#include "random.h"
#include "track_player.h"

using namespace stembridge;

namespace {

/// Lets the other threads run.
struct Yield : Waiter {
    bool wait() override {
        std::this_thread::yield();
        return !isOver;
    }

    std::atomic<bool> isOver{false};
};

}  // namespace

TEST_CASE(
    "three threads: plans come and go, resets come at any time, and the input is always heard") {
    constexpr int kBlocks = 20'000;
    Track track({48'000, 2, 64, 600, 0});
    std::atomic<bool> isOver{false};

    std::thread linkThread([&] {
        Random random(60);
        FakeLink link(track, 2);
        const std::vector<std::string> four = {"drums", "bass", "other", "vocals"},
                                       two = {"vocals", "other"};
        while (!isOver) {
            if (random.chance(1)) {
                track.setRunning(random.chance(80));
                link.configure(random.between(300, 2000), random.between(0, 40),
                               random.chance(50) ? four : two);
                link.offered = link.received;
            }
            // A hop is left out, or a session is lost and what came is sent again.
            if (random.chance(3)) link.offered += random.between(-700, 100);
            link.run();
            std::this_thread::yield();
        }
    });
    std::thread watcher([&] {
        // What an editor looks at, while the host resets from wherever it likes.
        Random random(61);
        std::int64_t last = 0;
        while (!isOver) {
            const std::int64_t position = track.position();
            const std::int64_t late = track.lateFrames();  // before those that it is held against
            const std::int64_t replaced = track.replacedFrames();
            if (position < last || late > replaced + 64) std::abort();
            last = position;
            if (random.chance(1)) track.reset();
            std::this_thread::yield();
        }
    });

    Random random(62);
    Player player(track, 2, 2);
    Yield yield;
    std::int64_t wrong = 0, silent = 0, frames = 0;
    for (int block = 0; block < kBlocks; ++block) {
        const std::int64_t length = random.between(1, 64), start = track.position();
        // In real time, or offline until the link has had its turn.
        yield.isOver = random.chance(50);
        player.play(length, random.chance(30) ? &yield : nullptr);
        for (std::int64_t at = 0; at < length; ++at) {
            const float heard = player.main[1][static_cast<std::size_t>(at)];
            const float dry = inputAt(start + at - track.latency(), 1);
            wrong += heard != 0 && std::abs(heard - dry) > 1e-6f;
            silent += heard == 0 && dry != 0;
        }
        frames += length;
        player.main = {};
        player.stems = {};
    }
    isOver = true;
    linkThread.join();
    watcher.join();
    REQUIRE(wrong == 0);
    // Silence comes after resets and when the latency grows, and no reset is lost.
    REQUIRE(silent > 0);
    REQUIRE(frames == track.position());
}
