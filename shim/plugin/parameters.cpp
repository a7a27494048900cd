#include "plugin/parameters.h"

#include <cmath>
#include <functional>
#include <limits>

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

juce::AudioParameterFloat* addGain(juce::AudioProcessor& owner, const juce::String& id,
                                   const juce::String& name) {
    const juce::NormalisableRange<float> range(kLeastDecibels, kMostDecibels, decibelsAt, placeOf,
                                               snapped);
    const auto attributes = juce::AudioParameterFloatAttributes()
                                .withLabel("dB")
                                .withStringFromValueFunction(textOf)
                                .withValueFromStringFunction(decibelsOf);
    auto* added =
        new juce::AudioParameterFloat(ParameterID{id, kHint}, name, range, 0.0F, attributes);
    owner.addParameter(added);
    return added;
}

juce::AudioParameterBool* addSwitch(juce::AudioProcessor& owner, const juce::String& id,
                                    const juce::String& name) {
    auto* added = new juce::AudioParameterBool(ParameterID{id, kHint}, name, false);
    owner.addParameter(added);
    return added;
}

juce::AudioParameterChoice* addChoice(juce::AudioProcessor& owner, const juce::String& id,
                                      const juce::String& name, const juce::StringArray& choices) {
    auto* added = new juce::AudioParameterChoice(ParameterID{id, kHint}, name, choices, 0);
    owner.addParameter(added);
    return added;
}

}  // namespace

Parameters::Parameters(juce::AudioProcessor& owner) {
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const juce::String id(kBusNames[bus].data(), kBusNames[bus].size());
        const juce::String title(kBusTitles[bus]);
        strips[bus] = {addGain(owner, id + "_gain", title + " Gain"),
                       addSwitch(owner, id + "_mute", title + " Mute"),
                       addSwitch(owner, id + "_solo", title + " Solo")};
    }
    whenLate = addChoice(owner, "when_late", "When Late", {"Dry", "Silence"});
    offline = addChoice(owner, "offline", "Offline", {"Auto", "Always wait", "Never wait"});
    stems = addChoice(owner, "stem_buses", "Stem Buses", {"Raw", "Post-fader"});
    bypass = addSwitch(owner, "bypass", "Bypass");
    gains_.fill(1.0F);
}

Controls Parameters::controls() {
    Controls controls;
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const float decibels = strips[bus].gain->get();
        if (std::not_equal_to<float>()(decibels, decibels_[bus])) {
            decibels_[bus] = decibels;
            gains_[bus] = linearGain(
                decibels <= kLeastDecibels ? -std::numeric_limits<float>::infinity() : decibels);
        }
        controls.strips[bus] = {gains_[bus], strips[bus].mute->get(), strips[bus].solo->get()};
    }
    controls.stemsPostFader = stems->getIndex() == 1;
    controls.silenceWhenLate = whenLate->getIndex() == 1;
    controls.bypass = bypass->get();
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

void Parameters::setValues(const std::map<std::string, float>& values) {
    each([&values](juce::RangedAudioParameter& one) {
        const auto found = values.find(one.paramID.toStdString());
        one.setValueNotifyingHost(found == values.end() ? one.getDefaultValue()
                                                        : one.convertTo0to1(found->second));
    });
}

}  // namespace stembridge
