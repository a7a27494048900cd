#include "track_player.h"

#include <algorithm>

namespace stembridge {

float inputAt(std::int64_t frame, int channel) {
    if (frame < 0) return 0.0f;
    return static_cast<float>((frame * 7919 + channel * 4001) % 8191 - 4095) / 4096.0f;
}

std::uint32_t FakeLink::configure(std::int64_t latency, std::int64_t guard,
                                  std::vector<std::string> sources,
                                  std::optional<std::int64_t> since) {
    sources_ = sources;
    return track_.configure({latency, guard, std::move(sources), since});
}

float FakeLink::share(std::size_t index, std::size_t count) {
    // 1/2, 1/4, ... and the last one as much as the one before.
    const std::size_t halvings = std::min(index + 1, count - 1);
    return 1.0f / static_cast<float>(1u << halvings);
}

float FakeLink::shareOf(std::size_t bus) const {
    float total = 0;
    for (std::size_t index = 0; index < sources_.size(); ++index)
        if (indexOf(busFor(sources_[index])) == bus) total += share(index, sources_.size());
    return total;
}

void FakeLink::takeInput() {
    while (const auto record = track_.nextInput()) {
        const InputHeader& header = record->header;
        const bool isFirst = headers.empty() || headers.back().epoch != header.epoch ||
                             headers.back().plan != header.plan;
        if (header.start != received && (headers.empty() || headers.back().epoch == header.epoch))
            ++wrong;
        if (isFirst) headers.push_back(header);
        for (std::int64_t row = 0; row < record->samples.rows; ++row)
            for (std::int64_t frame = 0; frame < record->samples.frames; ++frame)
                if (record->samples.row(row)[frame] !=
                    inputAt(header.start + frame, static_cast<int>(row)))
                    ++wrong;
        received = header.start + record->samples.frames;
        track_.popInput();
    }
}

std::int64_t FakeLink::offer(std::int64_t start, std::int64_t length) {
    std::vector<float> samples;
    for (std::size_t source = 0; source < sources_.size(); ++source)
        for (int channel = 0; channel < channels_; ++channel)
            for (std::int64_t frame = start; frame < start + length; ++frame)
                samples.push_back(inputAt(frame, channel) * share(source, sources_.size()));
    const auto rows = static_cast<std::int64_t>(sources_.size()) * channels_;
    return track_.offerStems(start, {samples.data(), rows, length});
}

void FakeLink::run() {
    takeInput();
    if (!sources_.empty()) offered += offer(offered, received - offered);
}

Player::Player(Track& track, int inputs, int outputs)
    : track_(track), inputs_(inputs), outputs_(outputs) {}

void Player::play(std::int64_t frames, Waiter* waiter, unsigned buses) {
    const auto size = static_cast<std::size_t>(frames);
    const std::size_t before = main[0].size();
    Outputs out;
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(outputs_); ++channel) {
        main[channel].resize(before + size, -9.0f);
        out.main[channel] = main[channel].data() + before;
        for (std::size_t bus = 0; bus < kBuses; ++bus) {
            stems[bus][channel].resize(before + size, -9.0f);
            if (buses >> bus & 1) out.stems[bus][channel] = stems[bus][channel].data() + before;
        }
    }
    // As hosts do it: the input lies where the main output goes.
    std::array<const float*, 2> input{};
    const std::int64_t start = track_.position();
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(inputs_); ++channel) {
        for (std::size_t frame = 0; frame < size; ++frame)
            out.main[channel][frame] =
                inputAt(start + static_cast<std::int64_t>(frame), static_cast<int>(channel)) +
                spoilt;
        input[channel] = out.main[channel];
    }
    track_.process(input.data(), out, frames, controls, waiter);
}

}  // namespace stembridge
