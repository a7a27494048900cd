#include "plugin/meter.h"

#include <array>

#include "plugin/look.h"

namespace stembridge {
namespace {

constexpr float kLow = -60, kHigh = 6, kNothing = -100;
constexpr float kFall = 1.5F;  // dB each time

// From which level on which colour.
struct Zone {
    float from;
    juce::uint32 colour;
};
constexpr std::array<Zone, 3> kZones = {{{kLow, hue::kGood}, {-6, hue::kBusy}, {0, hue::kBad}}};

}  // namespace

void Meter::show(float peak) {
    const float now = juce::Decibels::gainToDecibels(peak, kNothing);
    const float shown = std::max(now, std::max(decibels_ - kFall, kNothing));
    if (std::abs(shown - decibels_) > 0.05F) repaint();
    decibels_ = shown;
}

void Meter::paint(juce::Graphics& graphics) {
    const auto area = getLocalBounds().toFloat();
    const auto heightOf = [&area](float decibels) {
        return area.getBottom() - (decibels - kLow) / (kHigh - kLow) * area.getHeight();
    };
    graphics.setColour(juce::Colour(hue::kWell));
    graphics.fillRoundedRectangle(area, 2);
    for (std::size_t at = 0; at < kZones.size() && decibels_ > kZones[at].from; ++at) {
        const float end = at + 1 < kZones.size() ? kZones[at + 1].from : kHigh;
        graphics.setColour(juce::Colour(kZones[at].colour));
        graphics.fillRect(
            area.withTop(heightOf(std::min(decibels_, end))).withBottom(heightOf(kZones[at].from)));
    }
    graphics.setColour(juce::Colour(hue::kText).withAlpha(0.6F));
    graphics.drawHorizontalLine(juce::roundToInt(heightOf(0)), area.getX(), area.getRight());
}

}  // namespace stembridge
