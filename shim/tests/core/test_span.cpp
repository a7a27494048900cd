#include <doctest/doctest.h>

#include <set>

#include "core/span.h"
#include "random.h"

using namespace stembridge;

namespace {

std::set<std::int64_t> framesOf(Span span) {
    std::set<std::int64_t> frames;
    for (std::int64_t frame = span.start; frame < span.stop(); ++frame) frames.insert(frame);
    return frames;
}

}  // namespace

TEST_CASE("spans are sets of frames") {
    Random random(1);
    for (int round = 0; round < 5000; ++round) {
        const Span one{random.between(-20, 20), random.between(0, 15)};
        const Span other{random.between(-20, 20), random.between(0, 15)};
        const auto frames = framesOf(one), others = framesOf(other);
        std::set<std::int64_t> both;
        for (const auto frame : frames)
            if (others.count(frame) == 1) both.insert(frame);
        REQUIRE(framesOf(one.intersect(other)) == both);
        REQUIRE(one.empty() == frames.empty());

        const std::int64_t frame = random.between(-25, 40);
        REQUIRE(one.contains(frame) == (frames.count(frame) == 1));
        REQUIRE(Span::between(one.start, one.stop()) == one);
        REQUIRE(framesOf(Span::between(one.start, frame)).size() ==
                static_cast<std::size_t>(frame > one.start ? frame - one.start : 0));

        const Span wider = one.extend(3, 4);
        REQUIRE(wider.start == one.start - 3);
        REQUIRE(wider.stop() == one.stop() + 4);
    }
}
