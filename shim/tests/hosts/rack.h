// Instances of one plug-in, side by side, and an audio thread that plays a signal through them.
#pragma once

#include <juce_audio_processors/juce_audio_processors.h>

#include <memory>
#include <string>
#include <vector>

// How a signal is played.
struct Playing {
    int frames = 0;     // of the signal that are played; silence follows where it is shorter
    int blocks = 1;     // handed over at once when the first of them is due; 0: as fast as it goes
    bool keeps = true;  // what comes back
};

// What playing it was like.
struct Played {
    double seconds = 0;
    double longestMs = 0;  // that a block of all instances took
    int stalls = 0;        // how often this host itself was late, and went on from there
};

// Message thread, all but `play`.
class Rack {
public:
    // Empty words where all went well.
    std::string load(const std::string& bundle, int count);
    void prepare(double rate, int block, bool isOffline);
    void reset();
    void unload(const std::vector<int>& order);

    // Of instance `number`.
    juce::AudioPluginInstance& at(int number) { return *instances_.at(static_cast<size_t>(number)); }
    std::vector<int> latencies() const;
    // Takes the bytes of a .vstpreset file; false where the plug-in refuses them.
    bool setPreset(int number, const juce::MemoryBlock& preset);
    juce::MemoryBlock preset(int number) const;

    // Plays the two rows of `song` through all of them at once. Any thread.
    Played play(const juce::AudioBuffer<float>& song, const Playing& how);
    // What instance `number` gave in the last `play`, all channels.
    const juce::AudioBuffer<float>& heard(int number) const {
        return heard_.at(static_cast<size_t>(number));
    }

private:
    void hand(const juce::AudioBuffer<float>& song, int at, int frames, bool keeps);

    juce::AudioPluginFormatManager formats_;
    std::vector<std::unique_ptr<juce::AudioPluginInstance>> instances_;
    std::vector<juce::AudioBuffer<float>> heard_;
    juce::AudioBuffer<float> buffer_;
    double rate_ = 0;
    int block_ = 0;
};
