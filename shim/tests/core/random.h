#pragma once

#include <cstdint>
#include <random>

namespace stembridge {

/// Numbers for a test that is the same in every run.
class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}

    /// From `low` through `high`.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        // Not std::uniform_int_distribution, which differs from one library to the next.
        return low +
               static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
    }

    bool chance(std::int64_t percent) { return between(1, 100) <= percent; }

    /// A sample of at most 1.
    float sample() { return static_cast<float>(between(-32768, 32767)) / 32768.0f; }

private:
    std::mt19937_64 engine_;
};

}  // namespace stembridge
