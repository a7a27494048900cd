/// How things stand: a light, words, and what is heard.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include "plugin/look.h"
#include "plugin/standing.h"

namespace stembridge {

class StatusPanel final : public juce::Component, public juce::SettableTooltipClient {
public:
    /// place: in the order of Tab.
    explicit StatusPanel(int place) { makeReachable(*this, "State", place); }

    /// heard: what of the signal is heard now, in a few words. Message thread.
    void show(const Standing& standing, const juce::String& heard);

    void paint(juce::Graphics& graphics) override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    Standing standing_;
    juce::String heard_;
};

juce::Colour colourOf(Light light);

}  // namespace stembridge
