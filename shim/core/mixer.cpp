#include "core/mixer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace stembridge {

namespace {

/// Mixes all stems at once: one pass over what is heard, where one for each takes twice as long.
void mixSteady(const std::array<const float*, kBuses>& stems,
               const std::array<float, kBuses>& gains, float* __restrict main,
               std::int64_t frames) {
    const auto [s0, s1, s2, s3, s4, s5] = stems;
    const auto [g0, g1, g2, g3, g4, g5] = gains;
    static_assert(kBuses == 6);
    for (std::int64_t i = 0; i < frames; ++i)
        main[i] = g0 * s0[i] + g1 * s1[i] + g2 * s2[i] + g3 * s3[i] + g4 * s4[i] + g5 * s5[i];
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
    jump_ = false;
}

void Mixer::mix(const std::array<float*, kBuses>& stems, float* main, std::int64_t frames,
                bool postFader) const {
    std::array<const float*, kBuses> steady{};
    std::array<float, kBuses> gains{};
    const float* any = nullptr;
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        if (stems[bus] == nullptr || !gains_[bus].isSteady()) continue;
        any = steady[bus] = stems[bus];
        gains[bus] = gains_[bus].at(0);
    }
    if (any != nullptr) {
        // The others count for nothing, but something has to be there to be read.
        for (const float*& stem : steady)
            if (stem == nullptr) stem = any;
        mixSteady(steady, gains, main, frames);
    } else {
        std::fill_n(main, frames, 0.0f);
    }
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        if (stems[bus] == nullptr) continue;
        if (!gains_[bus].isSteady())
            mixRamp(stems[bus], main, frames, gains_[bus], postFader);
        else if (postFader && gains[bus] != 1.0f)
            scale(stems[bus], frames, gains[bus]);
    }
}

void Mixer::advance(std::int64_t frames) {
    for (Ramp& ramp : gains_) ramp.advance(frames);
}

}  // namespace stembridge
