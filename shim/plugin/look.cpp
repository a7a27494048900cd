#include "plugin/look.h"

namespace stembridge {
namespace {

// A frame just outside the control that has the keyboard.
struct Frame : juce::FocusOutline::OutlineWindowProperties {
    juce::Rectangle<int> getOutlineBounds(juce::Component& focused) override {
        return focused.getScreenBounds().expanded(kFrame);
    }
    void drawOutline(juce::Graphics& graphics, int width, int height) override {
        graphics.setColour(juce::Colour(hue::kFocus));
        const juce::Rectangle<float> area(static_cast<float>(width), static_cast<float>(height));
        graphics.drawRoundedRectangle(area.reduced(1), 5, 2);
    }
};

}  // namespace

juce::Font fontOf(float height, bool isBold) {
    const int style = isBold ? juce::Font::bold : juce::Font::plain;
#if JUCE_MAJOR_VERSION >= 8
    return juce::Font(juce::FontOptions(height, style));
#else
    return juce::Font(height, style);
#endif
}

void makeReachable(juce::Component& control, const juce::String& title, int place) {
    control.setTitle(title);
    control.setExplicitFocusOrder(place);
    control.setWantsKeyboardFocus(true);
    control.setMouseClickGrabsKeyboardFocus(false);
    control.setHasFocusOutline(true);
}

Look::Look() {
    const auto paint = [this](int part, juce::uint32 colour) {
        setColour(part, juce::Colour(colour));
    };
    paint(juce::Label::textColourId, hue::kText);
    paint(juce::ComboBox::backgroundColourId, hue::kRaised);
    paint(juce::ComboBox::outlineColourId, hue::kLine);
    paint(juce::ComboBox::textColourId, hue::kText);
    paint(juce::ComboBox::arrowColourId, hue::kText);
    paint(juce::PopupMenu::backgroundColourId, hue::kPanel);
    paint(juce::PopupMenu::textColourId, hue::kText);
    paint(juce::PopupMenu::highlightedBackgroundColourId, hue::kLine);
    paint(juce::PopupMenu::highlightedTextColourId, hue::kText);
    paint(juce::TextButton::buttonColourId, hue::kRaised);
    paint(juce::TextButton::textColourOffId, hue::kText);
    paint(juce::TextButton::textColourOnId, hue::kWell);
    paint(juce::Slider::textBoxTextColourId, hue::kText);
    paint(juce::Slider::textBoxBackgroundColourId, hue::kWell);
    paint(juce::Slider::textBoxOutlineColourId, hue::kPanel);
    paint(juce::TooltipWindow::backgroundColourId, hue::kText);
    paint(juce::TooltipWindow::textColourId, hue::kWell);
}

void Look::drawLinearSlider(juce::Graphics& graphics, int x, int y, int width, int height,
                            float place, float, float, juce::Slider::SliderStyle,
                            juce::Slider& slider) {
    const juce::Rectangle<int> area(x, y, width, height);
    graphics.setColour(juce::Colour(hue::kWell));
    graphics.fillRoundedRectangle(area.withSizeKeepingCentre(4, height).toFloat(), 2);

    const int wide = std::min(width - 4, 30);
    const auto cap =
        area.withSizeKeepingCentre(wide, kCap).withY(juce::roundToInt(place) - kCap / 2);
    const bool isTouched = slider.isMouseOverOrDragging();
    graphics.setColour(juce::Colour(hue::kRaised).brighter(isTouched ? 0.4F : 0.2F));
    graphics.fillRoundedRectangle(cap.toFloat(), 3);
    graphics.setColour(slider.findColour(juce::Slider::thumbColourId));
    graphics.fillRect(cap.withSizeKeepingCentre(wide, 3));
}

std::unique_ptr<juce::FocusOutline> Look::createFocusOutlineForComponent(juce::Component&) {
    return std::make_unique<juce::FocusOutline>(std::make_unique<Frame>());
}

}  // namespace stembridge
