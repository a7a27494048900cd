#include "plugin/wishes.h"

#include <array>

#include "plugin/look.h"
#include "plugin/standing.h"

namespace stembridge {
namespace {

constexpr std::array<const char*, 5> kModels = {"spectral", "auto", "htdemucs", "htdemucs_ft",
                                                "htdemucs_6s"};
constexpr std::array<int, 7> kLatencies = {0, 100, 200, 500, 1000, 3000, 6000};  // ms
constexpr int kTitle = 62, kGap = 8;

juce::String latencyText(int ms) {
    return ms == 0 ? juce::String("Shortest") : juce::String(countText(ms)) + " ms";
}

}  // namespace

Wishes::Wishes(Player& player, int place) : player_(player) {
    for (juce::Label* const title : {&modelTitle_, &latencyTitle_}) {
        title->setFont(fontOf(14));
        title->setColour(juce::Label::textColourId, juce::Colour(hue::kDim));
        title->setJustificationType(juce::Justification::centredRight);
        addAndMakeVisible(title);
    }
    makeReachable(model_, "Model", place);
    model_.setTooltip("The model that separates. A change may change the latency.");
    model_.onChange = [this] { chooseModel(); };
    makeReachable(latency_, "Latency", place + 1);
    latency_.setTooltip("How far stems may trail the input. More of it asks less of the device.");
    for (const int ms : kLatencies) latency_.addItem(latencyText(ms), ms + 1);
    latency_.onChange = [this] { chooseLatency(); };
    addAndMakeVisible(model_);
    addAndMakeVisible(latency_);
    shown_ = player_.wanted();
    show();
}

void Wishes::follow() {
    const Wanted wanted = player_.wanted();
    if (wanted == shown_) return;
    shown_ = wanted;
    show();
}

void Wishes::show() {
    model_.clear(juce::dontSendNotification);
    int id = 1;
    for (const char* const name : kModels) model_.addItem(name, id++);
    const juce::String model(shown_.model);
    if (!juce::StringArray(kModels.data(), static_cast<int>(kModels.size())).contains(model))
        model_.addItem(model, id);
    model_.setText(model, juce::dontSendNotification);

    const auto ms = static_cast<int>(shown_.latencyUs / 1000);
    if (latency_.indexOfItemId(ms + 1) < 0) latency_.addItem(latencyText(ms), ms + 1);
    latency_.setSelectedId(ms + 1, juce::dontSendNotification);
}

void Wishes::chooseModel() {
    Wanted wanted = player_.wanted();
    const std::string chosen = model_.getText().toStdString();
    if (chosen == wanted.model) return;
    wanted.model = chosen;
    wanted.kept.reset();  // it was for the other one
    player_.want(wanted);
}

void Wishes::chooseLatency() {
    Wanted wanted = player_.wanted();
    const std::int64_t chosen = std::int64_t{latency_.getSelectedId() - 1} * 1000;
    if (latency_.getSelectedId() == 0 || chosen == wanted.latencyUs) return;
    wanted.latencyUs = chosen;
    wanted.kept.reset();
    player_.want(wanted);
}

void Wishes::resized() {
    auto area = getLocalBounds().reduced(kFrame);
    latency_.setBounds(area.removeFromRight(110));
    latencyTitle_.setBounds(area.removeFromRight(kTitle + kGap));
    model_.setBounds(area.removeFromRight(130));
    modelTitle_.setBounds(area.removeFromRight(kTitle));
}

}  // namespace stembridge
