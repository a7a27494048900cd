// A host that does what it is told: a line of JSON on standard input, and one as an answer.
//
//     {"do": "load", "bundle": PATH, "count": N}
//     {"do": "prepare", "rate": HZ, "block": FRAMES, "offline": BOOL}   -> {"latencies": [...]}
//     {"do": "set", "parameter": NAME, "value": 0..1}                    of all instances
//     {"do": "get preset" or "set preset", "instance": N, "file": PATH}  a .vstpreset
//     {"do": "reset"}
//     {"do": "play", "input": FILE, "output": FILE or "", "frames": N, "blocks": N}
//         -> {"seconds", "longest_ms", "stalls", "latencies"}; plays in the background, so that
//         other things can be asked for meanwhile
//     {"do": "latencies"}
//     {"do": "unload", "order": [...]}
//     {"do": "end"}
//
// Files are float32: (2, n) in, (instances, channels, frames) out. See rack.h for "blocks".
#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "rack.h"

namespace {

using Json = nlohmann::json;

juce::AudioBuffer<float> readSong(const std::string& name) {
    juce::MemoryBlock bytes;
    juce::File(name).loadFileAsData(bytes);
    const int frames = static_cast<int>(bytes.getSize() / sizeof(float) / 2);
    juce::AudioBuffer<float> song(2, frames);
    for (int row = 0; row < 2; ++row)
        song.copyFrom(row, 0, static_cast<const float*>(bytes.getData()) + row * frames, frames);
    return song;
}

class Host {
public:
    ~Host() {
        if (audio_.joinable()) audio_.join();
    }

    // Message thread.
    void take(const Json& order) {
        const std::string what = order.at("do");
        if (what == "load") {
            answer({{"problem", rack_.load(order.at("bundle"), order.at("count"))}});
        } else if (what == "prepare") {
            rack_.prepare(order.at("rate"), order.at("block"), order.at("offline"));
            answer({{"latencies", rack_.latencies()}});
        } else if (what == "set") {
            set(order.at("parameter"), order.at("value"));
        } else if (what == "get preset" || what == "set preset") {
            preset(what == "set preset", order.at("instance"), order.at("file"));
        } else if (what == "reset") {
            rack_.reset();
            answer(Json::object());
        } else if (what == "play") {
            if (audio_.joinable()) audio_.join();
            audio_ = std::thread([this, order] { play(order); });
        } else if (what == "latencies") {
            answer({{"latencies", rack_.latencies()}});
        } else if (what == "unload") {
            if (audio_.joinable()) audio_.join();
            rack_.unload(order.at("order"));
            answer(Json::object());
        } else {
            juce::MessageManager::getInstance()->stopDispatchLoop();
        }
    }

    void answer(const Json& words) {
        const std::lock_guard lock(mutex_);
        std::cout << words.dump() << std::endl;
    }

private:
    void set(const std::string& name, float value) {
        int count = 0;
        for (size_t i = 0; i < rack_.latencies().size(); ++i) {
            for (auto* one : rack_.at(static_cast<int>(i)).getParameters()) {
                if (one->getName(100).toStdString() != name) continue;
                one->setValueNotifyingHost(value);
                ++count;
            }
        }
        answer({{"count", count}});
    }

    void preset(bool sets, int number, const std::string& name) {
        const juce::File file(name);
        if (!sets) {
            const juce::MemoryBlock data = rack_.preset(number);
            file.replaceWithData(data.getData(), data.getSize());
            return answer({{"bytes", data.getSize()}});
        }
        juce::MemoryBlock data;
        file.loadFileAsData(data);
        answer({{"taken", rack_.setPreset(number, data)}});
    }

    void play(const Json& order) {
        const std::string output = order.at("output");
        const Playing how{order.at("frames"), order.at("blocks"), !output.empty()};
        const Played played = rack_.play(readSong(order.at("input")), how);
        std::ofstream file(output, std::ios::binary);
        const size_t count = rack_.latencies().size();
        for (size_t i = 0; i < count && how.keeps; ++i) {
            const auto& heard = rack_.heard(static_cast<int>(i));
            for (int row = 0; row < heard.getNumChannels(); ++row)
                file.write(reinterpret_cast<const char*>(heard.getReadPointer(row)),
                           static_cast<std::streamsize>(sizeof(float)) * how.frames);
        }
        file.close();
        answer({{"seconds", played.seconds},
                {"longest_ms", played.longestMs},
                {"stalls", played.stalls},
                {"latencies", rack_.latencies()}});
    }

    Rack rack_;
    std::thread audio_;
    std::mutex mutex_;
};

}  // namespace

int main() {
    const juce::ScopedJuceInitialiser_GUI juce;
    Host host;
    std::thread reader([&host] {
        std::string line;
        while (std::getline(std::cin, line)) {
            juce::MessageManager::callAsync([&host, line] {
                try {
                    host.take(Json::parse(line));
                } catch (const std::exception& error) {
                    host.answer({{"problem", error.what()}});
                }
            });
        }
        juce::MessageManager::callAsync(
            [] { juce::MessageManager::getInstance()->stopDispatchLoop(); });
    });
    juce::MessageManager::getInstance()->runDispatchLoop();
    std::cin.setstate(std::ios::eofbit);
    reader.detach();
}
