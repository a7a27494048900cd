/// Stems on their way from the link to the track, of which there may be more than fit at once.
#include "link/stream.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <vector>

using namespace stembridge;
using namespace stembridge::link;

namespace {

constexpr std::int64_t kRate = 48'000, kBlock = 256, kHop = 400 * kBlock, kMessage = 16'384;
constexpr std::int64_t kLatency = kHop + 8 * kBlock, kFrames = kLatency + kHop;

// Each frame has a value of its own, which a float keeps.
float sampleAt(std::int64_t frame) { return static_cast<float>(frame + 1); }

// A host that plays silence, and hears the vocals of `track`.
class Host {
public:
    explicit Host(Track& track) : track_(track) {}

    std::vector<float> heard;

    void play() {
        const std::vector<float> silence(kBlock);
        const std::array<const float*, 2> input{silence.data(), silence.data()};
        heard.resize(heard.size() + kBlock);
        Outputs out;
        out.stems[indexOf(Bus::Vocals)][0] = heard.data() + heard.size() - kBlock;
        track_.process(input.data(), out, kBlock, Controls{});
    }

private:
    Track& track_;
};

// A stream of a plan with a latency, and what it has sent.
class Link {
public:
    Link(const std::shared_ptr<Track>& track, std::int64_t latency)
        : agreed_(agreement(latency)),
          stream_(track, wish(), agreed_, *livePlan(wish(), agreed_.plan, latency)) {}

    std::int64_t epoch = 0, origin = -1;

    void run() {
        stream_.exchange();
        while (const auto sent = stream_.next(1, epoch + 1, kMessage, true)) {
            if (const auto* reset = std::get_if<protocol::Reset>(&sent->message)) {
                epoch = reset->epoch;
                origin = reset->origin;
            }
        }
    }

    // All stems of a hop, as messages of the size that the sidecar sends.
    void answer() {
        for (std::int64_t start = 0; start < kHop; start += kMessage) {
            const std::int64_t frames = std::min(kMessage, kHop - start);
            std::vector<float> samples;
            for (int channel = 0; channel < 2; ++channel)
                for (std::int64_t frame = start; frame < start + frames; ++frame)
                    samples.push_back(sampleAt(frame));
            const protocol::StemBlock block{
                1, 2, frames, protocol::Samples(std::span<const float>(samples))};
            stream_.take(protocol::Stems{1, epoch, start, start + frames, block});
        }
    }

private:
    static protocol::Configure wish() {
        protocol::Configure wish;
        wish.rate = kRate;
        wish.block = kBlock;
        wish.channels = 2;
        return wish;
    }

    static protocol::Configured agreement(std::int64_t latency) {
        protocol::Configured agreed;
        agreed.plan.hop = agreed.plan.window = kHop;
        agreed.plan.modelRate = kRate;
        agreed.latency = latency;
        agreed.credit = kFrames;
        agreed.sources = {"vocals"};
        return agreed;
    }

    protocol::Configured agreed_;
    Stream stream_;
};

std::shared_ptr<Track> makeTrack() {
    return std::make_shared<Track>(Track::Config{kRate, 2, kBlock, kLatency, 0});
}

// Frames of the hop that are not heard as they should be.
std::int64_t wrongIn(const std::vector<float>& heard) {
    std::int64_t wrong = 0;
    for (std::int64_t frame = 0; frame < kHop; ++frame)
        wrong += heard[static_cast<std::size_t>(frame + kLatency)] != sampleAt(frame);
    return wrong;
}

}  // namespace

TEST_CASE("stems that come all at once are heard to the last frame") {
    const auto track = makeTrack();
    Link link(track, kLatency);
    Host host(*track);
    while (track->position() < kFrames) {
        host.play();
        link.run();
        if (track->position() >= kHop && track->position() < kHop + kBlock) link.answer();
    }
    REQUIRE(link.epoch == 1);
    CHECK(wrongIn(host.heard) == 0);
}

TEST_CASE("what was played before a plan is of use to it where the latency stays") {
    const auto track = makeTrack();
    Host host(*track);
    for (int block = 0; block < 4; ++block) {
        host.play();
        track->forgetInput();
    }
    const std::int64_t begin = track->position();
    SUBCASE("and its stems are heard") {
        Link link(track, kLatency);
        while (track->position() < kFrames) {
            link.run();
            host.play();
            if (track->position() >= kHop && track->position() < kHop + kBlock) link.answer();
        }
        CHECK(link.origin == 0);
        CHECK(wrongIn(host.heard) == 0);
        CHECK(track->replacedFrames() == 0);
    }
    SUBCASE("and of none where it does not") {
        Link link(track, kLatency + 1);
        while (track->position() < begin + kBlock) {
            link.run();
            host.play();
        }
        link.run();
        CHECK(link.origin == begin);
    }
}
