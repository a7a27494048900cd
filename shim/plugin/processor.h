/// The plug-in as hosts know it: buses, parameters, blocks and state.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plugin/parameters.h"
#include "plugin/player.h"

namespace stembridge {

/// Takes a track's signal and gives its mix of stems, and each stem on a bus of its own.
///
/// Buses: main (what the faders make of the stems), then those of kBusTitles. All times are frames
/// of the host.
class Processor final : public juce::AudioProcessor, private juce::Timer {
public:
    Processor();
    ~Processor() override;

    /// Any thread, at any time; connects nothing. Tells the host the latency.
    void prepareToPlay(double rate, int block) override;
    void releaseResources() override {}
    /// Any thread.
    void reset() override { player_.reset(); }

    // Audio thread, all four: no lock, no allocation; no waiting but in a render.
    void processBlock(juce::AudioBuffer<float>& buffer, juce::MidiBuffer& midi) override;
    void processBlock(juce::AudioBuffer<double>& buffer, juce::MidiBuffer& midi) override;
    void processBlockBypassed(juce::AudioBuffer<float>& buffer, juce::MidiBuffer& midi) override;
    void processBlockBypassed(juce::AudioBuffer<double>& buffer, juce::MidiBuffer& midi) override;

    bool supportsDoublePrecisionProcessing() const override { return true; }
    bool isBusesLayoutSupported(const BusesLayout& layout) const override;
    /// Hosts stop calling when the input has been silent for so long: not before the stems have.
    double getTailLengthSeconds() const override;
    juce::AudioProcessorParameter* getBypassParameter() const override { return parameters.bypass; }

    void getStateInformation(juce::MemoryBlock& data) override;
    void setStateInformation(const void* data, int size) override;

    juce::AudioProcessorEditor* createEditor() override;
    bool hasEditor() const override { return true; }
    const juce::String getName() const override { return "Stem Bridge"; }
    bool acceptsMidi() const override { return false; }
    bool producesMidi() const override { return false; }
    int getNumPrograms() override { return 1; }
    int getCurrentProgram() override { return 0; }
    void setCurrentProgram(int) override {}
    /// LV2 shows it as a preset.
    const juce::String getProgramName(int) override { return "Default"; }
    void changeProgramName(int, const juce::String&) override {}

    /// Message thread: what an editor shows and sets.
    Player& player() { return player_; }
    double rate() const { return rate_.load(std::memory_order_relaxed); }
    /// The highest sample of a bus since it was asked last; of main where `bus` is kBuses. Measured
    /// only while `isMetering`. Any thread.
    float takePeak(std::size_t bus) { return peaks_[bus].exchange(0, std::memory_order_relaxed); }
    std::atomic<bool> isMetering{false};
    EditorSize editorSize;
    /// Whether the faders take the mix of the wanted preset, which the user has just chosen, once
    /// it is granted; the editor may be closed by then. Message thread.
    void awaitMix(bool isAwaited) { isMixAwaited_ = isAwaited; }
    /// Takes up what was granted meanwhile, and tells the host. Called by a timer; message thread.
    void follow();
    /// Whether the state is one of a newer plug-in, and goes back to the host as it came: until a
    /// model, a latency or a parameter is changed. Any thread but the audio one.
    bool isKeptForNewer();

    Parameters parameters;

private:
    /// Channels of all buses: of the input, then of main and of the stems.
    static constexpr std::size_t kInputs = 2, kOutputs = 2 * (kBuses + 1);
    static constexpr std::size_t kRows = std::max(kInputs, kOutputs);
    /// The channels of a buffer, null for those that it lacks; the last is none.
    using Rows = std::array<float*, kRows + 1>;
    static constexpr std::size_t kNoRow = kRows;
    /// Blocks are taken in pieces, so that memory for them need not depend on the host.
    static constexpr int kPiece = 1024;

    /// A state that says more than we know, and what we have taken of it.
    struct Newer {
        std::string data;
        Wanted wanted;
        std::map<std::string, float> parameters;
    };

    static BusesProperties buses();
    template <typename Sample>
    void process(juce::AudioBuffer<Sample>& buffer, bool isBypassed);
    void playPiece(const Rows& rows, int frames, const Controls& controls, int atOnce);
    Outputs outputs(const Rows& rows);
    void measure(const Outputs& out, int frames);
    void announce();
    void takeMix();
    void timerCallback() override { follow(); }

    Player player_;
    std::mutex newerMutex_;
    std::optional<Newer> newer_;
    std::array<std::atomic<std::size_t>, kInputs> inputs_;  // their rows
    std::array<std::atomic<std::size_t>, kOutputs> outputs_;
    std::vector<float> narrow_;   // blocks of 64-bit samples
    std::vector<float> unheard_;  // stems to be metered that the host leaves out
    std::array<std::atomic<float>, kBuses + 1> peaks_{};
    std::atomic<double> rate_{0};
    std::atomic<bool> isMixAwaited_{false};
    std::atomic<bool> isAnnounced_{false};  // a latency for a rate or a block that is to come
};

}  // namespace stembridge
