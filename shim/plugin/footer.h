/// What is measured, and how it is played.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <array>
#include <functional>
#include <memory>

#include "plugin/parameters.h"

namespace stembridge {

/// A figure below what it is of.
class Readout final : public juce::Component {
public:
    explicit Readout(const juce::String& title) { setTitle(title); }

    /// Message thread.
    void show(const juce::String& value, juce::uint32 colour);

    void paint(juce::Graphics& graphics) override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    juce::String value_;
    juce::uint32 colour_ = 0;
};

/// Figures in one row, settings in another.
class Footer final : public juce::Component {
public:
    /// What is shown; -1 for what is not known.
    struct Figures {
        std::int64_t latency = -1;  ///< host frames
        double rate = -1;           ///< Hz
        std::int64_t load = -1;     ///< per mille of the device's time
        std::int64_t late = 0;      ///< host frames
    };

    /// cleared: called when the user has seen what was late. place: of the first in the order of
    /// Tab.
    Footer(Parameters& parameters, std::function<void()> cleared, int place);

    /// Message thread.
    void show(const Figures& figures);

    void resized() override;

private:
    struct Choice {
        juce::Label title;
        juce::ComboBox box;
        std::unique_ptr<juce::ComboBoxParameterAttachment> attachment;
    };

    void addChoice(Choice& choice, juce::AudioParameterChoice& parameter, const juce::String& title,
                   const juce::String& tip, int place);

    Readout latency_{"Latency"}, load_{"Device load"}, late_{"Late stems"};
    juce::TextButton clear_{"Clear"};
    std::array<Choice, 3> choices_;
    juce::TextButton bypass_{"Bypass"};
    std::unique_ptr<juce::ButtonParameterAttachment> bypassAttachment_;
};

}  // namespace stembridge
