// What hosts do that few expect.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "plugin/processor.h"

using namespace stembridge;

namespace {

using Set = juce::AudioChannelSet;
constexpr int kRate = 48'000, kBlock = 256;
constexpr float kSample = 0.25F;

void prepare(Processor& processor) {
    processor.setRateAndBufferSizeDetails(kRate, kBlock);
    processor.prepareToPlay(kRate, kBlock);
}

// Plays blocks of `sample` until more than the latency has passed, and returns the last.
juce::AudioBuffer<float> settled(Processor& processor, float sample = kSample) {
    const int ins = processor.getTotalNumInputChannels();
    juce::AudioBuffer<float> block(std::max(ins, processor.getTotalNumOutputChannels()), kBlock);
    juce::MidiBuffer midi;
    for (int done = 0; done <= processor.getLatencySamples() + kBlock; done += kBlock) {
        block.clear();
        for (int channel = 0; channel < ins; ++channel)
            juce::FloatVectorOperations::fill(block.getWritePointer(channel), sample, kBlock);
        processor.processBlock(block, midi);
    }
    return block;
}

// Whether every sample of the channel is `wanted`.
bool isAll(const juce::AudioBuffer<float>& heard, int channel, float wanted) {
    const auto range =
        juce::FloatVectorOperations::findMinAndMax(heard.getReadPointer(channel), kBlock);
    return std::equal_to<float>()(range.getStart(), wanted) &&
           std::equal_to<float>()(range.getEnd(), wanted);
}

bool isSilent(const juce::AudioBuffer<float>& heard, int channel) {
    return isAll(heard, channel, 0);
}

}  // namespace

TEST_CASE("any of the stem buses may be off, and the others stay where they belong") {
    for (unsigned on = 0; on < 1U << kBuses; ++on) {
        Processor processor;
        juce::AudioProcessor::BusesLayout layout;
        layout.inputBuses.add(on % 3 == 0 ? Set::mono() : Set::stereo());
        layout.outputBuses.add(on % 3 == 0 && on % 2 == 0 ? Set::mono() : Set::stereo());
        for (std::size_t bus = 0; bus < kBuses; ++bus)
            layout.outputBuses.add((on >> bus) % 2 == 1 ? Set::stereo() : Set::disabled());
        REQUIRE(processor.setBusesLayout(layout));
        prepare(processor);
        const auto heard = settled(processor);
        for (int bus = 0; bus < processor.getBusCount(false); ++bus) {
            const bool carries = bus == 0 || bus == 1 + static_cast<int>(indexOf(Bus::Other));
            for (int i = 0; i < processor.getChannelCountOfBus(false, bus); ++i) {
                const int channel = processor.getChannelIndexInProcessBlockBuffer(false, bus, i);
                CHECK(isAll(heard, channel, carries ? kSample : 0.0F));
            }
        }
    }
}

TEST_CASE("a bus is turned off and on again between two prepares") {
    Processor processor;
    prepare(processor);
    const int latency = processor.getLatencySamples();
    for (const bool isOn : {false, true}) {
        for (int bus = 1; bus < processor.getBusCount(false); ++bus)
            REQUIRE(processor.getBus(false, bus)->enable(isOn));
        prepare(processor);
        CHECK(processor.getLatencySamples() == latency);
        CHECK(processor.getTotalNumOutputChannels() == (isOn ? 14 : 2));
        CHECK(isAll(settled(processor), 0, kSample));
    }
}

TEST_CASE("blocks without a frame, or before any prepare, do no harm") {
    Processor processor;
    juce::AudioBuffer<float> none(14, 0), early(14, kBlock);
    juce::AudioBuffer<double> wide(14, 0);
    juce::MidiBuffer midi;
    for (int channel = 0; channel < early.getNumChannels(); ++channel)
        juce::FloatVectorOperations::fill(early.getWritePointer(channel), kSample, kBlock);
    processor.processBlock(none, midi);
    processor.processBlock(early, midi);
    for (int channel = 0; channel < early.getNumChannels(); ++channel)
        CHECK(isSilent(early, channel));
    prepare(processor);
    for (int round = 0; round < 3; ++round) {
        processor.processBlock(none, midi);
        processor.processBlockBypassed(none, midi);
        processor.processBlock(wide, midi);
    }
    CHECK(isAll(settled(processor), 0, kSample));
}

TEST_CASE("fewer channels than the layout has are taken, and more are silent") {
    Processor processor;
    prepare(processor);
    juce::MidiBuffer midi;
    for (const int channels : {0, 1, 2, 3, 13, 14, 20}) {
        juce::AudioBuffer<float> block(channels, kBlock);
        block.clear();
        processor.processBlock(block, midi);
        CHECK(block.getNumChannels() == channels);
    }
    CHECK(isAll(settled(processor), 0, kSample));
}

TEST_CASE("what is no number, or next to none, is gone with the block that brought it") {
    using Limits = std::numeric_limits<float>;
    for (const float bad :
         {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), Limits::denorm_min()}) {
        Processor processor;
        prepare(processor);
        processor.isMetering = true;
        const auto during = settled(processor, bad);
        for (int channel = 0; channel < during.getNumChannels(); ++channel)
            CHECK(std::abs(during.getMagnitude(channel, 0, kBlock)) <= Limits::denorm_min());
        for (std::size_t bus = 0; bus <= kBuses; ++bus)
            CHECK(std::isfinite(processor.takePeak(bus)));
        CHECK(isAll(settled(processor), 0, kSample));
    }
}

TEST_CASE("a state that is none leaves everything as it was") {
    for (const bool isPrepared : {false, true}) {
        Processor processor;
        if (isPrepared) prepare(processor);
        *processor.parameters.strips[indexOf(Bus::Other)].mute = true;
        juce::MemoryBlock before, after;
        processor.getStateInformation(before);
        const int latency = processor.getLatencySamples();
        for (const char* text : {"", "x", "{", "{}", R"({"stem_bridge":"1"})", "[1]"})
            processor.setStateInformation(text, static_cast<int>(std::strlen(text)));
        processor.setStateInformation(nullptr, 0);
        processor.setStateInformation(nullptr, 12);
        processor.setStateInformation(before.getData(), -1);
        processor.getStateInformation(after);
        CHECK(after == before);
        CHECK(processor.getLatencySamples() == latency);
        prepare(processor);
        CHECK(isSilent(settled(processor), 0));
    }
}

TEST_CASE("programs have names") {
    Processor processor;
    REQUIRE(processor.getNumPrograms() == 1);
    CHECK(processor.getProgramName(0).isNotEmpty());
    processor.setCurrentProgram(0);
    CHECK(processor.getCurrentProgram() == 0);
}
