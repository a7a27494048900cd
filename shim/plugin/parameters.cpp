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

/// A parameter that tells `now` what it is at, and counts that among the changes.
template <typename Parameter, typename Value>
class Telling final : public Parameter {
public:
    template <typename... Arguments>
    Telling(std::atomic<Value>& now, std::atomic<std::uint32_t>& changes, Arguments&&... arguments)
        : Parameter(std::forward<Arguments>(arguments)...), now_(now), changes_(changes) {}

    void valueChanged(Value next) override {
        now_.store(next, std::memory_order_relaxed);
        changes_.fetch_add(1, std::memory_order_release);
    }

private:
    std::atomic<Value>& now_;
    std::atomic<std::uint32_t>& changes_;
};

juce::AudioParameterFloat* addGain(juce::AudioProcessor& owner, std::atomic<float>& now,
                                   std::atomic<std::uint32_t>& changes, const juce::String& id,
                                   const juce::String& name) {
    const juce::NormalisableRange<float> range(kLeastDecibels, kMostDecibels, decibelsAt, placeOf,
                                               snapped);
    const auto attributes = juce::AudioParameterFloatAttributes()
                                .withLabel("dB")
                                .withStringFromValueFunction(textOf)
                                .withValueFromStringFunction(decibelsOf);
    auto* added = new Telling<juce::AudioParameterFloat, float>(
        now, changes, ParameterID{id, kHint}, name, range, 0.0F, attributes);
    owner.addParameter(added);
    return added;
}

juce::AudioParameterBool* addSwitch(juce::AudioProcessor& owner, std::atomic<bool>& now,
                                    std::atomic<std::uint32_t>& changes, const juce::String& id,
                                    const juce::String& name) {
    auto* added = new Telling<juce::AudioParameterBool, bool>(now, changes, ParameterID{id, kHint},
                                                              name, false);
    owner.addParameter(added);
    return added;
}

juce::AudioParameterChoice* addChoice(juce::AudioProcessor& owner, std::atomic<int>& now,
                                      std::atomic<std::uint32_t>& changes, const juce::String& id,
                                      const juce::String& name, const juce::StringArray& choices) {
    auto* added = new Telling<juce::AudioParameterChoice, int>(now, changes, ParameterID{id, kHint},
                                                               name, choices, 0);
    owner.addParameter(added);
    return added;
}

}  // namespace

Parameters::Parameters(juce::AudioProcessor& owner) {
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const juce::String id(kBusNames[bus].data(), kBusNames[bus].size());
        const juce::String title(kBusTitles[bus]);
        StripValues& now = now_.strips[bus];
        strips[bus] = {addGain(owner, now.decibels, now_.changes, id + "_gain", title + " Gain"),
                       addSwitch(owner, now.mute, now_.changes, id + "_mute", title + " Mute"),
                       addSwitch(owner, now.solo, now_.changes, id + "_solo", title + " Solo")};
    }
    whenLate =
        addChoice(owner, now_.whenLate, now_.changes, "when_late", "When Late", {"Dry", "Silence"});
    offline = addChoice(owner, now_.offline, now_.changes, "offline", "Offline",
                        {"Auto", "Always wait", "Never wait"});
    stems = addChoice(owner, now_.stems, now_.changes, "stem_buses", "Stem Buses",
                      {"Raw", "Post-fader"});
    bypass = addSwitch(owner, now_.bypass, now_.changes, "bypass", "Bypass");
    gains_.fill(1.0F);
}

const Controls& Parameters::controls() {
    constexpr auto relaxed = std::memory_order_relaxed;
    const std::uint32_t changes = now_.changes.load(std::memory_order_acquire);
    if (seen_ == changes) return controls_;
    seen_ = changes;
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const StripValues& now = now_.strips[bus];
        const float decibels = now.decibels.load(relaxed);
        if (std::not_equal_to<float>()(decibels, decibels_[bus])) {
            decibels_[bus] = decibels;
            gains_[bus] = linearGain(
                decibels <= kLeastDecibels ? -std::numeric_limits<float>::infinity() : decibels);
        }
        controls_.strips[bus] = {gains_[bus], now.mute.load(relaxed), now.solo.load(relaxed)};
    }
    controls_.stemsPostFader = now_.stems.load(relaxed) == 1;
    controls_.silenceWhenLate = now_.whenLate.load(relaxed) == 1;
    controls_.bypass = now_.bypass.load(relaxed);
    return controls_;
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

void Parameters::mix(std::span<const std::string> sources, std::span<const std::int64_t> gains) {
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
