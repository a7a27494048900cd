#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "core/stem_buffer.h"
#include "random.h"

using namespace stembridge;

namespace {

using Rows = std::vector<std::vector<float>>;

std::vector<const float*> pointersTo(const Rows& rows) {
    std::vector<const float*> pointers;
    for (const auto& row : rows) pointers.push_back(row.data());
    return pointers;
}

/// What row `row` is at a frame, different in every sample.
float sampleOf(std::int64_t frame, std::size_t row) {
    return static_cast<float>((frame % 1009 + 1009) % 1009 * 16 + static_cast<std::int64_t>(row) +
                              1);
}

Rows stemsOf(Span span, std::size_t rows) {
    Rows stems(rows);
    for (std::size_t row = 0; row < rows; ++row)
        for (std::int64_t frame = span.start; frame < span.stop(); ++frame)
            stems[row].push_back(sampleOf(frame, row));
    return stems;
}

/// The next frames as they are heard.
Rows heard(StemBuffer& buffer, std::size_t rows, const Rows* dry, std::int64_t length) {
    Rows out(rows, std::vector<float>(static_cast<std::size_t>(length), -1.0f));
    std::vector<float*> to;
    for (auto& row : out) to.push_back(row.data());
    buffer.look();
    buffer.read(dry == nullptr ? nullptr : pointersTo(*dry).data(), to.data(), length);
    return out;
}

/// What StemBuffer documents, one frame at a time and without any memory to save.
struct SlowBuffer {
    StemBuffer::Shape shape;
    std::int64_t position, from;
    std::int64_t decided = position;
    std::int64_t end = std::numeric_limits<std::int64_t>::min();
    std::set<std::int64_t> coming{}, there{};

    bool isThere(std::int64_t frame) const { return frame < from || there.count(frame) == 1; }

    std::int64_t write(Span span) {
        std::int64_t done = 0;
        for (std::int64_t frame = span.start; frame < span.stop(); ++frame, ++done) {
            if (frame >= position + shape.ahead + shape.block + shape.guard) break;
            if (frame < position || frame < end) continue;
            coming.insert(frame);
            end = frame + 1;
        }
        return done;
    }

    void look() {
        for (const std::int64_t frame : coming)
            if (frame >= decided) there.insert(frame);
        coming.clear();
    }

    void restart(std::int64_t next, std::int64_t first) {
        position = decided = next;
        from = first;
    }

    void read(std::int64_t length) {
        position += length;
        decided = std::max(decided, position + shape.guard);
    }

    std::int64_t missing(Span span) const {
        std::int64_t gaps = 0;
        for (std::int64_t frame = span.start; frame < span.stop(); ++frame) gaps += !isThere(frame);
        return gaps;
    }

    double weight(std::int64_t frame) const {
        std::int64_t nearest = shape.guard + 1;
        for (std::int64_t other = frame - shape.guard; other <= frame + shape.guard; ++other)
            if (!isThere(other)) nearest = std::min(nearest, std::abs(other - frame));
        return static_cast<double>(nearest) / static_cast<double>(shape.guard + 1);
    }
};

}  // namespace

TEST_CASE("any writes and reads, against a slow buffer that looks at one frame after another") {
    Random random(30);
    for (int round = 0; round < 400; ++round) {
        StemBuffer::Shape shape{3,
                                2,
                                static_cast<int>(random.between(0, 2)),
                                random.between(0, 40),
                                random.between(1, 20),
                                random.between(0, 6)};
        StemBuffer buffer(shape);
        static constexpr std::int64_t kPositions[] = {-3, 0, 5, std::int64_t{1} << 40};
        const std::int64_t begin = kPositions[random.between(0, 3)];
        SlowBuffer slow{shape, begin, begin + random.between(-12, shape.ahead)};
        REQUIRE(buffer.write(begin, pointersTo(stemsOf({begin, 9}, 6)).data(), 9) == 0);
        buffer.restart(slow.position, slow.from);
        for (int step = 0; step < 60; ++step) {
            const Span span{slow.position + random.between(-10, 50), random.between(0, 30)};
            if (random.chance(55)) {
                const Rows stems = stemsOf(span, 6);
                REQUIRE(buffer.write(span.start, pointersTo(stems).data(), span.length) ==
                        slow.write(span));
                continue;
            }
            if (random.chance(4)) {
                const std::int64_t next = slow.position + random.between(0, 9);
                slow.restart(next, next + random.between(-9, shape.ahead));
                buffer.restart(slow.position, slow.from);
            }
            if (random.chance(80)) {
                buffer.look();
                slow.look();
            }
            const Span next{slow.position, random.between(0, shape.block)};
            const Span around = next.extend(shape.guard, shape.guard);
            REQUIRE(buffer.decided() == slow.decided);
            REQUIRE(buffer.missing(next) == slow.missing(next));
            REQUIRE(buffer.missing(around) == slow.missing(around));
            REQUIRE(buffer.isWhole(next.length) == (slow.missing(around) == 0));
            const Rows dry = stemsOf(next, 2);
            const bool silence = random.chance(30);
            slow.look();
            const Rows out = heard(buffer, 6, silence ? nullptr : &dry, next.length);
            for (std::int64_t frame = next.start; frame < next.stop(); ++frame) {
                const auto at = static_cast<std::size_t>(frame - next.start);
                for (std::size_t row = 0; row < 6; ++row) {
                    double wanted =
                        frame < slow.from ? 0 : slow.weight(frame) * sampleOf(frame, row);
                    if (!slow.isThere(frame)) wanted = 0;
                    if (!silence && static_cast<int>(row / 2) == shape.carrier)
                        wanted += dry[row % 2][at] * (1 - slow.weight(frame));
                    REQUIRE(out[row][at] == doctest::Approx(wanted).epsilon(1e-5));
                }
            }
            slow.read(next.length);
            REQUIRE(buffer.position() == slow.position);
        }
    }
}

TEST_CASE("fades are linear and lie beside the gap") {
    StemBuffer buffer({1, 1, 0, 0, 14, 3});
    buffer.restart(0, 0);
    buffer.restart(0, 1);  // frames before 1 are silent, so that nothing fades in
    const Rows ones(1, std::vector<float>(20, 1.0f));
    buffer.write(1, pointersTo(ones).data(), 5);
    buffer.write(8, pointersTo(ones).data(), 9);
    const Rows out = heard(buffer, 1, nullptr, 14);
    REQUIRE(out[0] ==
            std::vector<float>{0, 1, 1, 0.75f, 0.5f, 0.25f, 0, 0, 0.25f, 0.5f, 0.75f, 1, 1, 1});
}

TEST_CASE("stems that sum to the dry signal always do, whatever is missing") {
    Random random(31);
    for (int round = 0; round < 200; ++round) {
        const StemBuffer::Shape shape{3, 1, 1, 1200, 30, random.between(0, 8)};
        StemBuffer buffer(shape);
        buffer.restart(0, 0);
        for (std::int64_t frame = 0; frame < 1000; frame += 4)
            if (random.chance(85))
                buffer.write(frame, pointersTo(stemsOf({frame, 4}, 3)).data(), 4);
        while (buffer.position() < 900) {
            const Span next{buffer.position(), random.between(1, 30)};
            const Rows stems = stemsOf(next, 3);
            Rows dry = stems;
            for (std::size_t frame = 0; frame < dry[0].size(); ++frame)
                dry[0][frame] += stems[1][frame] + stems[2][frame];
            const Rows out = heard(buffer, 3, &dry, next.length);
            for (std::size_t frame = 0; frame < dry[0].size(); ++frame)
                REQUIRE(out[0][frame] + out[1][frame] + out[2][frame] ==
                        doctest::Approx(dry[0][frame]).epsilon(1e-6));
        }
    }
}

TEST_CASE("how blocks are cut changes nothing when the same frames are missing") {
    const auto played = [](const std::vector<std::int64_t>& blocks) {
        StemBuffer buffer({1, 1, 0, 100, 100, 5});
        buffer.restart(0, 0);
        buffer.write(0, pointersTo(stemsOf({0, 40}, 1)).data(), 40);
        buffer.write(43, pointersTo(stemsOf({43, 5}, 1)).data(), 5);
        buffer.write(60, pointersTo(stemsOf({60, 60}, 1)).data(), 60);
        std::vector<float> all;
        for (const std::int64_t block : blocks) {
            const Rows dry = stemsOf({buffer.position(), block}, 1);
            const Rows out = heard(buffer, 1, &dry, block);
            all.insert(all.end(), out[0].begin(), out[0].end());
        }
        return all;
    };
    const auto whole = played({100});
    REQUIRE(played(std::vector<std::int64_t>(100, 1)) == whole);
    REQUIRE(played({7, 31, 2, 60}) == whole);
}

TEST_CASE("what is left in a gap from before is not heard, not even if it is no number") {
    StemBuffer buffer({1, 1, 0, 0, 4, 0});
    buffer.restart(0, 0);
    const Rows none(1, std::vector<float>(4, std::numeric_limits<float>::quiet_NaN()));
    const Rows ones(1, std::vector<float>(4, 1.0f));
    buffer.write(0, pointersTo(none).data(), 4);
    REQUIRE(std::isnan(heard(buffer, 1, &ones, 4)[0][0]));
    REQUIRE(buffer.missing({4, 4}) == 4);
    REQUIRE(heard(buffer, 1, &ones, 4) == ones);
}
