// The link thread's side of a track that is more than a FIFO.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/track.h"

namespace stembridge {

std::uint32_t Track::configure(const Plan& plan) {
    auto made = std::make_unique<Playback>(++plans_, plan.latency, plan.guard, Lanes(plan.sources),
                                           channels_, block_);
    if (plan.since) made->awaited = *plan.since;
    newest_ = made.get();
    handover_.give(std::move(made));
    return plans_;
}

bool Track::forgetInput() {
    const std::int64_t from = std::max(due(), position() - early_);
    auto record = nextInput();
    const bool isPlayed = record.has_value();
    while (record && record->header.start + record->samples.frames <= from) {
        popInput();
        record = nextInput();
    }
    return isPlayed;
}

std::int64_t Track::offerStems(std::int64_t start, PlanarView stems, std::int64_t done) {
    const auto sources = newest_ == nullptr ? 0 : newest_->lanes.ofSources().size();
    if (sources == 0 || stems.rows != static_cast<std::int64_t>(sources) * channels_)
        return stems.frames;
    while (done < stems.frames) {
        const std::int64_t frames = std::min(kStepFrames, stems.frames - done);
        const std::int64_t taken = offerStep(start, stems, done, frames);
        done += taken;
        if (taken < frames) break;
    }
    return done;
}

std::int64_t Track::offerStep(std::int64_t start, PlanarView stems, std::int64_t done,
                              std::int64_t frames) {
    const std::vector<int>& laneOf = newest_->lanes.ofSources();
    std::fill(step_.begin(), step_.end(), 0.0f);
    for (std::int64_t row = 0; row < stems.rows; ++row) {
        const int lane = laneOf[static_cast<std::size_t>(row / channels_)];
        float* const to = step_.data() + (lane * channels_ + row % channels_) * kStepFrames;
        const float* const from = stems.row(row) + done;
        // Several stems may be heard on Other.
        for (std::int64_t frame = 0; frame < frames; ++frame)
            to[frame] = finite(to[frame] + finite(from[frame]));
    }
    std::array<const float*, kBuses * 2> lanes{};
    for (std::int64_t row = 0; row < newest_->lanes.count() * channels_; ++row)
        lanes[static_cast<std::size_t>(row)] = step_.data() + row * kStepFrames;
    return newest_->stems.write(start + done, lanes.data(), frames);
}

}  // namespace stembridge
