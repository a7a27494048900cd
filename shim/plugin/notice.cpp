#include "plugin/notice.h"

#include "plugin/look.h"

namespace stembridge {
namespace {

constexpr int kButton = 84, kGap = 12;

}  // namespace

Notice::Notice(std::function<void()> dismissed, int place) {
    makeReachable(dismiss_, "Dismiss", place);
    setExplicitFocusOrder(place);
    dismiss_.onClick = std::move(dismissed);
    addAndMakeVisible(dismiss_);
}

void Notice::show(const juce::String& words) {
    if (words == words_) return;
    words_ = words;
    dismiss_.setDescription(words);
    repaint();
}

void Notice::paint(juce::Graphics& graphics) {
    graphics.setColour(juce::Colour(hue::kBusy));
    graphics.fillRoundedRectangle(getLocalBounds().toFloat(), 6);
    graphics.setColour(juce::Colour(hue::kWell));
    graphics.setFont(fontOf(14, true));
    const auto area = getLocalBounds().withTrimmedRight(kButton + kGap).reduced(kGap, 0);
    graphics.drawFittedText(words_, area, juce::Justification::centredLeft, 1, 0.8F);
}

void Notice::resized() {
    dismiss_.setBounds(getLocalBounds().removeFromRight(kButton + 4).reduced(4));
}

}  // namespace stembridge
