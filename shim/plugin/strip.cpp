#include "plugin/strip.h"

namespace stembridge {
namespace {

constexpr int kGap = 6, kRow = 26;

juce::Button& prepared(juce::TextButton& button, juce::uint32 colour, const juce::String& title) {
    button.setClickingTogglesState(true);
    button.setColour(juce::TextButton::buttonOnColourId, juce::Colour(colour));
    button.setColour(juce::TextButton::textColourOnId, juce::Colours::black);
    button.setTitle(title);
    button.setTooltip(title);
    return button;
}

}  // namespace

StemStrip::StemStrip(const juce::String& title, const StripParameters& parameters)
    : title_({}, title),
      faderAttachment_(*parameters.gain, fader_),
      muteAttachment_(*parameters.mute, prepared(mute_, 0xFFE5534B, "Mute " + title)),
      soloAttachment_(*parameters.solo, prepared(solo_, 0xFFE0B13C, "Solo " + title)) {
    title_.setJustificationType(juce::Justification::centred);
    fader_.setTitle(title + " gain");
    fader_.setTextValueSuffix(" dB");
    fader_.setDoubleClickReturnValue(true, 0);
    fader_.setWantsKeyboardFocus(true);
    for (juce::Component* child :
         std::initializer_list<juce::Component*>{&title_, &fader_, &mute_, &solo_, &meter})
        addAndMakeVisible(child);
}

void StemStrip::setGiven(bool isGiven) { setAlpha(isGiven ? 1.0F : 0.45F); }

void StemStrip::resized() {
    auto area = getLocalBounds().reduced(kGap);
    title_.setBounds(area.removeFromTop(kRow));
    auto buttons = area.removeFromBottom(kRow);
    mute_.setBounds(buttons.removeFromLeft((buttons.getWidth() - kGap) / 2));
    solo_.setBounds(buttons.withTrimmedLeft(kGap));
    area.removeFromBottom(kGap);
    const auto beside = area.removeFromRight(10);
    fader_.setTextBoxStyle(juce::Slider::TextBoxBelow, false, area.getWidth(), kRow - 4);
    fader_.setBounds(area);
    meter.setBounds(beside.withTrimmedBottom(kRow));
}

void StemStrip::paint(juce::Graphics& graphics) {
    graphics.setColour(juce::Colour(0xFF2A3138));
    graphics.fillRoundedRectangle(getLocalBounds().toFloat().reduced(2), 6);
}

}  // namespace stembridge
