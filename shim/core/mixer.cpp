#include "core/mixer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace stembridge {

namespace {

/// The stems whose gains do not move: the first `count` places are taken.
struct Steady {
    std::array<const float*, kBuses> stems{};
    std::array<float, kBuses> gains{};
    std::size_t count = 0;
};

/// Mixes them all at once: one pass over what is heard, where one for each takes twice as long.
template <std::size_t... Place>
void mixThose(std::index_sequence<Place...>, const Steady& steady, float* __restrict main,
              std::int64_t frames) {
    const std::array stems{steady.stems[Place]...};
    const std::array gains{steady.gains[Place]...};
    for (std::int64_t i = 0; i < frames; ++i) main[i] = (... + (gains[Place] * stems[Place][i]));
}

template <std::size_t Count = kBuses>
void mixSteady(const Steady& steady, float* main, std::int64_t frames) {
    if constexpr (Count == 0) {
        std::fill_n(main, frames, 0.0f);
    } else {
        if (steady.count == Count)
            mixThose(std::make_index_sequence<Count>(), steady, main, frames);
        else
            mixSteady<Count - 1>(steady, main, frames);
    }
}

void scale(float* stem, std::int64_t frames, float gain) {
    for (std::int64_t frame = 0; frame < frames; ++frame) stem[frame] *= gain;
}

void mixRamp(float* __restrict stem, float* __restrict main, std::int64_t frames, const Ramp& ramp,
             bool postFader) {
    for (std::int64_t frame = 0; frame < frames; ++frame) {
        const float heard = ramp.at(frame) * stem[frame];
        main[frame] += heard;
        if (postFader) stem[frame] = heard;
    }
}

}  // namespace

float linearGain(float decibels) {
    // A host may send what is no number, which is heard as little as minus infinity.
    if (!(decibels > -std::numeric_limits<float>::infinity())) return 0.0f;
    return std::pow(10.0f, std::min(decibels, kMostDecibels) / 20.0f);
}

std::array<float, kBuses> effectiveGains(const Strips& strips) {
    const bool soloed =
        std::any_of(strips.begin(), strips.end(), [](auto& one) { return one.solo; });
    std::array<float, kBuses> gains{};
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const Strip& strip = strips[bus];
        gains[bus] = strip.mute || (soloed && !strip.solo) ? 0.0f : strip.gain;
    }
    return gains;
}

Mixer::Mixer(std::int64_t ramp)
    : gains_{Ramp(ramp), Ramp(ramp), Ramp(ramp), Ramp(ramp), Ramp(ramp), Ramp(ramp)} {}

void Mixer::follow(const Strips& strips) {
    if (!jump_ && strips == followed_) return;
    followed_ = strips;
    const auto targets = effectiveGains(strips);
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        if (jump_)
            gains_[bus].jump(targets[bus]);
        else
            gains_[bus].aim(targets[bus]);
    }
    jump_ = isStill_ = false;
}

void Mixer::mix(const std::array<float*, kBuses>& stems, float* main, std::int64_t frames,
                bool postFader) const {
    Steady steady;
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        if (stems[bus] == nullptr || !gains_[bus].isSteady()) continue;
        steady.stems[steady.count] = stems[bus];
        steady.gains[steady.count++] = gains_[bus].at(0);
    }
    mixSteady(steady, main, frames);
    if (isStill_ && !postFader) return;
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        if (stems[bus] == nullptr) continue;
        if (!gains_[bus].isSteady())
            mixRamp(stems[bus], main, frames, gains_[bus], postFader);
        else if (const float gain = gains_[bus].at(0); postFader && gain != 1.0f)
            scale(stems[bus], frames, gain);
    }
}

void Mixer::advance(std::int64_t frames) {
    if (isStill_) return;
    isStill_ = true;
    for (Ramp& ramp : gains_) {
        ramp.advance(frames);
        isStill_ = isStill_ && ramp.isSteady();
    }
}

}  // namespace stembridge
