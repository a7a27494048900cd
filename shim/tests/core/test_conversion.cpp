#include <doctest/doctest.h>

#include "core/conversion.h"
#include "core/rates.h"
#include "random.h"

using namespace stembridge;

namespace {

__extension__ using Wide = __int128;

/// Highest source frame that target frame `target` is made from, by looking at one after another.
std::int64_t lastTap(const Conversion& conversion, std::int64_t target) {
    std::int64_t frame = 0;
    // frame + 1 <= target * source / target rate + half, as fractions of the target rate
    while ((frame + 1 - conversion.half) * conversion.target <= target * conversion.source) ++frame;
    return frame;
}

}  // namespace

TEST_CASE("scaled counts are exact where products do not fit 64 bits") {
    Random random(2);
    for (int round = 0; round < 20'000; ++round) {
        const std::int64_t source = random.between(1, 384'000), target = random.between(1, source);
        const std::int64_t count = random.between(0, std::int64_t{1} << random.between(1, 62));
        const Wide product = Wide{count} * target;
        REQUIRE(floorScaled(count, source, target) == static_cast<std::int64_t>(product / source));
        REQUIRE(ceilScaled(count, source, target) ==
                static_cast<std::int64_t>((product + source - 1) / source));
    }
}

TEST_CASE("needed frames are those of every tap, and ready frames are those that need no more") {
    Random random(3);
    for (int round = 0; round < 1000; ++round) {
        Conversion conversion{random.between(1, 12), random.between(1, 12), random.between(0, 9)};
        if (conversion.source == conversion.target) conversion.half = 0;
        REQUIRE(conversion.needed(0) == 0);
        for (std::int64_t count = 1; count < 40; ++count)
            REQUIRE(conversion.needed(count) == lastTap(conversion, count - 1) + 1);
        for (std::int64_t count = 0; count < 40; ++count) {
            std::int64_t ready = 0;
            while (conversion.needed(ready + 1) <= count) ++ready;
            REQUIRE(conversion.ready(count) == ready);
        }
    }
}

TEST_CASE("positions years into a stream are exact") {
    const Conversion conversion = design(48'000, 44'100);
    const std::int64_t year = std::int64_t{48'000} * 86'400 * 365;
    REQUIRE(conversion.ready(100 * year + conversion.half) == 100 * year / 160 * 147);
    REQUIRE(conversion.needed(100 * year / 160 * 147 + 1) == 100 * year + conversion.half + 1);
}
