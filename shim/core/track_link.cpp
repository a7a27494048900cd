// The link thread's side of a track that is more than a FIFO.
#include <algorithm>
#include <memory>

#include "core/track.h"

namespace stembridge {

std::uint32_t Track::configure(const Plan& plan) {
    lanes_ = Lanes(plan.sources);
    handover_.give(
        std::make_unique<Playback>(++plans_, plan.latency, plan.guard, lanes_, channels_, block_));
    return plans_;
}

std::int64_t Track::offerStems(std::int64_t start, PlanarView stems, std::int64_t done) {
    const std::vector<int>& laneOf = lanes_.ofSources();
    if (stems.rows != static_cast<std::int64_t>(laneOf.size()) * channels_) return stems.frames;
    while (done < stems.frames) {
        const std::int64_t frames = std::min(kRecordFrames, stems.frames - done);
        const std::int64_t rows = lanes_.count() * channels_;
        float* const to = stems_.reserve(rows, frames);
        if (to == nullptr) return done;
        std::fill_n(to, rows * frames, 0.0f);
        for (std::int64_t row = 0; row < stems.rows; ++row) {
            const auto source = static_cast<std::size_t>(row / channels_);
            float* const lane = to + (laneOf[source] * channels_ + row % channels_) * frames;
            const float* const from = stems.row(row) + done;
            // Several stems may be heard on Other.
            for (std::int64_t frame = 0; frame < frames; ++frame)
                lane[frame] = finite(lane[frame] + finite(from[frame]));
        }
        stems_.commit({start + done, plans_});
        done += frames;
    }
    return done;
}

}  // namespace stembridge
