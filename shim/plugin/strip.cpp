#include "plugin/strip.h"

#include "plugin/look.h"

namespace stembridge {
namespace {

constexpr int kGap = 8, kRow = 26, kScale = 24, kFigure = 12, kMeter = 10;
constexpr int kScaleFrom = 88;  // a narrower strip has no room for figures
constexpr double kStep = 0.5, kLeap = 3;

void prepare(juce::Label& title) {
    title.setFont(fontOf(15, true));
    title.setJustificationType(juce::Justification::centred);
}

void paintPanel(juce::Graphics& graphics, juce::Rectangle<float> area, juce::Colour colour) {
    graphics.setColour(juce::Colour(hue::kPanel));
    graphics.fillRoundedRectangle(area, 6);
    graphics.setColour(colour);
    graphics.fillRoundedRectangle(area.withHeight(4), 2);
}

void prepare(juce::TextButton& button, juce::uint32 colour, const juce::String& title, int place) {
    button.setClickingTogglesState(true);
    button.setColour(juce::TextButton::buttonOnColourId, juce::Colour(colour));
    button.setTooltip(title);
    makeReachable(button, title, place);
}

}  // namespace

Fader::Fader() : juce::Slider(juce::Slider::LinearVertical, juce::Slider::TextBoxBelow) {
    setTextValueSuffix(" dB");
    setDoubleClickReturnValue(true, 0);
    setTooltip("Double-click for 0 dB");
}

bool Fader::keyPressed(const juce::KeyPress& key) {
    const int code = key.getKeyCode();
    double to = getValue();
    if (code == juce::KeyPress::upKey || code == juce::KeyPress::rightKey)
        to += kStep;
    else if (code == juce::KeyPress::downKey || code == juce::KeyPress::leftKey)
        to -= kStep;
    else if (code == juce::KeyPress::pageUpKey)
        to += kLeap;
    else if (code == juce::KeyPress::pageDownKey)
        to -= kLeap;
    else if (code == juce::KeyPress::homeKey)
        to = 0;
    else if (code == juce::KeyPress::returnKey)
        return showTextBox(), true;
    else
        return false;
    setValue(to, juce::sendNotificationSync);
    return true;
}

StemStrip::StemStrip(std::size_t bus, const StripParameters& parameters, int place)
    : colour_(hue::kStems[bus]),
      title_({}, kBusTitles[bus]),
      faderAttachment_(*parameters.gain, fader_),
      muteAttachment_(*parameters.mute, mute_),
      soloAttachment_(*parameters.solo, solo_) {
    const juce::String title(kBusTitles[bus]);
    setTitle(title);
    setExplicitFocusOrder(place);
    prepare(title_);
    fader_.setColour(juce::Slider::thumbColourId, colour_);
    makeReachable(fader_, title + " gain", place);
    prepare(mute_, hue::kBad, "Mute " + title, place + 1);
    prepare(solo_, hue::kBusy, "Solo " + title, place + 2);
    for (juce::Component* child :
         std::initializer_list<juce::Component*>{&title_, &meter, &fader_, &mute_, &solo_})
        addAndMakeVisible(child);
}

void StemStrip::setGiven(bool isGiven) {
    if (isGiven == isGiven_) return;
    isGiven_ = isGiven;
    for (juce::Component* const child : getChildren()) child->setAlpha(isGiven ? 1.0F : 0.35F);
    setDescription(isGiven ? "" : "The model has no such stem.");
    repaint();
}

void StemStrip::resized() {
    auto area = getLocalBounds().reduced(kGap, kGap - 2);
    title_.setBounds(area.removeFromTop(kRow));
    auto buttons = area.removeFromBottom(kRow);
    mute_.setBounds(buttons.removeFromLeft((buttons.getWidth() - 6) / 2));
    solo_.setBounds(buttons.withTrimmedLeft(6));
    area.removeFromBottom(6);
    fader_.setTextBoxStyle(juce::Slider::TextBoxBelow, false, area.getWidth(), kRow - 4);
    for (juce::Component* const box : fader_.getChildren()) box->setWantsKeyboardFocus(false);
    auto beside = area.withTrimmedBottom(kRow + 2).withTrimmedTop(4);
    meter.setBounds(beside.removeFromRight(kMeter));
    fader_.setBounds(area);
}

void StemStrip::paint(juce::Graphics& graphics) {
    paintPanel(graphics, getLocalBounds().toFloat(), colour_.withAlpha(isGiven_ ? 1.0F : 0.3F));
    if (getWidth() >= kScaleFrom) paintScale(graphics);
}

void StemStrip::paintScale(juce::Graphics& graphics) const {
    graphics.setFont(fontOf(11));
    graphics.setColour(juce::Colour(hue::kDim).withAlpha(isGiven_ ? 1.0F : 0.35F));
    int last = -kFigure;
    for (const int decibels : {12, 6, 0, -6, -12, -24, -48}) {
        const int y = fader_.getY() + juce::roundToInt(fader_.getPositionOfValue(decibels));
        if (y - last < kFigure) continue;  // a low fader has no room for all
        last = y;
        const juce::Rectangle<int> figure(kGap - 2, y - kFigure / 2, kScale - 4, kFigure);
        graphics.drawText(juce::String(decibels), figure, juce::Justification::centredRight);
    }
}

MixStrip::MixStrip() {
    prepare(title_);
    addAndMakeVisible(title_);
    addAndMakeVisible(meter);
}

void MixStrip::resized() {
    auto area = getLocalBounds().reduced(kGap, kGap - 2);
    title_.setBounds(area.removeFromTop(kRow));
    meter.setBounds(area.withTrimmedTop(4).withSizeKeepingCentre(2 * kMeter, area.getHeight() - 4));
}

void MixStrip::paint(juce::Graphics& graphics) {
    paintPanel(graphics, getLocalBounds().toFloat(), juce::Colour(hue::kDim));
}

}  // namespace stembridge
