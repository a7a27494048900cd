#include "plugin/parameters.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "protocol/limits.h"

namespace stembridge {
namespace {

using juce::ParameterID;

// Versions of parameters, for hosts that tell old from new by them.
constexpr int kHint = 1;

// The fader's law: the upper half of its way has the upper 24 dB.
constexpr float kMiddleDecibels = kMostDecibels - 24.0F;

float decibelsAt(float, float, float place) {
    const float decibels =
        place >= 0.5F ? kMiddleDecibels + (place - 0.5F) * 2 * (kMostDecibels - kMiddleDecibels)
                      : kLeastDecibels + place * 2 * (kMiddleDecibels - kLeastDecibels);
    // Steps of a hundredth, so that 0 dB comes back from a host as exactly that.
    return std::round(decibels * 100) / 100;
}

float placeOf(float, float, float decibels) {
    return decibels >= kMiddleDecibels
               ? 0.5F + (decibels - kMiddleDecibels) / (2 * (kMostDecibels - kMiddleDecibels))
               : (decibels - kLeastDecibels) / (2 * (kMiddleDecibels - kLeastDecibels));
}

float snapped(float low, float high, float decibels) {
    return std::round(juce::jlimit(low, high, decibels) * 100) / 100;
}

juce::String textOf(float decibels, int) {
    return decibels <= kLeastDecibels ? juce::String("-inf") : juce::String(decibels, 1);
}

float decibelsOf(const juce::String& text) {
    return text.trim().startsWithIgnoreCase("-inf") ? kLeastDecibels : text.getFloatValue();
}

/// A parameter that tells `now` what it is at.
template <typename Parameter, typename Value>
class Telling final : public Parameter {
public:
    template <typename... Arguments>
    explicit Telling(std::atomic<Value>& now, Arguments&&... arguments)
        : Parameter(std::forward<Arguments>(arguments)...), now_(now) {}

    void valueChanged(Value next) override { now_.store(next, std::memory_order_relaxed); }

private:
    std::atomic<Value>& now_;
};

juce::AudioParameterFloat* addGain(juce::AudioProcessor& owner, std::atomic<float>& now,
                                   const juce::String& id, const juce::String& name) {
    const juce::NormalisableRange<float> range(kLeastDecibels, kMostDecibels, decibelsAt, placeOf,
                                               snapped);
    const auto attributes = juce::AudioParameterFloatAttributes()
                                .withLabel("dB")
                                .withStringFromValueFunction(textOf)
                                .withValueFromStringFunction(decibelsOf);
    auto* added = new Telling<juce::AudioParameterFloat, float>(now, ParameterID{id, kHint}, name,
                                                                range, 0.0F, attributes);
    owner.addParameter(added);
    return added;
}

juce::AudioParameterBool* addSwitch(juce::AudioProcessor& owner, std::atomic<bool>& now,
                                    const juce::String& id, const juce::String& name) {
    auto* added =
        new Telling<juce::AudioParameterBool, bool>(now, ParameterID{id, kHint}, name, false);
    owner.addParameter(added);
    return added;
}

juce::AudioParameterChoice* addChoice(juce::AudioProcessor& owner, std::atomic<int>& now,
                                      const juce::String& id, const juce::String& name,
                                      const juce::StringArray& choices) {
    auto* added = new Telling<juce::AudioParameterChoice, int>(now, ParameterID{id, kHint}, name,
                                                               choices, 0);
    owner.addParameter(added);
    return added;
}

}  // namespace

Parameters::Parameters(juce::AudioProcessor& owner) {
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const juce::String id(kBusNames[bus].data(), kBusNames[bus].size());
        const juce::String title(kBusTitles[bus]);
        StripValues& now = now_.strips[bus];
        strips[bus] = {addGain(owner, now.decibels, id + "_gain", title + " Gain"),
                       addSwitch(owner, now.mute, id + "_mute", title + " Mute"),
                       addSwitch(owner, now.solo, id + "_solo", title + " Solo")};
    }
    whenLate = addChoice(owner, now_.whenLate, "when_late", "When Late", {"Dry", "Silence"});
    offline = addChoice(owner, now_.offline, "offline", "Offline",
                        {"Auto", "Always wait", "Never wait"});
    stems = addChoice(owner, now_.stems, "stem_buses", "Stem Buses", {"Raw", "Post-fader"});
    bypass = addSwitch(owner, now_.bypass, "bypass", "Bypass");
    gains_.fill(1.0F);
}

Controls Parameters::controls() {
    constexpr auto relaxed = std::memory_order_relaxed;
    Controls controls;
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const StripValues& now = now_.strips[bus];
        const float decibels = now.decibels.load(relaxed);
        if (std::not_equal_to<float>()(decibels, decibels_[bus])) {
            decibels_[bus] = decibels;
            gains_[bus] = linearGain(
                decibels <= kLeastDecibels ? -std::numeric_limits<float>::infinity() : decibels);
        }
        controls.strips[bus] = {gains_[bus], now.mute.load(relaxed), now.solo.load(relaxed)};
    }
    controls.stemsPostFader = now_.stems.load(relaxed) == 1;
    controls.silenceWhenLate = now_.whenLate.load(relaxed) == 1;
    controls.bypass = now_.bypass.load(relaxed);
    return controls;
}

void Parameters::each(const std::function<void(juce::RangedAudioParameter&)>& visit) const {
    for (const StripParameters& strip : strips) {
        visit(*strip.gain);
        visit(*strip.mute);
        visit(*strip.solo);
    }
    visit(*whenLate);
    visit(*offline);
    visit(*stems);
    visit(*bypass);
}

std::map<std::string, float> Parameters::values() const {
    std::map<std::string, float> values;
    each([&values](juce::RangedAudioParameter& one) {
        values[one.paramID.toStdString()] = one.convertFrom0to1(one.getValue());
    });
    return values;
}

void Parameters::mix(std::span<const std::string> sources,
                     std::span<const std::int64_t> gains) {
    const auto set = [](juce::RangedAudioParameter& one, float value) {
        one.beginChangeGesture();
        one.setValueNotifyingHost(one.convertTo0to1(value));
        one.endChangeGesture();
    };
    for (std::size_t i = 0; i < std::min(sources.size(), gains.size()); ++i) {
        const StripParameters& strip = strips[indexOf(busFor(sources[i]))];
        const bool isSilent = gains[i] <= -protocol::kSilence;
        const float decibels = isSilent ? 0.0F : static_cast<float>(gains[i]) / 100.0F;
        set(*strip.gain, std::clamp(decibels, kLeastDecibels, kMostDecibels));
        set(*strip.mute, isSilent ? 1.0F : 0.0F);
        set(*strip.solo, 0.0F);
    }
}

void Parameters::setValues(const std::map<std::string, float>& values) {
    each([&values](juce::RangedAudioParameter& one) {
        const auto found = values.find(one.paramID.toStdString());
        one.setValueNotifyingHost(found == values.end() ? one.getDefaultValue()
                                                        : one.convertTo0to1(found->second));
    });
}

}  // namespace stembridge
