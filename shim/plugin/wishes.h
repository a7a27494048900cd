/// What is asked of the sidecar: a preset, a model, and a latency.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <string>
#include <vector>

#include "plugin/parameters.h"
#include "plugin/player.h"

namespace stembridge {

/// The three menus. What the player wants is shown, whoever asked for it.
class Wishes final : public juce::Component {
public:
    /// parameters: whose faders are set to the mix of a preset that is chosen. place: of the first
    /// in the order of Tab.
    Wishes(Player& player, Parameters& parameters, int place);

    /// Message thread. status: of the player.
    void follow(const link::Status& status);

    void resized() override;

private:
    void choosePreset();
    void chooseModel();
    void chooseLatency();
    void show();
    void showPresets();
    void mix(const link::Status& status, const std::string& preset);

    Player& player_;
    Parameters& parameters_;
    Wanted shown_;
    std::vector<std::string> presets_;  // of the sidecar
    bool isToBeMixed_ = false;          // a preset was chosen, and is not granted yet
    juce::Label presetTitle_{{}, "Preset"}, modelTitle_{{}, "Model"}, latencyTitle_{{}, "Latency"};
    juce::ComboBox preset_, model_, latency_;
};

}  // namespace stembridge
