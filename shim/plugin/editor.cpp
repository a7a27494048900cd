#include "plugin/editor.h"

#include <array>

namespace stembridge {
namespace {

constexpr int kWidth = 720, kHeight = 420, kGap = 8, kRow = 28;
constexpr int kShowHertz = 25;

constexpr std::array<const char*, 5> kModels = {"spectral", "auto", "htdemucs", "htdemucs_ft",
                                                "htdemucs_6s"};
constexpr std::array<int, 7> kLatencies = {0, 100, 200, 500, 1000, 3000, 6000};  // ms, 0 for auto

enum class Light : juce::uint32 {
    Grey = 0xFF7A848E,
    Green = 0xFF3FB27F,
    Amber = 0xFFE0B13C,
    Red = 0xFFE5534B
};

Light lightFor(link::Stage stage) {
    switch (stage) {
        case link::Stage::kPlaying:
            return Light::Green;
        case link::Stage::kStarting:
        case link::Stage::kConnecting:
        case link::Stage::kPreparing:
        case link::Stage::kConnected:
            return Light::Amber;
        case link::Stage::kUnreachable:
        case link::Stage::kRefused:
            return Light::Red;
        case link::Stage::kAsleep:
            break;
    }
    return Light::Grey;
}

juce::String progressOf(const link::Status& status) {
    if (status.stage != link::Stage::kPreparing || status.total <= 0) return {};
    return " " + juce::String(100 * status.done / status.total) + " %";
}

juce::String wordsFor(const link::Status& status) {
    juce::String words = juce::String::fromUTF8(status.text.c_str()) + progressOf(status);
    // What was granted before goes on where something new is refused.
    const bool isSaid = status.text == status.refusal || status.refusal.empty();
    if (!isSaid) words += "; " + juce::String::fromUTF8(status.refusal.c_str());
    if (status.agreed && status.stage == link::Stage::kPlaying) {
        for (const std::string& warning : status.agreed->warnings)
            words += "; " + juce::String::fromUTF8(warning.c_str());
    }
    return words;
}

bool gives(const link::Status& status, std::size_t bus) {
    if (!status.agreed) return bus < indexOf(Bus::Guitar);
    for (const std::string& source : status.agreed->sources)
        if (indexOf(busFor(source)) == bus) return true;
    return false;
}

juce::String latencyText(std::int64_t ms) {
    return ms == 0 ? juce::String("Shortest") : juce::String(ms) + " ms";
}

}  // namespace

Editor::Editor(Processor& owner) : AudioProcessorEditor(owner), processor_(owner) {
    name_.setFont(juce::Font(20.0F, juce::Font::bold));
    state_.setMinimumHorizontalScale(0.7F);
    mainTitle_.setJustificationType(juce::Justification::centred);
    for (juce::Component* child :
         std::initializer_list<juce::Component*>{&name_, &state_, &main_, &mainTitle_, &delay_})
        addAndMakeVisible(child);
    addWishes();
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        strips_.push_back(
            std::make_unique<StemStrip>(kBusTitles[bus], owner.parameters.strips[bus]));
        addAndMakeVisible(*strips_.back());
    }
    addSettings();

    setResizable(true, true);
    setResizeLimits(600, 320, 1800, 1200);
    const EditorSize size = owner.editorSize;
    setSize(size.width > 0 ? size.width : kWidth, size.height > 0 ? size.height : kHeight);
    owner.isMetering = true;
    owner.player().wake();
    showWanted();
    timerCallback();
    startTimerHz(kShowHertz);
}

Editor::~Editor() {
    stopTimer();
    processor_.isMetering = false;
}

void Editor::addWishes() {
    model_.setTitle("Model");
    model_.setTooltip("The model that separates. A change may change the latency.");
    model_.onChange = [this] { chooseModel(); };
    latency_.setTitle("Latency");
    latency_.setTooltip("How long stems may trail the input. More of it lets the device do less.");
    for (const int ms : kLatencies) latency_.addItem(latencyText(ms), ms + 1);
    latency_.onChange = [this] { chooseLatency(); };
    addAndMakeVisible(model_);
    addAndMakeVisible(latency_);
}

void Editor::addSettings() {
    Parameters& parameters = processor_.parameters;
    const auto add = [this](juce::ComboBox& box, juce::AudioParameterChoice& parameter,
                            const juce::String& before, const juce::String& tip) {
        int id = 1;
        for (const juce::String& choice : parameter.choices) box.addItem(before + choice, id++);
        box.setTitle(parameter.name);
        box.setTooltip(tip);
        addAndMakeVisible(box);
        return std::make_unique<juce::ComboBoxParameterAttachment>(parameter, box);
    };
    whenLateAttachment_ =
        add(whenLate_, *parameters.whenLate,
            "Late: ", "What is heard in place of stems that are not there in time.");
    offlineAttachment_ =
        add(offline_, *parameters.offline, "Offline: ", "Whether a render waits for the stems.");
    stemsAttachment_ =
        add(stems_, *parameters.stems,
            "Buses: ", "Whether the stem buses come before the faders or after them.");
    bypassAttachment_ =
        std::make_unique<juce::ButtonParameterAttachment>(*parameters.bypass, bypass_);
    late_.setTooltip("Frames whose stems came too late. Click to begin anew.");
    late_.onClick = [this] { lateSeen_ = processor_.player().lateFrames(); };
    addAndMakeVisible(bypass_);
    addAndMakeVisible(late_);
}

void Editor::chooseModel() {
    Wanted wanted = processor_.player().wanted();
    const std::string chosen = model_.getText().toStdString();
    if (chosen == wanted.model) return;
    wanted.model = chosen;
    wanted.kept.reset();  // it was for the other one
    processor_.player().want(wanted);
}

void Editor::chooseLatency() {
    Wanted wanted = processor_.player().wanted();
    const std::int64_t chosen = std::int64_t{latency_.getSelectedId() - 1} * 1000;
    if (latency_.getSelectedId() == 0 || chosen == wanted.latencyUs) return;
    wanted.latencyUs = chosen;
    wanted.kept.reset();
    processor_.player().want(wanted);
}

void Editor::timerCallback() {
    if (!(shown_ == processor_.player().wanted())) showWanted();
    showStatus();
    showLevels();
}

void Editor::showWanted() {
    shown_ = processor_.player().wanted();
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

void Editor::showStatus() {
    Player& player = processor_.player();
    const link::Status status = player.status();
    const std::int64_t late = player.lateFrames() - lateSeen_;
    if (late < 0) lateSeen_ = player.lateFrames();  // counted anew with a new track
    const juce::String words = wordsFor(status);
    state_.setText(words, juce::dontSendNotification);
    state_.setTooltip(words);
    const bool isLate = late > 0 && status.stage == link::Stage::kPlaying;
    const juce::Colour light(
        static_cast<juce::uint32>(isLate ? Light::Red : lightFor(status.stage)));
    if (light != light_) repaint();
    light_ = light;

    const double rate = processor_.rate();
    const auto frames = static_cast<double>(player.latency());
    delay_.setText(rate > 0 ? "Latency " + juce::String(1000 * frames / rate, 1) + " ms, " +
                                  juce::String(player.latency()) + " samples"
                            : juce::String("Latency: not played yet"),
                   juce::dontSendNotification);
    late_.setButtonText(late > 0 ? "Late: " + juce::String(late) + " samples" : "Nothing late");
    late_.setColour(juce::TextButton::buttonColourId,
                    late > 0 ? juce::Colour(0xFFE5534B) : juce::Colour(0xFF2A3138));
    for (std::size_t bus = 0; bus < kBuses; ++bus) strips_[bus]->setGiven(gives(status, bus));
}

void Editor::showLevels() {
    // Raw stems come before their faders.
    std::array<float, kBuses> gains{};
    gains.fill(1.0F);
    const Parameters& parameters = processor_.parameters;
    if (parameters.stems->getIndex() == 0) {
        Strips strips{};
        for (std::size_t bus = 0; bus < kBuses; ++bus) {
            const StripParameters& from = parameters.strips[bus];
            const float gain = juce::Decibels::decibelsToGain(from.gain->get(), kLeastDecibels);
            strips[bus] = {gain, from.mute->get(), from.solo->get()};
        }
        gains = effectiveGains(strips);
    }
    for (std::size_t bus = 0; bus < kBuses; ++bus)
        strips_[bus]->meter.show(gains[bus] * processor_.takePeak(bus));
    main_.show(processor_.takePeak(kBuses));
}

void Editor::resized() {
    processor_.editorSize = {getWidth(), getHeight()};
    auto area = getLocalBounds().reduced(kGap);
    auto top = area.removeFromTop(kRow);
    name_.setBounds(top.removeFromLeft(140));
    latency_.setBounds(top.removeFromRight(120));
    top.removeFromRight(kGap);
    model_.setBounds(top.removeFromRight(150));
    area.removeFromTop(kGap);
    state_.setBounds(area.removeFromTop(kRow).withTrimmedLeft(kRow));

    auto bottom = area.removeFromBottom(kRow);
    const int box = (bottom.getWidth() - 90) / 4 - kGap;
    for (juce::Component* const child :
         std::initializer_list<juce::Component*>{&whenLate_, &offline_, &stems_, &late_}) {
        child->setBounds(bottom.removeFromLeft(box));
        bottom.removeFromLeft(kGap);
    }
    bypass_.setBounds(bottom);
    delay_.setBounds(area.removeFromBottom(kRow));

    const int width = area.getWidth() / (int{kBuses} + 1);
    for (const auto& strip : strips_) strip->setBounds(area.removeFromLeft(width));
    mainTitle_.setBounds(area.removeFromTop(kRow + 6));
    main_.setBounds(area.withSizeKeepingCentre(14, area.getHeight() - 12));
}

void Editor::paint(juce::Graphics& graphics) {
    graphics.fillAll(juce::Colour(0xFF1D2227));
    graphics.setColour(light_);
    const auto row = state_.getBounds().withX(kGap).withWidth(kRow).toFloat();
    graphics.fillEllipse(row.withSizeKeepingCentre(12, 12));
}

}  // namespace stembridge
