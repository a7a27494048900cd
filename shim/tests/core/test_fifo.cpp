#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include "core/fifo.h"
#include "random.h"

using namespace stembridge;

namespace {

struct Header {
    std::int64_t number;
    std::uint32_t sum;
};

/// What sample `index` of record `number` is.
float sampleOf(std::int64_t number, std::int64_t index) {
    return static_cast<float>((number * 31 + index * 7) % 65'521);
}

/// Pushes record `number` of such a shape.
bool push(Fifo<Header>& fifo, std::int64_t number, std::int64_t rows, std::int64_t frames) {
    std::vector<float> samples(static_cast<std::size_t>(rows * frames));
    for (std::size_t index = 0; index < samples.size(); ++index)
        samples[index] = sampleOf(number, static_cast<std::int64_t>(index));
    std::vector<const float*> pointers;
    for (std::int64_t row = 0; row < rows; ++row) pointers.push_back(samples.data() + row * frames);
    return fifo.push({number, static_cast<std::uint32_t>(rows * frames)}, pointers.data(), rows,
                     frames);
}

/// Whether the oldest record is `number`, with all that belongs to it.
bool isFront(Fifo<Header>& fifo, std::int64_t number) {
    const auto record = fifo.front();
    if (!record || record->header.number != number) return false;
    const auto& samples = record->samples;
    if (samples.rows * samples.frames != record->header.sum) return false;
    for (std::int64_t row = 0; row < samples.rows; ++row)
        for (std::int64_t frame = 0; frame < samples.frames; ++frame)
            if (samples.row(row)[frame] != sampleOf(number, row * samples.frames + frame))
                return false;
    return true;
}

}  // namespace

TEST_CASE("records come out as they went in, and none that does not fit changes anything") {
    Random random(20);
    for (int round = 0; round < 100; ++round) {
        const std::int64_t largest = random.between(1, 60), records = random.between(1, 5);
        Fifo<Header> fifo(static_cast<std::size_t>(records), static_cast<std::size_t>(largest));
        std::deque<std::int64_t> inside;
        std::int64_t next = 0;
        for (int step = 0; step < 1000; ++step) {
            if (random.chance(55)) {
                const std::int64_t rows = random.between(1, 3);
                const std::int64_t frames =
                    random.between(0, largest / rows + (random.chance(5) ? 60 : 0));
                const bool isTaken = push(fifo, next, rows, frames);
                // So many of the largest always fit, and none that is larger ever does.
                if (rows * frames > largest)
                    REQUIRE_FALSE(isTaken);
                else if (static_cast<std::int64_t>(inside.size()) < records)
                    REQUIRE(isTaken);
                if (isTaken) inside.push_back(next++);
            } else if (!inside.empty()) {
                REQUIRE(isFront(fifo, inside.front()));
                REQUIRE(isFront(fifo, inside.front()));  // it stays until it is popped
                fifo.pop();
                inside.pop_front();
            } else {
                REQUIRE_FALSE(fifo.front().has_value());
            }
        }
    }
}

TEST_CASE("what is reserved but not handed over is not seen") {
    Fifo<Header> fifo(2, 8);
    REQUIRE(fifo.reserve(1, 8) != nullptr);
    REQUIRE_FALSE(fifo.front().has_value());
    float* samples = fifo.reserve(1, 1);
    samples[0] = 42.0f;
    fifo.commit({1, 1});
    REQUIRE(fifo.front()->samples.row(0)[0] == 42.0f);
    REQUIRE(fifo.front()->samples.frames == 1);
}

TEST_CASE("two threads: every record arrives once, in order and whole") {
    constexpr std::int64_t kRecords = 100'000, kLargest = 200;
    Fifo<Header> fifo(8, kLargest);
    std::thread producer([&] {
        Random random(21);
        for (std::int64_t number = 0; number < kRecords; ++number) {
            const std::int64_t rows = random.between(1, 4),
                               frames = random.between(0, kLargest / rows);
            while (!push(fifo, number, rows, frames)) std::this_thread::yield();
        }
    });
    std::int64_t wrong = 0;
    for (std::int64_t number = 0; number < kRecords; ++number) {
        while (!fifo.front()) std::this_thread::yield();
        if (!isFront(fifo, number)) ++wrong;
        fifo.pop();
    }
    producer.join();
    REQUIRE(wrong == 0);
    REQUIRE_FALSE(fifo.front().has_value());
}
