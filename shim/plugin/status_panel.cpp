#include "plugin/status_panel.h"

namespace stembridge {
namespace {

constexpr int kLamp = 16, kGap = 12, kHeard = 128;

}  // namespace

juce::Colour colourOf(Light light) {
    switch (light) {
        case Light::Good:
            return juce::Colour(hue::kGood);
        case Light::Busy:
            return juce::Colour(hue::kBusy);
        case Light::Bad:
            return juce::Colour(hue::kBad);
        case Light::Idle:
            break;
    }
    return juce::Colour(hue::kIdle);
}

void StatusPanel::show(const Standing& standing, const juce::String& heard) {
    if (standing == standing_ && heard == heard_) return;
    standing_ = standing;
    heard_ = heard;
    const juce::String words = juce::String::fromUTF8(standing.words.c_str());
    setDescription(juce::String(standing.title) + ". " + words + " You hear " + heard);
    setTooltip(words);
    repaint();
}

void StatusPanel::paint(juce::Graphics& graphics) {
    const juce::Colour light = colourOf(standing_.light);
    auto area = getLocalBounds();
    graphics.setColour(juce::Colour(hue::kPanel));
    graphics.fillRoundedRectangle(area.toFloat(), 6);
    if (standing_.progress >= 0) {
        const double done = area.getWidth() * standing_.progress;
        graphics.setColour(light);
        graphics.fillRect(area.removeFromBottom(4).withWidth(juce::roundToInt(done)));
    }
    area = area.reduced(kGap, 6);

    auto side = area.removeFromRight(kHeard);
    area.removeFromRight(kGap);
    graphics.setColour(light);
    graphics.fillEllipse(area.removeFromLeft(kLamp).withSizeKeepingCentre(kLamp, kLamp).toFloat());
    area.removeFromLeft(kGap);

    graphics.setColour(juce::Colour(hue::kText));
    graphics.setFont(fontOf(17, true));
    juce::String title(standing_.title);
    if (standing_.progress >= 0)
        title << "  " << juce::roundToInt(100 * standing_.progress) << " %";
    graphics.drawText(title, area.removeFromTop(21), juce::Justification::centredLeft);
    graphics.setFont(fontOf(13.5F));
    graphics.drawFittedText(juce::String::fromUTF8(standing_.words.c_str()), area,
                            juce::Justification::topLeft, 3, 1.0F);

    graphics.setColour(juce::Colour(hue::kDim));
    graphics.drawText("You hear", side.removeFromTop(21), juce::Justification::centredLeft);
    graphics.setColour(juce::Colour(hue::kText));
    graphics.drawFittedText(heard_, side, juce::Justification::topLeft, 3, 1.0F);
}

std::unique_ptr<juce::AccessibilityHandler> StatusPanel::createAccessibilityHandler() {
    return std::make_unique<juce::AccessibilityHandler>(*this, juce::AccessibilityRole::staticText);
}

}  // namespace stembridge
