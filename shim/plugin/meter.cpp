#include "plugin/meter.h"

namespace stembridge {
namespace {

constexpr float kLow = -60, kHigh = 6;
constexpr float kFall = 1.5F;  // dB each time

}  // namespace

void Meter::show(float peak) {
    const float now = juce::Decibels::gainToDecibels(peak, -100.0F);
    const float shown = std::max(now, std::max(decibels_ - kFall, -100.0F));
    if (std::abs(shown - decibels_) > 0.05F) repaint();
    decibels_ = shown;
}

void Meter::paint(juce::Graphics& graphics) {
    const auto area = getLocalBounds().toFloat();
    graphics.setColour(juce::Colour(0xFF14181C));
    graphics.fillRoundedRectangle(area, 2);
    const float share = juce::jlimit(0.0F, 1.0F, (decibels_ - kLow) / (kHigh - kLow));
    if (share > 0) {
        const auto colour = decibels_ > 0 ? 0xFFE5534B : decibels_ > -6 ? 0xFFE0B13C : 0xFF3FB27F;
        graphics.setColour(juce::Colour(static_cast<juce::uint32>(colour)));
        graphics.fillRoundedRectangle(area.withTop(area.getBottom() - share * area.getHeight()), 2);
    }
    const float unity = area.getBottom() - (0 - kLow) / (kHigh - kLow) * area.getHeight();
    graphics.setColour(juce::Colours::white.withAlpha(0.35F));
    graphics.drawHorizontalLine(juce::roundToInt(unity), area.getX(), area.getRight());
}

}  // namespace stembridge
