/// The channel strip of one stem.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include "plugin/meter.h"
#include "plugin/parameters.h"

namespace stembridge {

/// Arrows move it by half a decibel, page up and down by three; home brings it back to 0 dB, and
/// return lets a figure be typed.
class Fader final : public juce::Slider {
public:
    Fader();
    bool keyPressed(const juce::KeyPress& key) override;
};

/// Fader, meter, mute and solo. Tab leads through them.
class StemStrip final : public juce::Component {
public:
    /// places: of its controls in the order of Tab begin with it.
    StemStrip(std::size_t bus, const StripParameters& parameters, int place);

    Meter meter;

    /// Whether the model gives this stem; without it the strip is dimmed.
    void setGiven(bool isGiven);

    void resized() override;
    void paint(juce::Graphics& graphics) override;

private:
    void paintScale(juce::Graphics& graphics) const;

    const juce::Colour colour_;
    juce::Label title_;
    Fader fader_;
    juce::TextButton mute_{"M"};
    juce::TextButton solo_{"S"};
    juce::SliderParameterAttachment faderAttachment_;
    juce::ButtonParameterAttachment muteAttachment_;
    juce::ButtonParameterAttachment soloAttachment_;
    bool isGiven_ = true;
};

/// The meter of the mix.
class MixStrip final : public juce::Component {
public:
    MixStrip();

    Meter meter;

    void resized() override;
    void paint(juce::Graphics& graphics) override;

private:
    juce::Label title_{{}, "Main"};
};

}  // namespace stembridge
