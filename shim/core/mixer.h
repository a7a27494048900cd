#pragma once

#include <array>
#include <cstdint>

#include "core/buses.h"
#include "core/ramp.h"

namespace stembridge {

/// The loudest that a fader goes.
inline constexpr float kMostDecibels = 12.0f;

/// Linear gain of a fader: 0 for minus infinity, at most that of +12 dB.
float linearGain(float decibels);

/// Settings of one stem.
struct Strip {
    float gain = 1.0f;  ///< linear: 0 is silence, 1 unchanged
    bool mute = false;
    bool solo = false;

    bool operator==(const Strip&) const = default;
};

using Strips = std::array<Strip, kBuses>;

/// Linear gain of each stem once mute and solo are applied.
///
/// A muted stem is silent. When any stem is soloed, those that are not are silent. Mute wins over
/// solo, as on a mixing desk. Audio thread.
std::array<float, kBuses> effectiveGains(const Strips& strips);

/// Mixes the stems to one signal, and puts the stems behind their faders if wanted.
///
/// Gains follow their strips in ramps of fixed length. At unity the mix is the plain sum.
class Mixer {
public:
    /// ramp: frames that a gain takes from one value to the next, at least 1.
    explicit Mixer(std::int64_t ramp);

    /// Follows `strips` from the next frame on. Audio thread.
    void follow(const Strips& strips);

    /// Stands at what it is told to follow next, without ramps. Audio thread.
    void jump() { jump_ = true; }

    /// One channel of the next frames; `advance` once all channels are done. Audio thread.
    ///
    /// stems: of each bus its samples, finite, or null where it is silent; they get their gain if
    /// `postFader`. main: where the mix goes; it is none of the stems.
    void mix(const std::array<float*, kBuses>& stems, float* main, std::int64_t frames,
             bool postFader) const;

    /// Goes on by so many frames. Audio thread.
    void advance(std::int64_t frames);

private:
    std::array<Ramp, kBuses> gains_;
    Strips followed_{};
    bool jump_ = true;
    bool isStill_ = false;  // no gain is on its way
};

}  // namespace stembridge
