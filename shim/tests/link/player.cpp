// Plays a signal through the sidecar as a host that renders does, and writes what comes back.
//
//     link_player '{"model": "fake", "rate": 48000, "block": 512, "origin": 0, "input": FILE,
//                   "output": FILE, "pause": FRAME, "saved": {...} or null, "patience_us": N}'
//
// Files are float32, frames of two channels one after the other: (2, n) in, (6 buses, 2, n + latency)
// out. At frame `pause` it says so on standard output and waits for a line. At the end it says what
// happened in one line of JSON.
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "link/client.h"
#include "link/patience.h"

namespace {

using namespace stembridge;
using Json = nlohmann::json;

std::vector<float> readSamples(const std::string& name) {
    std::vector<float> samples(std::filesystem::file_size(name) / sizeof(float));
    std::ifstream file(name, std::ios::binary);
    file.read(reinterpret_cast<char*>(samples.data()),
              static_cast<std::streamsize>(samples.size() * sizeof(float)));
    return samples;
}

protocol::SavedPlan planFrom(const Json& found) {
    return {found.at("hop"),        found.at("lookahead"),    found.at("window"),
            found.at("fade"),       found.at("model_rate"),   found.at("compute_us"),
            found.at("transport_us"), found.at("margin_us"),  found.at("polling_us"),
            found.at("guard"),      found.at("burst"),        found.at("block")};
}

std::int64_t entries(const char* folder) {
    std::int64_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
        ++count;
    }
    return count;
}

// How many there are besides those that were joined, which /proc is slow to forget.
std::int64_t threads() {
    std::int64_t count = entries("/proc/self/task");
    for (int look = 0; look < 200 && count > 1; ++look) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        count = entries("/proc/self/task");
    }
    return count;
}

// Plays all of `input` and as much silence as the latency; what came, by bus and channel.
class Player {
public:
    Player(const Json& how, std::vector<float> input)
        : how_(how), input_(std::move(input)), frames_(static_cast<std::int64_t>(input_.size()) / 2) {
        Track::Config config;
        config.rate = how.at("rate");
        config.block = how.at("block");
        config.position = how.at("origin");
        track_ = std::make_shared<Track>(config);
    }

    Json play() {
        link::Client client("link_player", link::Service::shared());
        link::Patience patience(client, how_.at("patience_us"));
        if (const auto problem = client.play(track_, wish())) {
            return {{"problem", problem->text}};
        }
        const std::int64_t block = how_.at("block");
        const std::int64_t pause = how_.at("pause");
        for (std::int64_t at = 0; at < frames_ + track_->latency(); at += block) {
            if (pause >= at && pause < at + block) {
                std::cout << "paused" << std::endl;
                std::string line;
                std::getline(std::cin, line);
            }
            playBlock(at, block, patience);
        }
        const link::Status status = client.status();
        return {{"latency", track_->latency()}, {"late", track_->lateFrames()},
                {"replaced", track_->replacedFrames()}, {"losses", status.losses},
                {"text", status.text}, {"stage", static_cast<int>(status.stage)},
                {"sources", status.agreed ? status.agreed->sources : std::vector<std::string>()}};
    }

    void write(const std::string& name) const {
        std::ofstream file(name, std::ios::binary);
        for (const auto& row : heard_) {
            file.write(reinterpret_cast<const char*>(row.data()),
                       static_cast<std::streamsize>(row.size() * sizeof(float)));
        }
    }

private:
    protocol::Configure wish() const {
        protocol::Configure wish;
        wish.rate = how_.at("rate");
        wish.block = how_.at("block");
        wish.channels = 2;
        wish.model = how_.at("model");
        wish.realtime = false;
        if (!how_.at("saved").is_null()) {
            wish.saved = planFrom(how_.at("saved"));
        }
        return wish;
    }

    void playBlock(std::int64_t at, std::int64_t block, link::Patience& patience) {
        const auto size = static_cast<std::size_t>(block);
        std::array<std::vector<float>, 2> in{std::vector<float>(size), std::vector<float>(size)};
        for (std::int64_t i = 0; i < block && at + i < frames_; ++i) {
            in[0][static_cast<std::size_t>(i)] = input_[static_cast<std::size_t>(at + i)];
            in[1][static_cast<std::size_t>(i)] = input_[static_cast<std::size_t>(frames_ + at + i)];
        }
        Outputs out;
        for (std::size_t row = 0; row < heard_.size(); ++row) {
            heard_[row].resize(heard_[row].size() + size);
            out.stems[row / 2][row % 2] = heard_[row].data() + heard_[row].size() - size;
        }
        const std::array<const float*, 2> rows{in[0].data(), in[1].data()};
        track_->process(rows.data(), out, block, Controls{}, &patience);
    }

    const Json how_;
    const std::vector<float> input_;
    const std::int64_t frames_;
    std::shared_ptr<Track> track_;
    std::array<std::vector<float>, kBuses * 2> heard_;
};

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        return 2;
    }
    const Json how = Json::parse(arguments[1]);
    Player player(how, readSamples(how.at("input")));
    const std::int64_t files = entries("/proc/self/fd");
    Json result = player.play();
    result["threads"] = threads();
    result["files"] = entries("/proc/self/fd") - files;
    player.write(how.at("output"));
    std::cout << result.dump() << std::endl;
}
