#include "plugin/editor.h"

#include <cmath>

namespace stembridge {
namespace {

// Everything is laid out for at least this, and grows with the window beyond it.
constexpr int kWidth = 780, kHeight = 510;
constexpr int kLeastWidth = 640, kLeastHeight = 430, kMostScale = 3;
constexpr int kGap = 10, kRow = 28, kState = 86, kFooter = 88;
constexpr int kShowHertz = 25;
constexpr juce::uint32 kRecentMs = 3000;

// In the order of Tab.
enum Place {
    kStatePlace = 1,
    kWishesPlace,
    kNoticePlace = 10,
    kStripsPlace = 20,
    kFooterPlace = 90
};
constexpr int kPlacesOfStrip = 3;

}  // namespace

Editor::Editor(Processor& owner)
    : AudioProcessorEditor(owner),
      processor_(owner),
      wishes_(owner, kWishesPlace),
      state_(kStatePlace),
      incomplete_([&owner] { owner.player().dismissIncomplete(); }, kNoticePlace),
      footer_(
          owner.parameters, [&owner] { owner.player().dismissLate(); }, kFooterPlace) {
    setLookAndFeel(&look_);
    setTitle("Stem Bridge");
    addAndMakeVisible(board_);
    name_.setFont(fontOf(22, true));
    name_.setBorderSize({});
    wishes_.setExplicitFocusOrder(kWishesPlace);
    footer_.setExplicitFocusOrder(kFooterPlace);
    for (juce::Component* const child :
         std::initializer_list<juce::Component*>{&name_, &wishes_, &state_, &main_, &footer_})
        board_.addAndMakeVisible(child);
    board_.addChildComponent(incomplete_);
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        const int place = kStripsPlace + static_cast<int>(bus) * kPlacesOfStrip;
        strips_.push_back(std::make_unique<StemStrip>(bus, owner.parameters.strips[bus], place));
        board_.addAndMakeVisible(*strips_.back());
    }

    const EditorSize size = owner.editorSize;  // before a limit makes us take its size
    setResizable(true, true);
    setResizeLimits(kLeastWidth, kLeastHeight, kMostScale * kWidth, kMostScale * kHeight);
    setSize(size.width > 0 ? size.width : kWidth, size.height > 0 ? size.height : kHeight);
    owner.isMetering = true;
    owner.player().wake();
    late_ = owner.player().lateFrames();
    lateSince_ = juce::Time::getMillisecondCounter() - kRecentMs;
    timerCallback();
    startTimerHz(kShowHertz);
}

Editor::~Editor() {
    stopTimer();
    processor_.isMetering = false;
    setLookAndFeel(nullptr);
}

void Editor::timerCallback() {
    showStatus();
    showLevels();
}

void Editor::showStatus() {
    Player& player = processor_.player();
    const link::Status status = player.status();
    wishes_.follow(status);
    const double rate = processor_.rate();
    Standing standing = standingOf(status, lateness(rate));
    if (processor_.isKeptForNewer())
        standing.words += " A newer Stem Bridge saved this project, and may have said more: update "
                          "this one. Until you change something here, the project stays as it is.";
    state_.show(standing, heard(standing));
    for (std::size_t bus = 0; bus < kBuses; ++bus) strips_[bus]->setGiven(givesBus(status, bus));
    footer_.show({player.latency(), rate, status.load, player.lateFrames()});

    const std::int64_t missing = player.incompleteFrames();
    if (missing > 0 && rate > 0) {
        const std::string lasts = durationText(static_cast<double>(missing) / rate);
        incomplete_.show("Render incomplete: " + lasts + " of it had no stems. Render it again.");
    }
    if (incomplete_.isVisible() != (missing > 0)) {
        incomplete_.setVisible(missing > 0);
        layOut();
    }
}

Lateness Editor::lateness(double rate) {
    const std::int64_t late = processor_.player().lateFrames();
    const juce::uint32 now = juce::Time::getMillisecondCounter();
    if (late > late_) lateSince_ = now;
    late_ = late;
    return {rate > 0 ? static_cast<double>(late) / rate : 0, now - lateSince_ < kRecentMs};
}

juce::String Editor::heard(const Standing& standing) const {
    if (processor_.parameters.bypass->get()) return "the input, bypassed";
    const bool isSilent = processor_.parameters.whenLate->getIndex() == 1;
    const juce::String instead = isSilent ? "silence" : "the dry input";
    if (!standing.hasStems) return instead + (isSilent ? "" : ", delayed");
    return standing.light == Light::Bad ? instead + " where stems are late"
                                        : juce::String("the stems");
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
    main_.meter.show(processor_.takePeak(kBuses));
}

bool Editor::keyPressed(const juce::KeyPress& key) {
    auto* const button = dynamic_cast<juce::Button*>(getCurrentlyFocusedComponent());
    if (key.getKeyCode() != juce::KeyPress::spaceKey || button == nullptr) return false;
    button->triggerClick();
    return true;
}

void Editor::resized() {
    processor_.editorSize = {getWidth(), getHeight()};
    layOut();
}

void Editor::layOut() {
    const float scale = std::max(1.0F, std::min(static_cast<float>(getWidth()) / kWidth,
                                                static_cast<float>(getHeight()) / kHeight));
    board_.setTransform(juce::AffineTransform::scale(scale));
    board_.setBounds(0, 0, static_cast<int>(std::ceil(static_cast<float>(getWidth()) / scale)),
                     static_cast<int>(std::ceil(static_cast<float>(getHeight()) / scale)));

    auto area = board_.getLocalBounds().reduced(kGap);
    auto top = area.removeFromTop(kRow);
    name_.setBounds(top.removeFromLeft(140));
    wishes_.setBounds(top.expanded(kFrame));
    area.removeFromTop(kGap);
    state_.setBounds(area.removeFromTop(kState));
    area.removeFromTop(kGap);
    if (incomplete_.isVisible()) {
        incomplete_.setBounds(area.removeFromTop(kRow + 4));
        area.removeFromTop(kGap);
    }
    footer_.setBounds(area.removeFromBottom(kFooter).expanded(kFrame));
    area.removeFromBottom(kGap);

    constexpr int columns = int{kBuses} + 1, between = 6;
    const int width = (area.getWidth() - int{kBuses} * between) / columns;
    for (const auto& strip : strips_) {
        strip->setBounds(area.removeFromLeft(width));
        area.removeFromLeft(between);
    }
    main_.setBounds(area);
}

void Editor::paint(juce::Graphics& graphics) { graphics.fillAll(juce::Colour(hue::kGround)); }

}  // namespace stembridge
