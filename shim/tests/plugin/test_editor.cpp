#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include "grantor.h"
#include "plugin/editor.h"
#include "plugin/processor.h"
#include "runtime.h"

using namespace stembridge;

namespace {

constexpr int kRate = 48'000, kBlock = 512;
constexpr int kLeastSide = 16;  // pixels that a hand can hit

void prepare(Processor& processor) {
    processor.setRateAndBufferSizeDetails(kRate, kBlock);
    processor.prepareToPlay(kRate, kBlock);
}

void play(Processor& processor, int blocks) {
    juce::AudioBuffer<float> block(14, kBlock);
    juce::MidiBuffer midi;
    for (int at = 0; at < blocks; ++at) {
        block.clear();
        processor.processBlock(block, midi);
    }
}

std::unique_ptr<juce::AudioProcessorEditor> opened(Processor& processor) {
    return std::unique_ptr<juce::AudioProcessorEditor>(processor.createEditor());
}

// What Tab leads through, in its order.
std::vector<juce::Component*> reachable(juce::Component& editor) {
    return juce::KeyboardFocusTraverser().getAllComponents(&editor);
}

juce::Component* named(juce::Component& editor, const juce::String& title) {
    for (juce::Component* const control : reachable(editor))
        if (control->getTitle() == title) return control;
    return nullptr;
}

// Calls for every component that is shown below `top`.
void eachShown(juce::Component& top, const std::function<void(juce::Component&)>& visit) {
    for (juce::Component* const child : top.getChildren()) {
        if (!child->isVisible()) continue;
        visit(*child);
        eachShown(*child, visit);
    }
}

}  // namespace

TEST_CASE("Tab leads through every control from top to bottom, and each has a name") {
    Processor processor;
    const auto editor = opened(processor);
    juce::StringArray titles;
    for (juce::Component* const control : reachable(*editor)) {
        CHECK(control->hasFocusOutline());
        titles.add(control->getTitle());
    }
    juce::StringArray wanted{"State", "Preset", "Model", "Latency"};
    for (const juce::String stem : kBusTitles) {
        wanted.add(stem + " gain");
        wanted.add("Mute " + stem);
        wanted.add("Solo " + stem);
    }
    wanted.addArray({"When late, play", "In a render", "Stem buses", "Bypass"});
    CHECK(titles.joinIntoString("|") == wanted.joinIntoString("|"));
}

TEST_CASE("every control is whole and large enough at every size") {
    Processor processor;
    prepare(processor);
    processor.setNonRealtime(true);
    play(processor, 40);  // so that the notice of an incomplete render takes its room
    const auto editor = opened(processor);
    REQUIRE(named(*editor, "Dismiss") != nullptr);
    const auto* const limits = editor->getConstrainer();
    const std::array<std::pair<int, int>, 4> sizes = {
        {{limits->getMinimumWidth(), limits->getMinimumHeight()},
         {editor->getWidth(), editor->getHeight()},
         {limits->getMinimumWidth(), limits->getMaximumHeight()},
         {limits->getMaximumWidth(), limits->getMaximumHeight()}}};
    for (const auto& [width, height] : sizes) {
        editor->setSize(width, height);
        for (juce::Component* const control : reachable(*editor)) {
            CAPTURE(control->getTitle().toStdString());
            CHECK(control->getWidth() >= kLeastSide);
            CHECK(control->getHeight() >= kLeastSide);
        }
        eachShown(*editor, [&](juce::Component& shown) {
            if (shown.getWidth() == 0) return;
            CAPTURE(shown.getTitle().toStdString());
            CAPTURE(shown.getName().toStdString());
            const auto area = editor->getLocalArea(&shown, shown.getLocalBounds());
            CHECK(editor->getLocalBounds().expanded(1).contains(area));
        });
        const juce::Image image = editor->createComponentSnapshot(editor->getLocalBounds());
        CHECK(image.getWidth() == width);
    }
}

TEST_CASE("keys move a fader") {
    Processor processor;
    const auto editor = opened(processor);
    juce::Component* const fader = named(*editor, "Bass gain");
    REQUIRE(fader != nullptr);
    const juce::AudioParameterFloat& gain = *processor.parameters.strips[indexOf(Bus::Bass)].gain;
    const auto press = [&](int code) { return fader->keyPressed(juce::KeyPress(code)); };
    CHECK(press(juce::KeyPress::upKey));
    CHECK(gain.get() == doctest::Approx(0.5));
    CHECK(press(juce::KeyPress::pageDownKey));
    CHECK(gain.get() == doctest::Approx(-2.5));
    CHECK(press(juce::KeyPress::downKey));
    CHECK(gain.get() == doctest::Approx(-3));
    CHECK(press(juce::KeyPress::homeKey));
    CHECK(gain.get() == doctest::Approx(0));
    CHECK(!press(juce::KeyPress::spaceKey));
    for (int at = 0; at < 100; ++at) press(juce::KeyPress::pageUpKey);
    CHECK(gain.get() == doctest::Approx(kMostDecibels));
}

TEST_CASE("a render without stems is told until it is dismissed") {
    Processor processor;
    prepare(processor);
    Player& player = processor.player();
    *processor.parameters.offline = static_cast<int>(Offline::Never);
    play(processor, 40);
    CHECK(player.incompleteFrames() == 0);  // in real time it is nobody's loss

    processor.setNonRealtime(true);
    const std::int64_t before = player.replacedFrames();
    play(processor, 40);
    CHECK(player.incompleteFrames() == player.replacedFrames() - before);
    CHECK(player.incompleteFrames() > 0);
    {
        const auto editor = opened(processor);
        CHECK(named(*editor, "Dismiss") != nullptr);
    }
    processor.setNonRealtime(false);
    play(processor, 10);
    prepare(processor);
    const std::int64_t told = player.incompleteFrames();
    CHECK(told > 0);

    *processor.parameters.bypass = true;
    processor.setNonRealtime(true);
    play(processor, 10);
    CHECK(player.incompleteFrames() == told);  // the input is what was asked for

    player.dismissIncomplete();
    CHECK(player.incompleteFrames() == 0);
    const auto editor = opened(processor);
    CHECK(named(*editor, "Dismiss") == nullptr);
}

TEST_CASE("a render that outruns the clock unannounced is told as well") {
    Processor processor;
    prepare(processor);
    *processor.parameters.offline = static_cast<int>(Offline::Auto);
    play(processor, 2000);  // 21 s at once
    CHECK(processor.player().incompleteFrames() > 0);
}

TEST_CASE("a preset's mix sets the faders though the editor is closed before it is granted") {
    const Folder folder;
    const Runtime runtime(folder);
    Processor processor;
    const auto& strips = processor.parameters.strips;
    prepare(processor);
    {
        const auto editor = opened(processor);
        auto* const menu = dynamic_cast<juce::ComboBox*>(named(*editor, "Preset"));
        REQUIRE(menu != nullptr);
        menu->addItem("karaoke", 2);
        menu->setSelectedId(2, juce::sendNotificationSync);
    }
    CHECK(processor.player().wanted().preset == "karaoke");
    CHECK(!strips[indexOf(Bus::Vocals)].mute->get());
    const Grantor server(folder, [](const auto& wish, auto& granted) {
        granted.plan = defaultPlan({wish.rate, wish.block});
        granted.latency = latencyOf(granted.plan, wish.rate);
        granted.gains = {-14'400, 300};
    });
    *processor.parameters.offline = static_cast<int>(Offline::Never);
    for (int i = 0; i < 4000 && !strips[indexOf(Bus::Vocals)].mute->get(); ++i) {
        play(processor, 1);
        processor.follow();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    CHECK(strips[indexOf(Bus::Vocals)].mute->get());
    CHECK(strips[indexOf(Bus::Other)].gain->get() == 3.0F);

    *strips[indexOf(Bus::Vocals)].mute = false;  // from then on it is the user's
    processor.follow();
    CHECK(!strips[indexOf(Bus::Vocals)].mute->get());
}

TEST_CASE("a mix sets the faders of its stems, and mutes what is silent in it") {
    Processor processor;
    const auto& strips = processor.parameters.strips;
    *strips[indexOf(Bus::Vocals)].solo = true;
    *strips[indexOf(Bus::Drums)].mute = true;
    *strips[indexOf(Bus::Guitar)].gain = -6.0F;
    const std::vector<std::string> sources{"drums", "bass", "other", "vocals"};
    processor.parameters.mix(sources, std::vector<std::int64_t>{0, 300, 2400, -14'400});
    const auto gain = [&](Bus bus) { return strips[indexOf(bus)].gain->get(); };
    CHECK(gain(Bus::Drums) == 0.0F);
    CHECK(gain(Bus::Bass) == 3.0F);
    CHECK(gain(Bus::Other) == 12.0F);
    CHECK(gain(Bus::Guitar) == -6.0F);
    CHECK(strips[indexOf(Bus::Vocals)].mute->get());
    CHECK(!strips[indexOf(Bus::Vocals)].solo->get());
    CHECK(!strips[indexOf(Bus::Drums)].mute->get());
    processor.parameters.mix(sources, {});
    CHECK(gain(Bus::Bass) == 3.0F);
}
