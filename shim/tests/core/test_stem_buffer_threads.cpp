#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "core/stem_buffer.h"
#include "random.h"

using namespace stembridge;

namespace {

constexpr StemBuffer::Shape kShape{2, 2, 1, 300, 32, 7};
constexpr std::size_t kRows = 4;

/// Another one in every row, and wherever a frame could be taken for another; never 0.
float sampleAt(std::int64_t frame, std::size_t row) {
    return static_cast<float>(frame % 9973 + 1) * static_cast<float>(row + 1);
}

/// Offers stems in order but for gaps, and for what is sent again, until it is over.
void offer(StemBuffer& buffer, const std::atomic<std::int64_t>& read,
           const std::atomic<bool>& isOver) {
    Random random(80);
    std::vector<std::vector<float>> stems(kRows);
    const float* rows[kRows];
    for (std::int64_t next = 0; !isOver;) {
        if (random.chance(5)) next += random.between(1, 40);
        if (random.chance(5)) next -= random.between(1, 200);
        if (random.chance(2)) next = read.load() + random.between(-50, 50);
        const std::int64_t length = random.between(1, 100);
        for (std::size_t row = 0; row < kRows; ++row) {
            stems[row].clear();
            for (std::int64_t frame = next; frame < next + length; ++frame)
                stems[row].push_back(sampleAt(std::max<std::int64_t>(frame, 0), row));
            rows[row] = stems[row].data();
        }
        const std::int64_t done = buffer.write(next, rows, length);
        if (done < 0 || done > length) std::abort();
        next += done;
        if (done < length) std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("two threads: every sample is that of its frame, by one weight in all rows") {
    constexpr int kBlocks = 100'000;
    StemBuffer buffer(kShape);
    std::atomic<std::int64_t> read{0};
    std::atomic<bool> isOver{false};
    std::thread writer([&] { offer(buffer, read, isOver); });

    Random random(81);
    std::vector<std::vector<float>> out(kRows, std::vector<float>(kShape.block));
    float* rows[kRows];
    for (std::size_t row = 0; row < kRows; ++row) rows[row] = out[row].data();
    std::int64_t wrong = 0, whole = 0, parts = 0, silent = 0, from = 5;
    buffer.restart(0, from);
    for (int block = 0; block < kBlocks; ++block) {
        if (random.chance(1)) {
            from = buffer.position() + random.between(0, 40);
            buffer.restart(buffer.position() + random.between(0, 20), from);
        }
        const std::int64_t start = buffer.position(), length = random.between(1, kShape.block);
        buffer.look();
        const bool isWhole = buffer.isWhole(length);
        buffer.read(nullptr, rows, length);
        for (std::int64_t frame = start; frame < start + length; ++frame) {
            const auto at = static_cast<std::size_t>(frame - start);
            const float weight = out[0][at] / sampleAt(frame, 0);
            const float steps = weight * static_cast<float>(kShape.guard + 1);
            wrong += std::abs(steps - std::round(steps)) > 1e-3f || weight < 0 || weight > 1;
            wrong += isWhole && frame >= from && out[0][at] != sampleAt(frame, 0);
            wrong += frame < from && weight != 0;
            for (std::size_t row = 1; row < kRows; ++row)
                wrong += std::abs(out[row][at] - weight * sampleAt(frame, row)) > 1e-2f;
            ++(weight == 1 ? whole : weight == 0 ? silent : parts);
        }
        read.store(buffer.position());
        if (random.chance(50)) std::this_thread::yield();
    }
    isOver = true;
    writer.join();
    REQUIRE(wrong == 0);
    REQUIRE(whole > 0);
    REQUIRE(parts > 0);
    REQUIRE(silent > 0);
}
