#include <doctest/doctest.h>

#include <map>

#include "core/ring.h"
#include "random.h"

using namespace stembridge;

TEST_CASE("a ring holds each frame at its index, whatever the cut") {
    Random random(7);
    for (int round = 0; round < 200; ++round) {
        const std::int64_t capacity = random.between(1, 40), origin = random.between(-50, 50);
        Ring<float> ring(2, capacity);
        std::map<std::int64_t, float> slow;  // of row 0, by frame modulo the capacity
        const auto key = [&](std::int64_t frame) {
            return ((frame % capacity) + capacity) % capacity;
        };
        for (int step = 0; step < 60; ++step) {
            const Span span{origin + random.between(-60, 60), random.between(0, capacity)};
            const auto size = static_cast<std::size_t>(span.length);
            std::vector<float> one(size + 3), other(size + 3);
            if (random.chance(20)) {
                ring.fill(span, 5.0f);
                for (std::int64_t i = 0; i < span.length; ++i) slow[key(span.start + i)] = 5.0f;
            } else if (random.chance(50)) {
                for (std::size_t i = 0; i < one.size(); ++i)
                    one[i] = random.sample(), other[i] = -one[i];
                const float* rows[] = {one.data(), other.data()};
                ring.write(span, rows, 3);
                for (std::size_t i = 0; i < size; ++i)
                    slow[key(span.start + static_cast<std::int64_t>(i))] = one[i + 3];
            } else {
                float* rows[] = {one.data(), other.data()};
                ring.read(span, rows);
                for (std::size_t i = 0; i < size; ++i)
                    REQUIRE(one[i] == slow[key(span.start + static_cast<std::int64_t>(i))]);
            }
        }
    }
}

TEST_CASE("a span is copied between rings of any size") {
    Random random(8);
    for (int round = 0; round < 500; ++round) {
        Ring<float> from(1, random.between(1, 30)), to(1, from.capacity() + random.between(0, 30));
        const Span span{random.between(-90, 90), random.between(0, from.capacity())};
        std::vector<float> samples(static_cast<std::size_t>(span.length)), heard(samples.size());
        for (float& sample : samples) sample = random.sample();
        const float* in = samples.data();
        from.write(span, &in);
        to.copy(from, span);
        float* out = heard.data();
        to.read(span, &out);
        REQUIRE(heard == samples);
    }
}
