#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "core/fifo.h"
#include "core/mixer.h"
#include "core/stem_buffer.h"
#include "core/track.h"
#include "random.h"
#include "trap.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace stembridge;

namespace {

constexpr int kBlocks = 100'000;
constexpr std::int64_t kMost = 700;

/// Memory to play from and to; its contents do not matter here.
struct Buffers {
    Buffers() : memory(16, std::vector<float>(kMost)) {
        for (std::size_t row = 0; row < memory.size(); ++row) rows[row] = memory[row].data();
    }

    Outputs outputs(Random& random) {
        Outputs out;
        out.main = {rows[0], rows[1]};
        for (std::size_t bus = 0; bus < kBuses; ++bus)
            if (random.chance(80)) out.stems[bus] = {rows[2 + 2 * bus], rows[3 + 2 * bus]};
        return out;
    }

    std::vector<std::vector<float>> memory;
    std::array<float*, 16> rows{};
};

struct Stubborn : Waiter {
    bool wait() override { return ++waits % 3 != 0; }
    int waits = 0;
};

}  // namespace

TEST_CASE("the trap sees what it should") {
    const Trap trap;
    REQUIRE(trap.count() == 0);
    static std::unique_ptr<int> kept;  // so that it is not left out
    kept = std::make_unique<int>(1);
    REQUIRE(trap.count() == 1);
    kept.reset();
    REQUIRE(trap.count() == 2);
#ifdef STEMBRIDGE_TRAPS_ALL
    static void* volatile memory;
    memory = std::malloc(10);
    std::free(memory);
    REQUIRE(trap.count() == 4);
    static std::mutex mutex;
    mutex.lock();
    REQUIRE(trap.count() == 5);
    mutex.unlock();
    REQUIRE(trap.count() == 6);
    static std::condition_variable nobody;
    nobody.notify_all();
    REQUIRE(trap.count() == 7);
#endif
}

#ifdef __linux__
TEST_CASE("the trap sees system calls, and lets them do their work") {
    if (!Trap::seesSystemCalls()) {
        MESSAGE("left out: this takes Linux 5.11 on x86-64, and no sanitizer");
        return;
    }
    const pid_t before = getppid();
    for (int round = 0; round < 2; ++round) {
        const Trap trap;
        REQUIRE(trap.count() == 0);
        REQUIRE(std::chrono::steady_clock::now().time_since_epoch().count() > 0);
        REQUIRE(trap.count() == 0);
        REQUIRE(getppid() == before);
        REQUIRE(trap.count() == 1);
        REQUIRE(Trap::systemCall() == SYS_getppid);
    }
}
#endif

TEST_CASE("a track allocates nothing in 100,000 random blocks, while the link comes and goes") {
    Random random(70);
    Track track({48'000, 2, 256, 1000, 0});
    Buffers buffers;
    Controls controls;
    Stubborn waiter;
    std::int64_t forbidden = 0, offered = 0;
    std::size_t sources = 0;
    std::vector<float> stems(12 * 5000, 0.1f);
    for (int block = 0; block < kBlocks; ++block) {
        if (random.chance(1) && random.chance(20)) {
            sources = static_cast<std::size_t>(random.between(1, 6));
            std::vector<std::string> names(
                kBusNames.begin(), kBusNames.begin() + static_cast<std::ptrdiff_t>(sources));
            track.configure({random.between(500, 5000), random.between(0, 80), names});
            track.setRunning(random.chance(70));
        }
        if (random.chance(30)) {
            while (track.nextInput()) track.popInput();
            const std::int64_t start =
                std::max(offered, track.due() + (random.chance(10) ? 500 : 0));
            const std::int64_t length = std::clamp<std::int64_t>(track.position() - start, 0, 5000);
            if (sources > 0)
                offered = start +
                          track.offerStems(start, {stems.data(),
                                                   static_cast<std::int64_t>(sources * 2), length});
        }
        for (Strip& strip : controls.strips)
            if (random.chance(2)) strip = {0.5f, random.chance(30), random.chance(10)};
        controls.bypass = random.chance(5);
        controls.stemsPostFader = random.chance(50);
        controls.silenceWhenLate = random.chance(50);
        const std::int64_t frames =
            random.chance(80) ? random.between(1, 64) : random.between(1, kMost);
        const Outputs out = buffers.outputs(random);
        const bool isReset = random.chance(1), isOffline = random.chance(10);

        const Trap trap;
        if (isReset) track.reset();
        track.process(buffers.rows.data(), out, frames, controls, isOffline ? &waiter : nullptr);
        forbidden += trap.count();
    }
    REQUIRE(forbidden == 0);
    REQUIRE(track.replacedFrames() > 0);
    REQUIRE(track.replacedFrames() < track.position() * 9 / 10);  // stems were played as well
}

TEST_CASE("nor do its parts") {
    Random random(71);
    Buffers buffers;
    StemBuffer stems({6, 2, 3, 2000, kMost, 64});
    Fifo<std::int64_t> fifo(4, 12 * kMost);
    Mixer mixer(480);
    Strips strips;
    const std::array<float*, kBuses> mixed{buffers.rows[0], nullptr, buffers.rows[1],
                                           buffers.rows[2]};
    std::int64_t forbidden = 0;
    for (int block = 0; block < kBlocks; ++block) {
        const std::int64_t frames = random.between(1, 64), offset = random.between(0, 500);
        for (Strip& strip : strips)
            if (random.chance(2)) strip.mute = !strip.mute;

        const Trap trap;
        if (block % 1000 == 0) stems.restart(block, block + 10);
        fifo.push(block, buffers.rows.data(), 12, frames);
        if (fifo.front() && block % 3 != 0) fifo.pop();
        stems.write(stems.position() + offset, buffers.rows.data(), frames);
        stems.look();
        stems.read(buffers.rows.data(), buffers.rows.data(), frames);
        mixer.follow(strips);
        mixer.mix(mixed, buffers.rows[5], frames, true);
        mixer.advance(frames);
        forbidden += trap.count();
    }
    REQUIRE(forbidden == 0);
}
