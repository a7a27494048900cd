/// What is sent next, held against the Python client's feed: tests/vectors/feed.json.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "link/feed.h"

using namespace stembridge;
using namespace stembridge::link;
using Json = nlohmann::json;

namespace {

std::vector<float> signalOf(std::int64_t start, std::int64_t frames) {
    std::vector<float> samples;
    for (std::int64_t channel = 0; channel < 2; ++channel) {
        for (std::int64_t frame = start; frame < start + frames; ++frame) {
            samples.push_back(static_cast<float>((7 * frame + 13 * channel) % 251 - 125));
        }
    }
    return samples;
}

Json described(const std::optional<Outgoing>& next) {
    if (!next) {
        return nullptr;
    }
    if (const auto* reset = std::get_if<protocol::Reset>(&next->message)) {
        return {"reset", reset->epoch, reset->origin, reset->start, reset->request, reset->phase};
    }
    if (const auto* drain = std::get_if<protocol::Drain>(&next->message)) {
        return {"drain", drain->epoch, drain->stop};
    }
    const auto& audio = std::get<protocol::Audio>(next->message);
    REQUIRE(audio.audio.channels == 2);
    REQUIRE(audio.audio.samples.size() == static_cast<std::size_t>(2 * audio.audio.frames));
    std::int64_t sum = 0;
    std::int64_t weighted = 0;
    std::int64_t place = 0;
    for (const float sample : *next->samples) {
        sum += static_cast<std::int64_t>(sample);
        weighted += static_cast<std::int64_t>(sample) * ++place;
    }
    return {"audio", audio.epoch, audio.start, audio.audio.frames, audio.got, sum, weighted};
}

class Life {
public:
    explicit Life(const Json& life)
        : history_(2, life.at("capacity"), 0), feed_(history_, planOf(life.at("plan")), life.at("held")) {}

    void step(const Json& step) {
        const std::string kind = step[0];
        if (kind == "play") {
            const std::vector<float> samples = signalOf(history_.stop(), step[1]);
            history_.append({samples.data(), 2, step[1]});
        } else if (kind == "begin") {
            feed_.begin(step[1]);
        } else if (kind == "end") {
            feed_.end();
        } else if (kind == "lose") {
            feed_.lose(step[1].get<std::int64_t>());
        } else if (kind == "agree") {
            feed_.agree(step[1], step[2], step[3]);
        } else if (kind == "credit") {
            feed_.take(protocol::Credit{5, step[1], step[2]});
        } else if (kind == "stems") {
            protocol::Stems stems{5, step[1], step[2], step[4], {3, 2, step[3], {}}};
            feed_.take(stems);
        } else if (kind == "drained") {
            feed_.take(protocol::Drained{5, step[1], 0});
        } else {
            const auto next = feed_.next(5, step[1], step[2], step[3], step[4]);
            CHECK(described(next) == step[5]);
        }
    }

private:
    static LivePlan planOf(const Json& plan) {
        return {{plan[0], plan[1], plan[2]}, {plan[1], plan[0], plan[3]},
                plan[4],  plan[5],           plan[6], plan[7]};
    }

    History history_;
    Feed feed_;
};

}  // namespace

TEST_CASE("a feed sends what the Python client's does") {
    std::ifstream file(STEMBRIDGE_VECTORS "/feed.json");
    const Json lives = Json::parse(file).at("lives");
    REQUIRE(lives.size() >= 20);
    for (const Json& life : lives) {
        Life feed(life);
        for (const Json& step : life.at("steps")) {
            CAPTURE(step.dump());
            feed.step(step);
        }
    }
}

TEST_CASE("a history keeps what fits, and is silent where nothing came") {
    History history(2, 10, 0);
    const std::vector<float> first = signalOf(0, 25);
    history.append({first.data(), 2, 25});
    CHECK(history.start() == 15);
    history.skip(4);
    const std::vector<float> second = signalOf(29, 3);
    history.append({second.data(), 2, 3});
    CHECK(history.stop() == 32);
    std::vector<float> read(20);
    history.read({22, 10}, read.data(), 10);
    for (std::int64_t frame = 22; frame < 32; ++frame) {
        const bool gone = frame >= 25 && frame < 29;
        const auto at = static_cast<std::size_t>(frame - 22);
        CHECK(read[at] == (gone ? 0.0F : signalOf(frame, 1)[0]));
        CHECK(read[at + 10] == (gone ? 0.0F : signalOf(frame, 1)[1]));
    }
}
