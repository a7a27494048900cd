/// The window of an instance.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <memory>
#include <vector>

#include "link/status.h"
#include "plugin/processor.h"
#include "plugin/strip.h"

namespace stembridge {

/// A mixer of the stems; above it what is asked for and how it stands, below it how it is played.
///
/// Opening it wakes the link. Message thread.
class Editor final : public juce::AudioProcessorEditor, private juce::Timer {
public:
    explicit Editor(Processor& owner);
    ~Editor() override;

    void resized() override;
    void paint(juce::Graphics& graphics) override;

private:
    void addWishes();
    void addSettings();
    void chooseModel();
    void chooseLatency();
    void timerCallback() override;
    void showWanted();
    void showStatus();
    void showLevels();

    Processor& processor_;
    juce::TooltipWindow tooltips_{this};

    juce::Label name_{{}, "Stem Bridge"};
    juce::ComboBox model_, latency_;
    juce::Label state_;
    juce::Colour light_;

    std::vector<std::unique_ptr<StemStrip>> strips_;
    Meter main_;
    juce::Label mainTitle_{{}, "Main"};

    juce::Label delay_;
    juce::TextButton late_;
    juce::ComboBox whenLate_, offline_, stems_;
    juce::ToggleButton bypass_{"Bypass"};
    std::unique_ptr<juce::ComboBoxParameterAttachment> whenLateAttachment_, offlineAttachment_,
        stemsAttachment_;
    std::unique_ptr<juce::ButtonParameterAttachment> bypassAttachment_;

    Wanted shown_;
    std::int64_t lateSeen_ = 0;  // late frames that the user has dismissed
};

}  // namespace stembridge
