#include "plugin/wishes.h"

#include <algorithm>
#include <array>

#include "plugin/look.h"
#include "plugin/standing.h"

namespace stembridge {
namespace {

constexpr std::array<const char*, 5> kModels = {"spectral", "auto", "htdemucs", "htdemucs_ft",
                                                "htdemucs_6s"};
constexpr std::array<int, 7> kLatencies = {0, 100, 200, 500, 1000, 3000, 6000};  // ms
constexpr int kTitle = 58, kGap = 6;
constexpr const char* kNoPreset = "No effects";

juce::String latencyText(int ms) {
    return ms == 0 ? juce::String("Shortest") : juce::String(countText(ms)) + " ms";
}

}  // namespace

Wishes::Wishes(Processor& owner, int place) : processor_(owner), player_(owner.player()) {
    for (juce::Label* const title : {&presetTitle_, &modelTitle_, &latencyTitle_}) {
        title->setFont(fontOf(14));
        title->setColour(juce::Label::textColourId, juce::Colour(hue::kDim));
        title->setJustificationType(juce::Justification::centredRight);
        addAndMakeVisible(title);
    }
    makeReachable(preset_, "Preset", place);
    preset_.setTooltip(
        "Effects for the stems, and faders for its mix. A change may change the latency.");
    preset_.onChange = [this] { choosePreset(); };
    makeReachable(model_, "Model", place + 1);
    model_.setTooltip("The model that separates. A change may change the latency.");
    model_.onChange = [this] { chooseModel(); };
    makeReachable(latency_, "Latency", place + 2);
    latency_.setTooltip("How far stems may trail the input. More of it asks less of the device.");
    for (const int ms : kLatencies) latency_.addItem(latencyText(ms), ms + 1);
    latency_.onChange = [this] { chooseLatency(); };
    for (juce::ComboBox* const menu : {&preset_, &model_, &latency_}) addAndMakeVisible(menu);
    shown_ = player_.wanted();
    show();
}

void Wishes::follow(const link::Status& status) {
    const Wanted wanted = player_.wanted();
    if (wanted == shown_ && status.presets == presets_) return;
    shown_ = wanted;
    presets_ = status.presets;
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
    showPresets();
}

void Wishes::showPresets() {
    preset_.clear(juce::dontSendNotification);
    preset_.addItem(kNoPreset, 1);
    int chosen = shown_.preset.empty() ? 1 : 0;
    for (const std::string& name : presets_) {
        if (!isPresetName(name)) continue;
        const int id = preset_.getNumItems() + 1;
        if (name == shown_.preset) chosen = id;
        preset_.addItem(juce::String::fromUTF8(name.c_str()), id);
    }
    if (chosen == 0) {  // there is no sidecar, or it does not have this one
        chosen = preset_.getNumItems() + 1;
        preset_.addItem(juce::String::fromUTF8(shown_.preset.c_str()), chosen);
    }
    preset_.setSelectedId(chosen, juce::dontSendNotification);
}

void Wishes::choosePreset() {
    Wanted wanted = player_.wanted();
    const int id = preset_.getSelectedId();
    if (id == 0) return;
    const std::string chosen = id == 1 ? std::string() : preset_.getText().toStdString();
    if (chosen == wanted.preset) return;
    wanted.preset = chosen;
    wanted.kept.reset();
    processor_.awaitMix(!chosen.empty());
    player_.want(wanted);
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
    latency_.setBounds(area.removeFromRight(96));
    latencyTitle_.setBounds(area.removeFromRight(kTitle + kGap));
    model_.setBounds(area.removeFromRight(112));
    modelTitle_.setBounds(area.removeFromRight(kTitle));
    preset_.setBounds(area.removeFromRight(std::min(190, area.getWidth() - kTitle)));
    presetTitle_.setBounds(area.removeFromRight(kTitle));
}

}  // namespace stembridge
