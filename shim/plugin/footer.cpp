#include "plugin/footer.h"

#include "plugin/look.h"
#include "plugin/standing.h"

namespace stembridge {
namespace {

constexpr int kTitle = 16, kBox = 26, kGap = 10, kButton = 84;
constexpr int kHigh = 850;  // per mille: a device as busy as this is soon late

}  // namespace

void Readout::show(const juce::String& value, juce::uint32 colour) {
    if (value == value_ && colour == colour_) return;
    value_ = value;
    colour_ = colour;
    setDescription(value);
    repaint();
}

void Readout::paint(juce::Graphics& graphics) {
    auto area = getLocalBounds();
    graphics.setColour(juce::Colour(hue::kDim));
    graphics.setFont(fontOf(13));
    graphics.drawText(getTitle(), area.removeFromTop(kTitle), juce::Justification::centredLeft);
    graphics.setColour(juce::Colour(colour_));
    graphics.setFont(fontOf(15, true));
    graphics.drawFittedText(value_, area, juce::Justification::centredLeft, 1, 0.8F);
}

std::unique_ptr<juce::AccessibilityHandler> Readout::createAccessibilityHandler() {
    return std::make_unique<juce::AccessibilityHandler>(*this, juce::AccessibilityRole::staticText);
}

Footer::Footer(Parameters& parameters, std::function<void()> cleared, int place) {
    for (juce::Component* const shown :
         std::initializer_list<juce::Component*>{&latency_, &load_, &late_, &clear_, &bypass_})
        addAndMakeVisible(shown);
    makeReachable(clear_, "Clear the count of late stems", place++);
    clear_.onClick = std::move(cleared);
    addChoice(choices_[0], *parameters.whenLate, "When late, play",
              "What is heard in place of stems that are not there in time.", place++);
    addChoice(choices_[1], *parameters.offline, "In a render",
              "Whether a render waits for the stems. Auto: when the host says that it renders, or "
              "runs faster than the clock.",
              place++);
    addChoice(choices_[2], *parameters.stems, "Stem buses",
              "Whether the stem buses come before the faders or after them.", place++);
    makeReachable(bypass_, "Bypass", place);
    bypass_.setTooltip("The input, delayed by the same latency.");
    bypass_.setClickingTogglesState(true);
    bypass_.setColour(juce::TextButton::buttonOnColourId, juce::Colour(hue::kBusy));
    bypassAttachment_ =
        std::make_unique<juce::ButtonParameterAttachment>(*parameters.bypass, bypass_);
}

void Footer::addChoice(Choice& choice, juce::AudioParameterChoice& parameter,
                       const juce::String& title, const juce::String& tip, int place) {
    choice.title.setText(title, juce::dontSendNotification);
    choice.title.setFont(fontOf(13));
    choice.title.setColour(juce::Label::textColourId, juce::Colour(hue::kDim));
    choice.title.setBorderSize({});
    int id = 1;
    for (const juce::String& one : parameter.choices) choice.box.addItem(one, id++);
    choice.box.setTooltip(tip);
    makeReachable(choice.box, title, place);
    addAndMakeVisible(choice.title);
    addAndMakeVisible(choice.box);
    choice.attachment = std::make_unique<juce::ComboBoxParameterAttachment>(parameter, choice.box);
}

void Footer::show(const Figures& figures) {
    const bool isKnown = figures.rate > 0;
    const double ms = isKnown ? 1000 * static_cast<double>(figures.latency) / figures.rate : 0;
    latency_.show(isKnown ? juce::String(ms, 1) + " ms, " +
                                juce::String(countText(figures.latency)) + " samples"
                          : juce::String("not played yet"),
                  isKnown ? hue::kText : hue::kDim);
    load_.show(
        figures.load < 0 ? juce::String("unknown") : juce::String((figures.load + 5) / 10) + " %",
        figures.load < 0        ? hue::kDim
        : figures.load >= kHigh ? hue::kBusy
                                : hue::kText);
    late_.show(figures.late > 0 ? juce::String(countText(figures.late)) + " samples"
                                : juce::String("none"),
               figures.late > 0 ? hue::kBad : hue::kText);
    clear_.setVisible(figures.late > 0);
}

void Footer::resized() {
    auto area = getLocalBounds().reduced(kFrame);
    auto settings = area.removeFromBottom(kTitle + 2 + kBox);
    area.removeFromBottom(kGap);
    const int column = (area.getWidth() - kButton - 3 * kGap) / 3;
    std::array<Readout*, 3> readouts = {&latency_, &load_, &late_};
    for (std::size_t at = 0; at < choices_.size(); ++at) {
        readouts[at]->setBounds(area.removeFromLeft(column));
        area.removeFromLeft(kGap);
        auto setting = settings.removeFromLeft(column);
        settings.removeFromLeft(kGap);
        choices_[at].title.setBounds(setting.removeFromTop(kTitle));
        choices_[at].box.setBounds(setting.removeFromBottom(kBox));
    }
    clear_.setBounds(area.removeFromBottom(kBox));
    bypass_.setBounds(settings.removeFromBottom(kBox));
}

}  // namespace stembridge
