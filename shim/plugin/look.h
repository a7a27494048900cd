/// Colours, letters and shapes of the editor.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <array>

#include "core/buses.h"

namespace stembridge {

namespace hue {
inline constexpr juce::uint32 kGround = 0xFF171B1F, kPanel = 0xFF22282E, kRaised = 0xFF343D46;
inline constexpr juce::uint32 kWell = 0xFF101316, kLine = 0xFF4A5560;
inline constexpr juce::uint32 kText = 0xFFECEFF2, kDim = 0xFFA9B4BE, kFocus = 0xFFFFFFFF;
inline constexpr juce::uint32 kIdle = 0xFF8A96A1, kGood = 0xFF3FB27F, kBusy = 0xFFE0B13C,
                              kBad = 0xFFE5534B;
/// Of each stem, in the order of the buses.
inline constexpr std::array<juce::uint32, kBuses> kStems = {0xFFE58FB1, 0xFFE8A35C, 0xFF6FA8E8,
                                                            0xFF8FCB9B, 0xFFD9C25B, 0xFFB49AE8};
}  // namespace hue

juce::Font fontOf(float height, bool isBold = false);

/// Has a control reached by Tab, and shows where one is. A click leaves the keyboard to the host,
/// whose space bar is to start and stop it.
void makeReachable(juce::Component& control, const juce::String& title, int place);

/// Room around controls in which it is shown.
inline constexpr int kFrame = 3;

/// Message thread, as all of the editor.
class Look final : public juce::LookAndFeel_V4 {
public:
    Look();

    void drawLinearSlider(juce::Graphics& graphics, int x, int y, int width, int height,
                          float place, float, float, juce::Slider::SliderStyle,
                          juce::Slider& slider) override;
    int getSliderThumbRadius(juce::Slider&) override { return kCap / 2; }
    juce::Font getComboBoxFont(juce::ComboBox&) override { return fontOf(14); }
    juce::Font getPopupMenuFont() override { return fontOf(14); }
    juce::Font getTextButtonFont(juce::TextButton&, int) override { return fontOf(14, true); }
    std::unique_ptr<juce::FocusOutline> createFocusOutlineForComponent(juce::Component&) override;

private:
    static constexpr int kCap = 20;  // height of a fader's cap
};

}  // namespace stembridge
