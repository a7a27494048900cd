// What a block costs the audio thread, beside a loop that only mixes stems. Driven by
// `python -m benchmarks.shim`, which starts the sidecar.
//
//     bench_block BLOCKS FRAMES sleep|spin CORE
//
// Blocks of FRAMES come in real time, to each side in turn, on a core that is left to them. Between them the thread sleeps, as one
// that waits for a device does and finds the caches of others, or spins, and finds its own. Prints
// JSON: nanoseconds of thread time of each block.
#include <juce_audio_processors/juce_audio_processors.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "plugin/processor.h"

namespace {

using namespace stembridge;
using Clock = std::chrono::steady_clock;

constexpr int kRate = 48'000;
constexpr int kOutputs = 2 * (1 + int{kBuses});
constexpr int kStems = 4;  // of `spectral`
constexpr auto kPatience = std::chrono::seconds(60);

std::int64_t threadNs() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// What any player of stems has to do: copy what is due to its bus, and add it to the mix. As in the
// plug-in another thread has written it, a hop at a time.
class BareLoop {
public:
    BareLoop(std::int64_t latency, int frames)
        : capacity_((2 * latency / frames + 2) * frames),
          ahead_(latency / 2),
          ring_(static_cast<std::size_t>(2 * kStems * capacity_)),
          writer_([this] { write(); }) {
        gains_.fill(1.0F);
    }

    ~BareLoop() {
        isOver_ = true;
        writer_.join();
    }

    void play(float* const* out, int frames) {
        const std::int64_t position = played_.load(std::memory_order_relaxed);
        const std::int64_t at = position % capacity_;
        for (int channel = 0; channel < 2; ++channel) {
            float* const main = out[channel];
            std::fill_n(main, frames, 0.0F);
            for (int stem = 0; stem < int{kBuses}; ++stem) {
                const int row = 2 * stem + channel;
                float* const to = out[2 + row];
                if (stem >= kStems) {
                    std::fill_n(to, frames, 0.0F);
                    continue;
                }
                const float* const from = ring_.data() + row * capacity_ + at;
                const float gain = gains_[static_cast<std::size_t>(stem)];
                for (int i = 0; i < frames; ++i) {
                    to[i] = from[i];
                    main[i] += gain * from[i];
                }
            }
        }
        played_.store(position + frames, std::memory_order_release);
    }

private:
    void write() {
        std::mt19937 random(1);
        std::uniform_real_distribution<float> sample(-0.5F, 0.5F);
        for (std::int64_t next = 0; !isOver_;) {
            if (next + kHop > played_.load(std::memory_order_acquire) + ahead_) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                continue;
            }
            for (std::int64_t row = 0; row < 2 * kStems; ++row)
                for (std::int64_t i = next; i < next + kHop; ++i)
                    ring_[static_cast<std::size_t>(row * capacity_ + i % capacity_)] =
                        sample(random);
            next += kHop;
        }
    }

    static constexpr std::int64_t kHop = 560;  // of `spectral`

    const std::int64_t capacity_, ahead_;
    std::vector<float> ring_;
    std::array<float, kStems> gains_{};
    std::atomic<std::int64_t> played_{0};
    std::atomic<bool> isOver_{false};
    std::thread writer_;
};

struct Times {
    std::vector<std::int64_t> plugin, bare, nothing;
};

class Bench {
public:
    explicit Bench(int frames) : frames_(frames) {
        processor_.setRateAndBufferSizeDetails(kRate, frames);
        processor_.prepareToPlay(kRate, frames);
        bare_ = std::make_unique<BareLoop>(processor_.getLatencySamples(), frames);
    }

    // Between blocks from here on; at first it sleeps, as it shares its core.
    void spin() { sleeps_ = false; }

    // Until a second went by with all stems there; false where that does not come.
    bool settle() {
        const auto end = Clock::now() + kPatience;
        while (Clock::now() < end) {
            const std::int64_t before = replaced();
            Times unused;
            run(kRate / frames_, unused);
            if (replaced() == before) return true;
        }
        return false;
    }

    void run(int blocks, Times& times) {
        const auto half =
            std::chrono::nanoseconds(std::int64_t{1'000'000'000} * frames_ / kRate / 2);
        auto next = Clock::now();
        for (int done = 0; done < blocks; ++done) {
            wait(next += half);
            fill();
            std::int64_t began = threadNs();
            processor_.processBlock(buffer_, midi_);
            times.plugin.push_back(threadNs() - began);

            wait(next += half);
            fill();
            began = threadNs();
            bare_->play(buffer_.getArrayOfWritePointers(), frames_);
            times.bare.push_back(threadNs() - began);

            began = threadNs();
            times.nothing.push_back(threadNs() - began);
        }
    }

    std::int64_t replaced() { return processor_.player().replacedFrames(); }

private:
    void wait(Clock::time_point time) const {
        if (sleeps_)
            std::this_thread::sleep_until(time);
        else
            while (Clock::now() < time) continue;
    }

    void fill() {
        for (int channel = 0; channel < 2; ++channel)
            for (int i = 0; i < frames_; ++i) buffer_.setSample(channel, i, sample_(random_));
    }

    const int frames_;
    bool sleeps_ = true;
    Processor processor_;
    std::unique_ptr<BareLoop> bare_;
    juce::AudioBuffer<float> buffer_{kOutputs, frames_};
    juce::MidiBuffer midi_;
    std::mt19937 random_{7};
    std::uniform_real_distribution<float> sample_{-0.5F, 0.5F};
};

// This thread runs on `core` from here on; all the others were begun before, and stay where they are.
bool moveTo(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

void print(const char* name, const std::vector<std::int64_t>& times) {
    std::printf("\"%s\": [", name);
    for (std::size_t i = 0; i < times.size(); ++i)
        std::printf(i == 0 ? "%lld" : ",%lld", static_cast<long long>(times[i]));
    std::printf("], ");
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 5) return 2;
    const int blocks = std::atoi(arguments[1]);
    const juce::ScopedJuceInitialiser_GUI juceRuns;
    Bench bench(std::atoi(arguments[2]));
    const bool isThere = bench.settle() && moveTo(std::atoi(arguments[4]));
    if (std::string_view(arguments[3]) == "spin") bench.spin();
    if (!isThere || !bench.settle()) {
        std::fprintf(stderr, "bench_block: no stems came for a minute\n");
        return 1;
    }
    Times times;
    for (auto* one : {&times.plugin, &times.bare, &times.nothing})
        one->reserve(static_cast<std::size_t>(blocks));
    const std::int64_t before = bench.replaced();
    bench.run(blocks, times);
    std::printf("{");
    print("plugin", times.plugin);
    print("bare", times.bare);
    print("nothing", times.nothing);
    std::printf("\"replaced\": %lld}\n", static_cast<long long>(bench.replaced() - before));
}
