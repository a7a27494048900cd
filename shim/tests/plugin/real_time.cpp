// Plays random blocks in real time, as fast as the clock lets it, and counts what the audio thread
// must not do. Driven by tests/shim/test_real_time.py, which makes the sidecar come and go.
//
//     real_time BLOCKS SEED
//
// Another thread meanwhile does what hosts and users do. Prints one line of JSON.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "plugin/processor.h"
#include "trap.h"

namespace {

using namespace stembridge;
using Clock = std::chrono::steady_clock;
using Set = juce::AudioChannelSet;

constexpr int kAnnounced = 1024;
// Beyond what was announced. What a host may hand over at once is two blocks as announced, and
// more than that with what it is ahead would be a render, which may wait.
constexpr int kLargest = kAnnounced * 3 / 2;
constexpr auto kAhead = std::chrono::milliseconds(2);
constexpr int kChannels = 2 * (1 + int{kBuses});

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    bool chance(double percent) { return unit() * 100 < percent; }
    int between(int low, int high) { return low + static_cast<int>(unit() * (high - low + 1)); }
    float unit() { return std::uniform_real_distribution<float>(0, 0.999999F)(engine_); }

private:
    std::mt19937 engine_;
};

struct Counts {
    std::int64_t blocks = 0, forbidden = 0, frames = 0, withStems = 0, withoutStems = 0;
    std::int64_t prepared = 0;
    long call = -1;
};

// The host: one thread plays, another one does everything else.
class Host {
public:
    explicit Host(unsigned seed) : audio_(seed), other_(seed + 1) {
        for (int channel = 0; channel < kChannels; ++channel)
            for (int i = 0; i < kLargest; ++i) noise_.setSample(channel, i, audio_.unit() - 0.5F);
        prepare(audio_);
    }

    Counts run(std::int64_t blocks) {
        std::thread control([this] {
            while (!isOver_) {
                act();
                std::this_thread::sleep_for(std::chrono::milliseconds(other_.between(1, 10)));
            }
        });
        // A thread of its own: from its first trap on the kernel asks us at each system call.
        std::thread audio([this, blocks] {
            due_ = Clock::now();
            while (counts_.blocks < blocks) playOne();
        });
        audio.join();
        isOver_ = true;
        control.join();
        return counts_;
    }

private:
    // All that may happen while blocks are played, and now and then what may only between them.
    void act() {
        const auto& all = processor_.getParameters();
        juce::AudioProcessorParameter* const one = all[other_.between(0, all.size() - 1)];
        // Offline may let blocks wait, and in bypass nothing else is heard.
        const bool isRare = one == processor_.parameters.bypass && other_.chance(90);
        if (one != processor_.parameters.offline)
            one->setValueNotifyingHost(isRare ? 0.0F : other_.unit());
        if (other_.chance(0.3)) processor_.reset();
        if (other_.chance(5)) processor_.isMetering = other_.chance(50);
        if (other_.chance(20)) processor_.takePeak(kBuses);
        if (other_.chance(10)) processor_.player().status();
        if (other_.chance(10)) processor_.player().follow();
        if (other_.chance(0.1)) prepare(other_);
        if (other_.chance(0.1)) {
            const std::string model = other_.chance(50) ? "fake" : std::string(kDefaultModel);
            processor_.player().want({.model = model, .kept = std::nullopt});
        }
        if (other_.chance(0.3)) {
            juce::MemoryBlock state;
            processor_.getStateInformation(state);
            processor_.setStateInformation(state.getData(), static_cast<int>(state.getSize()));
            processor_.parameters.offline->setValueNotifyingHost(0);
        }
        if (other_.chance(0.1)) {
            const std::lock_guard lock(mutex_);
            setLayout(other_);
            prepare(other_);
        }
    }

    void setLayout(Random& random) {
        const Set in = random.chance(70) ? Set::stereo() : Set::mono();
        juce::AudioProcessor::BusesLayout layout;
        layout.inputBuses.add(in);
        layout.outputBuses.add(in == Set::mono() && random.chance(50) ? in : Set::stereo());
        for (std::size_t bus = 0; bus < kBuses; ++bus)
            layout.outputBuses.add(bus == 0 || random.chance(80) ? Set::stereo() : Set::disabled());
        if (!processor_.setBusesLayout(layout)) std::abort();
    }

    void prepare(Random& random) {
        constexpr int rates[] = {48'000, 48'000, 96'000, 192'000};
        const int rate = rates[random.between(0, 3)];
        const int block = random.chance(50) ? kAnnounced : 2 * kAnnounced;
        processor_.setRateAndBufferSizeDetails(rate, block);
        processor_.prepareToPlay(rate, block);
        rate_ = rate;
        prepared_ += 1;
    }

    int frames() {
        const int most = audio_.chance(90) ? 16 : audio_.chance(90) ? 128 : kLargest;
        return audio_.between(1, most);
    }

    void playOne() {
        // Never further ahead than a host that plays, also after it was held up.
        const auto now = Clock::now();
        due_ = std::max(due_, now);
        if (due_ > now + kAhead) std::this_thread::sleep_until(due_);
        const std::lock_guard lock(mutex_);
        const int count = frames();
        if (audio_.chance(20))
            play(wide_, count);
        else
            play(narrow_, count);
        counts_.prepared = prepared_;
        counts_.blocks += 1;
        counts_.frames += count;
        due_ += std::chrono::nanoseconds(std::int64_t{1'000'000'000} * count / rate_);
    }

    template <typename Sample>
    void play(juce::AudioBuffer<Sample>& memory, int count) {
        const int ins = processor_.getTotalNumInputChannels();
        const int channels = std::max(ins, processor_.getTotalNumOutputChannels());
        juce::AudioBuffer<Sample> block(memory.getArrayOfWritePointers(), channels, count);
        for (int channel = 0; channel < ins; ++channel)
            for (int i = 0; i < count; ++i)
                block.setSample(channel, i, static_cast<Sample>(noise_.getSample(channel, i)));
        const bool isBypassed = audio_.chance(3), resets = audio_.chance(0.01);
        {
            const Trap trap;
            if (resets) processor_.reset();
            if (isBypassed)
                processor_.processBlockBypassed(block, midi_);
            else
                processor_.processBlock(block, midi_);
            counts_.forbidden += trap.count();
        }
        counts_.call = Trap::systemCall();
        // Where stems are missing the vocals are silent.
        const int vocals = processor_.getMainBusNumOutputChannels();
        const bool isSilent = block.getMagnitude(vocals, 0, count) <= 0;
        (isSilent ? counts_.withoutStems : counts_.withStems) += 1;
    }

    Processor processor_;
    Random audio_, other_;
    std::mutex mutex_;  // held between blocks, never in one
    std::atomic<int> rate_{0};
    std::atomic<int> prepared_{0};
    std::atomic<bool> isOver_{false};

    // Of the thread that plays.
    Counts counts_;
    Clock::time_point due_;
    juce::AudioBuffer<float> noise_{kChannels, kLargest}, narrow_{kChannels, kLargest};
    juce::AudioBuffer<double> wide_{kChannels, kLargest};
    juce::MidiBuffer midi_;
};

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return 2;
    const juce::ScopedJuceInitialiser_GUI juceRuns;
    Host host(static_cast<unsigned>(std::atoi(arguments[2])));
    const Counts found = host.run(std::atoll(arguments[1]));
    std::printf(
        "{\"blocks\": %lld, \"forbidden\": %lld, \"call\": %ld, \"frames\": %lld, "
        "\"with_stems\": %lld, \"without_stems\": %lld, \"prepared\": %lld, "
        "\"sees_system_calls\": %s}\n",
        static_cast<long long>(found.blocks), static_cast<long long>(found.forbidden), found.call,
        static_cast<long long>(found.frames), static_cast<long long>(found.withStems),
        static_cast<long long>(found.withoutStems), static_cast<long long>(found.prepared),
        Trap::seesSystemCalls() ? "true" : "false");
}
