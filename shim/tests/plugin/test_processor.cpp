#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include "plugin/processor.h"
#include "trap.h"

using namespace stembridge;

namespace {

using Set = juce::AudioChannelSet;
constexpr int kRate = 48'000, kBlock = 512;

std::int64_t threads() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
}

// Whether there are so many, besides those that were joined: /proc is slow to forget them.
bool areThreads(std::int64_t wanted) {
    for (int look = 0; look < 200 && threads() != wanted; ++look)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return threads() == wanted;
}

juce::AudioBuffer<float> noise(int channels, int frames) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> sample(-0.5F, 0.5F);
    juce::AudioBuffer<float> made(channels, frames);
    for (int channel = 0; channel < channels; ++channel)
        for (int i = 0; i < frames; ++i) made.setSample(channel, i, sample(random));
    return made;
}

bool setLayout(Processor& processor, const Set& in, const Set& out, const Set& stems) {
    juce::AudioProcessor::BusesLayout layout;
    layout.inputBuses.add(in);
    layout.outputBuses.add(out);
    for (std::size_t bus = 0; bus < kBuses; ++bus) layout.outputBuses.add(stems);
    return processor.setBusesLayout(layout);
}

void prepare(Processor& processor, int block = kBlock) {
    processor.setRateAndBufferSizeDetails(kRate, block);
    processor.prepareToPlay(kRate, block);
}

// All outputs of `input`, played in blocks of the sizes that `size` gives.
template <typename Sample, typename Size>
juce::AudioBuffer<Sample> play(Processor& processor, const juce::AudioBuffer<float>& input,
                               Size size, bool isBypassed = false) {
    const int ins = processor.getTotalNumInputChannels();
    const int outs = processor.getTotalNumOutputChannels();
    juce::AudioBuffer<Sample> heard(outs, input.getNumSamples());
    juce::MidiBuffer midi;
    for (int at = 0; at < input.getNumSamples();) {
        const int frames = std::min(static_cast<int>(size()), input.getNumSamples() - at);
        juce::AudioBuffer<Sample> block(std::max(ins, outs), frames);
        block.clear();
        for (int channel = 0; channel < ins; ++channel)
            for (int i = 0; i < frames; ++i)
                block.setSample(channel, i, static_cast<Sample>(input.getSample(channel, at + i)));
        if (isBypassed)
            processor.processBlockBypassed(block, midi);
        else
            processor.processBlock(block, midi);
        for (int channel = 0; channel < outs; ++channel)
            heard.copyFrom(channel, at, block, channel, 0, frames);
        at += frames;
    }
    return heard;
}

// The largest difference of a channel from the input delayed by what the host was told.
template <typename Sample>
double error(const Processor& processor, const juce::AudioBuffer<Sample>& heard, int channel,
             const juce::AudioBuffer<float>& input, int from) {
    double most = 0;
    const int latency = processor.getLatencySamples();
    for (int i = 0; i < heard.getNumSamples(); ++i) {
        const double wanted = i < latency ? 0.0 : double{input.getSample(from, i - latency)};
        most = std::max(most, std::abs(static_cast<double>(heard.getSample(channel, i)) - wanted));
    }
    return most;
}

}  // namespace

TEST_CASE("layouts") {
    Processor processor;
    CHECK(processor.getBusCount(true) == 1);
    CHECK(processor.getBusCount(false) == 7);
    CHECK(processor.getBus(false, 1)->getName() == "Vocals");
    CHECK(processor.getBus(false, 6)->getName() == "Piano");
    const Set none = Set::disabled(), mono = Set::mono(), stereo = Set::stereo();
    for (const Set& stems : {none, stereo}) {
        CHECK(setLayout(processor, mono, mono, stems));
        CHECK(setLayout(processor, mono, stereo, stems));
        CHECK(setLayout(processor, stereo, stereo, stems));
        CHECK(!setLayout(processor, stereo, mono, stems));
        CHECK(!setLayout(processor, none, stereo, stems));
        CHECK(!setLayout(processor, stereo, none, stems));
        CHECK(!setLayout(processor, Set::quadraphonic(), stereo, stems));
    }
    CHECK(!setLayout(processor, stereo, stereo, mono));
}

TEST_CASE("without a sidecar main is the delayed input, in every layout and block size") {
    const juce::AudioBuffer<float> input = noise(2, 20'000);
    std::mt19937 random(3);
    for (const Set& in : {Set::mono(), Set::stereo()}) {
        for (const Set& stems : {Set::disabled(), Set::stereo()}) {
            for (const int most : {1, 64, 512, 5000}) {
                Processor processor;
                REQUIRE(setLayout(processor, in, Set::stereo(), stems));
                prepare(processor);
                const auto heard = play<float>(
                    processor, input, [&] { return 1 + random() % static_cast<unsigned>(most); });
                CHECK(processor.getLatencySamples() > 0);
                CHECK(error(processor, heard, 0, input, 0) == 0);
                CHECK(error(processor, heard, 1, input, in.size() - 1) == 0);
                if (stems == Set::stereo()) {
                    CHECK(heard.getMagnitude(2, 0, heard.getNumSamples()) == 0);
                    CHECK(error(processor, heard, 8, input, 0) == 0);  // Other carries it
                }
            }
        }
    }
}

TEST_CASE("mono stays mono") {
    Processor processor;
    REQUIRE(setLayout(processor, Set::mono(), Set::mono(), Set::disabled()));
    prepare(processor);
    const juce::AudioBuffer<float> input = noise(1, 10'000);
    const auto heard = play<float>(processor, input, [] { return 100; });
    CHECK(error(processor, heard, 0, input, 0) == 0);
}

TEST_CASE("blocks of 64-bit samples") {
    Processor processor;
    CHECK(processor.supportsDoublePrecisionProcessing());
    processor.setProcessingPrecision(juce::AudioProcessor::doublePrecision);
    prepare(processor);
    const juce::AudioBuffer<float> input = noise(2, 20'000);
    const auto heard = play<double>(processor, input, [] { return 3000; });
    CHECK(error(processor, heard, 0, input, 0) == 0);
    CHECK(error(processor, heard, 1, input, 1) == 0);
}

TEST_CASE("bypass delays, whichever way a host asks for it") {
    const juce::AudioBuffer<float> input = noise(2, 20'000);
    for (const bool byParameter : {false, true}) {
        Processor processor;
        REQUIRE(processor.getBypassParameter() != nullptr);
        *processor.parameters.strips[indexOf(Bus::Other)].mute = true;
        *processor.parameters.bypass = byParameter;
        prepare(processor);
        const auto heard = play<float>(
            processor, input, [] { return 512; }, !byParameter);
        CHECK(error(processor, heard, 0, input, 0) == 0);
        CHECK(heard.getMagnitude(8, 0, heard.getNumSamples()) == 0);
    }
}

TEST_CASE("faders are heard") {
    Processor processor;
    prepare(processor);
    *processor.parameters.strips[indexOf(Bus::Other)].gain = -6.0F;
    const juce::AudioBuffer<float> input = noise(2, 20'000);
    auto heard = play<float>(processor, input, [] { return 512; });
    heard.applyGain(1.0F / std::pow(10.0F, -6.0F / 20.0F));
    CHECK(error(processor, heard, 0, input, 0) < 1e-6);
    *processor.parameters.strips[indexOf(Bus::Other)].gain = kLeastDecibels;
    play<float>(processor, input, [] { return 512; });  // the ramp
    heard = play<float>(processor, input, [] { return 512; });
    CHECK(heard.getMagnitude(0, 0, heard.getNumSamples()) == 0);
}

TEST_CASE("the latency follows what the host announces, and nothing else") {
    Processor processor;
    prepare(processor, 512);
    const int before = processor.getLatencySamples();
    CHECK(before == latencyOf(defaultPlan({kRate, 512}), kRate));
    CHECK(processor.getTailLengthSeconds() * kRate >= before);
    processor.reset();
    prepare(processor, 512);
    CHECK(processor.getLatencySamples() == before);
    prepare(processor, 1024);
    CHECK(processor.getLatencySamples() == before + 3 * 512);
}

TEST_CASE("nothing of what came before a reset is heard after it") {
    Processor processor;
    prepare(processor);
    play<float>(processor, noise(2, 10'000), [] { return 512; });
    processor.reset();
    juce::AudioBuffer<float> silence(2, 20'000);
    silence.clear();
    const auto heard = play<float>(processor, silence, [] { return 512; });
    CHECK(heard.getMagnitude(0, heard.getNumSamples()) == 0);
}

TEST_CASE("a state comes back, and damage to one is survived") {
    Processor first;
    prepare(first);
    *first.parameters.strips[0].gain = -3.25F;
    *first.parameters.strips[1].mute = true;
    *first.parameters.whenLate = 1;
    *first.parameters.offline = 2;
    Wanted wanted;
    wanted.model = "nobody-knows";
    wanted.latencyUs = 500'000;
    protocol::SavedPlan plan = defaultPlan({kRate, 2048});
    wanted.kept = KeptPlan{kRate, plan};
    first.player().want(wanted);
    juce::MemoryBlock data;
    first.getStateInformation(data);

    Processor second;
    second.setStateInformation(data.getData(), static_cast<int>(data.getSize()));
    CHECK(second.parameters.values() == first.parameters.values());
    CHECK(second.player().wanted() == wanted);
    prepare(second);
    CHECK(second.getLatencySamples() == latencyOf(plan, kRate));
    juce::MemoryBlock again;
    second.getStateInformation(again);
    CHECK(again == data);

    // After prepare: the latency is that of the project at once.
    Processor third;
    prepare(third);
    third.setStateInformation(data.getData(), static_cast<int>(data.getSize()));
    CHECK(third.getLatencySamples() == latencyOf(plan, kRate));
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        juce::MemoryBlock damaged = data;
        damaged[static_cast<int>(random() % damaged.getSize())] = static_cast<char>(random());
        third.setStateInformation(damaged.getData(), static_cast<int>(damaged.getSize()));
    }
    const juce::AudioBuffer<float> input = noise(2, 10'000);
    third.reset();
    third.setStateInformation(data.getData(), static_cast<int>(data.getSize()));
    const auto heard = play<float>(third, input, [] { return 512; });
    CHECK(std::isfinite(heard.getMagnitude(0, heard.getNumSamples())));
}

TEST_CASE("what a newer plug-in has saved goes back to the project as it came, until it is changed") {
    const std::string saved =
        R"({"stem_bridge":2,"wanted":{"quality":"best"},"parameters":{"vocals_gain":-3.25}})";
    const auto stateOf = [](Processor& processor) {
        juce::MemoryBlock data;
        processor.getStateInformation(data);
        return std::string(static_cast<const char*>(data.getData()), data.getSize());
    };
    for (const bool byParameter : {false, true}) {
        Processor processor;
        processor.setStateInformation(saved.data(), static_cast<int>(saved.size()));
        prepare(processor);
        CHECK(processor.isKeptForNewer());
        CHECK(stateOf(processor) == saved);
        CHECK(processor.parameters.strips[0].gain->get() == -3.25F);
        if (byParameter) {
            *processor.parameters.strips[0].mute = true;
        } else {
            Wanted wanted;
            wanted.latencyUs = 200'000;
            processor.player().want(wanted);
        }
        CHECK(!processor.isKeptForNewer());
        CHECK(stateOf(processor).find("\"stem_bridge\":1") != std::string::npos);
        Processor other;
        const std::string again = stateOf(processor);
        other.setStateInformation(again.data(), static_cast<int>(again.size()));
        CHECK(!other.isKeptForNewer());
    }
}

TEST_CASE("a render without a sidecar is not held up") {
    Processor processor;
    processor.setNonRealtime(true);
    prepare(processor);
    const auto began = std::chrono::steady_clock::now();
    const juce::AudioBuffer<float> input = noise(2, 480'000);
    const auto heard = play<float>(processor, input, [] { return 512; });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    MESSAGE("10 s rendered in s: ", took.count());
    CHECK(took.count() < 5);
    CHECK(error(processor, heard, 0, input, 0) == 0);
}

TEST_CASE("blocks neither allocate nor lock") {
    Processor processor;
    *processor.parameters.offline = 2;  // these blocks come much faster than in real time
    prepare(processor);
    processor.isMetering = true;
    std::mt19937 random(5);
    juce::AudioBuffer<float> block(14, 2000);
    juce::AudioBuffer<double> wide(14, 2000);
    juce::MidiBuffer midi;
    std::int64_t calls = 0;
    for (int round = 0; round < 20'000; ++round) {
        const int frames = 1 + static_cast<int>(random() % (round % 10 == 0 ? 2000 : 128));
        juce::AudioBuffer<float> part(block.getArrayOfWritePointers(), 14, frames);
        juce::AudioBuffer<double> widePart(wide.getArrayOfWritePointers(), 14, frames);
        const Trap trap;
        if (round % 7 == 0) processor.reset();
        if (round % 5 == 0)
            processor.processBlock(widePart, midi);
        else
            processor.processBlock(part, midi);
        calls += trap.count();
    }
    CHECK(calls == 0);
}

TEST_CASE("prepare and reset come from other threads while blocks are played") {
    Processor processor;
    prepare(processor);
    std::atomic<bool> ends{false};
    std::thread audio([&] {
        juce::AudioBuffer<float> block(14, 256);
        juce::MidiBuffer midi;
        while (!ends) processor.processBlock(block, midi);
    });
    for (int round = 0; round < 200; ++round) {
        processor.prepareToPlay(kRate, 128 << (round % 4));
        processor.reset();
    }
    ends = true;
    audio.join();
    CHECK(processor.getLatencySamples() == latencyOf(defaultPlan({kRate, 1024}), kRate));
}

TEST_CASE("an instance that was never played starts nothing and leaves nothing") {
    { Processor warmUp; }  // JUCE's own timer thread stays
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // for those of tests before
    const std::int64_t before = threads();
    {
        Processor processor;
        CHECK(areThreads(before));
    }
    {
        Processor processor;
        prepare(processor);
        juce::AudioBuffer<float> block(14, 256);
        block.clear();
        juce::MidiBuffer midi;
        for (int i = 0; i < 10; ++i) processor.processBlock(block, midi);
    }
    CHECK(areThreads(before));
}

TEST_CASE("the editor opens, follows and closes without a display") {
    Processor processor;
    prepare(processor);
    for (int round = 0; round < 3; ++round) {
        const std::unique_ptr<juce::AudioProcessorEditor> editor(processor.createEditor());
        REQUIRE(editor != nullptr);
        editor->setSize(900, 500 + round);
        const juce::Image image = editor->createComponentSnapshot(editor->getLocalBounds());
        CHECK(image.getWidth() == 900);
    }
    CHECK(processor.editorSize == EditorSize{900, 502});
}
