/// A level meter.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

namespace stembridge {

/// Shows the highest sample of late, falling slowly; from -60 dBFS to +6.
class Meter final : public juce::Component {
public:
    Meter() { setInterceptsMouseClicks(false, false); }

    /// The highest sample since it was told last, linear. Message thread.
    void show(float peak);

    void paint(juce::Graphics& graphics) override;

private:
    float decibels_ = -100;
};

}  // namespace stembridge
