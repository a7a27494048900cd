/// Stems on their way from the link to the track, of which there may be more than fit at once.
#include "link/stream.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <vector>

using namespace stembridge;
using namespace stembridge::link;

namespace {

constexpr std::int64_t kRate = 48'000, kBlock = 256, kHop = 100'000, kMessage = 16'384;
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

// All stems of a hop, as messages of the size that the sidecar sends.
void answer(Stream& stream, std::int64_t epoch) {
    for (std::int64_t start = 0; start < kHop; start += kMessage) {
        const std::int64_t frames = std::min(kMessage, kHop - start);
        std::vector<float> samples;
        for (int channel = 0; channel < 2; ++channel)
            for (std::int64_t frame = start; frame < start + frames; ++frame)
                samples.push_back(sampleAt(frame));
        stream.take(protocol::Stems{
            1, epoch, start, start + frames,
            {1, 2, frames, protocol::Samples(std::span<const float>(samples))}});
    }
}

}  // namespace

TEST_CASE("stems that come all at once are heard to the last frame") {
    protocol::Configure wish;
    wish.rate = kRate;
    wish.block = kBlock;
    wish.channels = 2;
    protocol::Configured agreed;
    agreed.plan.hop = agreed.plan.window = kHop;
    agreed.plan.modelRate = kRate;
    agreed.latency = kLatency;
    agreed.credit = kFrames;
    agreed.sources = {"vocals"};
    const auto plan = livePlan(wish, agreed.plan, kLatency);
    REQUIRE(plan);

    const auto track = std::make_shared<Track>(Track::Config{kRate, 2, kBlock, kLatency, 0});
    Stream stream(track, wish, agreed, *plan);
    Host host(*track);
    std::int64_t epoch = 0;
    while (static_cast<std::int64_t>(host.heard.size()) < kFrames) {
        host.play();
        stream.exchange();
        while (const auto sent = stream.next(1, epoch + 1, kMessage, true))
            if (const auto* reset = std::get_if<protocol::Reset>(&sent->message))
                epoch = reset->epoch;
        const auto played = static_cast<std::int64_t>(host.heard.size());
        if (played >= kHop && played < kHop + kBlock) answer(stream, epoch);
    }
    REQUIRE(epoch == 1);
    CHECK(track->lateFrames() == 0);
    std::int64_t wrong = 0;
    for (std::int64_t frame = 0; frame < kHop; ++frame)
        wrong += host.heard[static_cast<std::size_t>(frame + kLatency)] != sampleAt(frame);
    CHECK(wrong == 0);
}
