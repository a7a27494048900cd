/// The window of an instance.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <array>
#include <memory>
#include <vector>

#include "plugin/footer.h"
#include "plugin/look.h"
#include "plugin/notice.h"
#include "plugin/processor.h"
#include "plugin/status_panel.h"
#include "plugin/strip.h"
#include "plugin/wishes.h"

namespace stembridge {

/// A mixer of the stems; above it what is asked for and how it stands, below it how it is played.
///
/// Opening it wakes the link. What is in it grows with it. Message thread.
class Editor final : public juce::AudioProcessorEditor, private juce::Timer {
public:
    explicit Editor(Processor& owner);
    ~Editor() override;

    void resized() override;
    void paint(juce::Graphics& graphics) override;
    /// Space toggles the button that Tab has led to, as return does.
    bool keyPressed(const juce::KeyPress& key) override;

private:
    void timerCallback() override;
    void showStatus();
    void showLevels();
    Lateness lateness(double rate);
    juce::String heard(const Standing& standing) const;
    void layOut();

    Processor& processor_;
    Look look_;
    juce::Component board_;  // everything, at the size at which it is laid out

    juce::Label name_{{}, "Stem Bridge"};
    Wishes wishes_;
    StatusPanel state_;  // where Tab begins: keys that stray there change nothing
    std::vector<std::unique_ptr<StemStrip>> strips_;
    MixStrip main_;
    Notice incomplete_;
    Footer footer_;
    juce::TooltipWindow tooltips_{this};

    std::int64_t late_ = 0;       // when it was looked at last
    juce::uint32 lateSince_ = 0;  // ms, of the newest late frame
};

}  // namespace stembridge
