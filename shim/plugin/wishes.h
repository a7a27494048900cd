/// What is asked of the sidecar: a preset, a model, and a latency.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <string>
#include <vector>

#include "plugin/processor.h"

namespace stembridge {

/// The three menus. What the player wants is shown, whoever asked for it.
class Wishes final : public juce::Component {
public:
    /// place: of the first in the order of Tab.
    Wishes(Processor& owner, int place);

    /// Message thread. status: of the player.
    void follow(const link::Status& status);

    void resized() override;

private:
    void choosePreset();
    void chooseModel();
    void chooseLatency();
    void show();
    void showPresets();

    Processor& processor_;
    Player& player_;
    Wanted shown_;
    std::vector<std::string> presets_;  // of the sidecar
    juce::Label presetTitle_{{}, "Preset"}, modelTitle_{{}, "Model"}, latencyTitle_{{}, "Latency"};
    juce::ComboBox preset_, model_, latency_;
};

}  // namespace stembridge
