/// A line that stays until the user dismisses it.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <functional>

namespace stembridge {

class Notice final : public juce::Component {
public:
    /// dismissed: called when the user does so. place: in the order of Tab.
    Notice(std::function<void()> dismissed, int place);

    /// Message thread.
    void show(const juce::String& words);

    void paint(juce::Graphics& graphics) override;
    void resized() override;

private:
    juce::String words_;
    juce::TextButton dismiss_{"Dismiss"};
};

}  // namespace stembridge
