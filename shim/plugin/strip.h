/// The channel strip of one stem.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include "plugin/meter.h"
#include "plugin/parameters.h"

namespace stembridge {

/// Fader, meter, mute and solo. Tab leads through them, and arrows move the fader.
class StemStrip final : public juce::Component {
public:
    StemStrip(const juce::String& title, const StripParameters& parameters);

    Meter meter;

    /// Whether the model gives this stem; without it the strip is dimmed.
    void setGiven(bool isGiven);

    void resized() override;
    void paint(juce::Graphics& graphics) override;

private:
    juce::Label title_;
    juce::Slider fader_{juce::Slider::LinearVertical, juce::Slider::TextBoxBelow};
    juce::TextButton mute_{"M"};
    juce::TextButton solo_{"S"};
    juce::SliderParameterAttachment faderAttachment_;
    juce::ButtonParameterAttachment muteAttachment_;
    juce::ButtonParameterAttachment soloAttachment_;
};

}  // namespace stembridge
