#include "rack.h"

#include <chrono>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// A sound card drops out when its host is later than this, and nobody catches up.
constexpr double kStallSeconds = 0.02;

}  // namespace

std::string Rack::load(const std::string& bundle, int count) {
    if (formats_.getNumFormats() == 0) formats_.addFormat(new juce::VST3PluginFormat());
    juce::OwnedArray<juce::PluginDescription> found;
    formats_.getFormat(0)->findAllTypesForFile(found, bundle);
    if (found.isEmpty()) return "no plug-in in " + bundle;
    for (int i = 0; i < count; ++i) {
        juce::String error;
        auto made = formats_.createPluginInstance(*found[0], 48'000, 512, error);
        if (made == nullptr) return error.toStdString();
        made->enableAllBuses();
        instances_.push_back(std::move(made));
    }
    return "";
}

void Rack::prepare(double rate, int block, bool isOffline) {
    rate_ = rate;
    block_ = block;
    int channels = 0;
    for (auto& one : instances_) {
        one->setNonRealtime(isOffline);
        one->setRateAndBufferSizeDetails(rate, block);
        one->prepareToPlay(rate, block);
        channels = std::max(
            {channels, one->getTotalNumInputChannels(), one->getTotalNumOutputChannels()});
    }
    buffer_.setSize(channels, block);
}

void Rack::reset() {
    for (auto& one : instances_) one->reset();
}

void Rack::unload(const std::vector<int>& order) {
    for (const int number : order) instances_.at(static_cast<size_t>(number)).reset();
    instances_.clear();
    heard_.clear();
}

std::vector<int> Rack::latencies() const {
    std::vector<int> found;
    for (const auto& one : instances_) found.push_back(one->getLatencySamples());
    return found;
}

bool Rack::setPreset(int number, const juce::MemoryBlock& preset) {
    struct Setter : juce::ExtensionsVisitor {
        explicit Setter(const juce::MemoryBlock& wanted) : data(wanted) {}
        void visitVST3Client(const VST3Client& client) override {
            isTaken = client.setPreset(data);
        }
        const juce::MemoryBlock& data;
        bool isTaken = false;
    } setter(preset);
    at(number).getExtensions(setter);
    return setter.isTaken;
}

juce::MemoryBlock Rack::preset(int number) const {
    struct Getter : juce::ExtensionsVisitor {
        void visitVST3Client(const VST3Client& client) override { data = client.getPreset(); }
        juce::MemoryBlock data;
    } getter;
    instances_.at(static_cast<size_t>(number))->getExtensions(getter);
    return getter.data;
}

Played Rack::play(const juce::AudioBuffer<float>& song, const Playing& how) {
    heard_.resize(instances_.size());
    for (size_t i = 0; i < instances_.size() && how.keeps; ++i) {
        heard_[i].setSize(instances_[i]->getTotalNumOutputChannels(), how.frames);
        heard_[i].clear();
    }
    Played played;
    const auto first = Clock::now();
    auto began = first;
    int done = 0;
    while (done < how.frames) {
        const Seconds due((done + block_) / rate_);
        const Seconds late = Clock::now() - began - due;
        if (how.blocks > 0 && late.count() > kStallSeconds) {
            began += std::chrono::duration_cast<Clock::duration>(late);
            ++played.stalls;
        } else if (how.blocks > 0) {
            std::this_thread::sleep_until(
                began + std::chrono::duration_cast<Clock::duration>(due));
        }
        for (int i = 0; i < std::max(1, how.blocks) && done < how.frames; ++i) {
            const int frames = std::min(block_, how.frames - done);
            const auto before = Clock::now();
            hand(song, done, frames, how.keeps);
            const std::chrono::duration<double, std::milli> took = Clock::now() - before;
            played.longestMs = std::max(played.longestMs, took.count());
            done += frames;
        }
    }
    played.seconds = Seconds(Clock::now() - first).count();
    return played;
}

void Rack::hand(const juce::AudioBuffer<float>& song, int at, int frames, bool keeps) {
    juce::MidiBuffer midi;
    const int there = std::clamp(song.getNumSamples() - at, 0, frames);
    for (size_t i = 0; i < instances_.size(); ++i) {
        juce::AudioBuffer<float> block(buffer_.getArrayOfWritePointers(), buffer_.getNumChannels(),
                                       frames);
        block.clear();
        for (int row = 0; row < song.getNumChannels() && there > 0; ++row)
            block.copyFrom(row, 0, song, row, at, there);
        instances_[i]->processBlock(block, midi);
        if (!keeps) continue;
        for (int row = 0; row < heard_[i].getNumChannels(); ++row)
            heard_[i].copyFrom(row, at, block, row, 0, frames);
    }
}
