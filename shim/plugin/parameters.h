/// What a host can automate of an instance. Nothing of it changes the latency.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "core/buses.h"
#include "core/track.h"
#include "plugin/host_waiter.h"

namespace stembridge {

/// Names of the stem buses, as hosts and users see them.
inline constexpr std::array<const char*, kBuses> kBusTitles = {"Vocals", "Drums",  "Bass",
                                                               "Other",  "Guitar", "Piano"};

/// The lowest value of a fader, which is silence, in dB.
inline constexpr float kLeastDecibels = -72.0F;

struct StripParameters {
    juce::AudioParameterFloat* gain;  ///< dB
    juce::AudioParameterBool* mute;
    juce::AudioParameterBool* solo;
};

/// Owned by the processor they are added to, which outlives this.
class Parameters {
public:
    explicit Parameters(juce::AudioProcessor& owner);

    std::array<StripParameters, kBuses> strips{};
    juce::AudioParameterChoice* whenLate;  ///< the delayed input, or silence
    juce::AudioParameterChoice* offline;   ///< in the order of Offline
    juce::AudioParameterChoice* stems;     ///< raw, or post-fader
    juce::AudioParameterBool* bypass;

    /// How the next block is heard. Audio thread.
    const Controls& controls();

    /// What the user lets a render do. Audio thread.
    Offline offlineChoice() const {
        return static_cast<Offline>(now_.offline.load(std::memory_order_relaxed));
    }

    /// All values in their own units, by id. Any thread.
    std::map<std::string, float> values() const;

    /// Sets the faders to a mix of stems, each by its name with its gain in hundredths of a dB, and
    /// tells the host. What is silent is muted, and nothing soloed. Message thread.
    void mix(std::span<const std::string> sources, std::span<const std::int64_t> gains);

    /// Takes values by id; what is missing gets its default. Not for the audio thread.
    void setValues(const std::map<std::string, float>& values);

private:
    struct StripValues {
        std::atomic<float> decibels{0};
        std::atomic<bool> mute{false}, solo{false};
    };

    /// What the parameters are at, close together: they lie scattered, and to look at each of them
    /// is a good part of what a short block costs.
    struct Values {
        std::array<StripValues, kBuses> strips;
        std::atomic<int> whenLate{0}, offline{0}, stems{0};
        std::atomic<bool> bypass{false};
        std::atomic<std::uint32_t> changes{0};  // counted after they are made
    };

    void each(const std::function<void(juce::RangedAudioParameter&)>& visit) const;

    Values now_;

    // Of the block before: all the same until something changes, and a gain until its fader moves.
    std::optional<std::uint32_t> seen_;
    Controls controls_;
    std::array<float, kBuses> decibels_{};
    std::array<float, kBuses> gains_{};
};

}  // namespace stembridge
