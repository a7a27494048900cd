/// What is asked of the sidecar: a model, and a latency.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include "plugin/player.h"

namespace stembridge {

/// The two menus. What the player wants is shown, whoever asked for it.
class Wishes final : public juce::Component {
public:
    /// place: of the first in the order of Tab.
    Wishes(Player& player, int place);

    /// Message thread.
    void follow();

    void resized() override;

private:
    void chooseModel();
    void chooseLatency();
    void show();

    Player& player_;
    Wanted shown_;
    juce::Label modelTitle_{{}, "Model"}, latencyTitle_{{}, "Latency"};
    juce::ComboBox model_, latency_;
};

}  // namespace stembridge
