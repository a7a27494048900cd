#include "link/journal.h"

#include <algorithm>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "protocol/schemas.h"

namespace stembridge::link {
namespace {

using Line = nlohmann::ordered_json;

// Between two times at which counts are written that go on changing.
constexpr std::int64_t kCountsUs = 50'000;

std::string randomName() {
    constexpr std::size_t kDigits = 8;
    std::random_device random;
    std::string name(kDigits, '0');
    for (char& digit : name) {
        digit = "0123456789abcdef"[random() % 16];
    }
    return name;
}

Line listed(const protocol::SavedPlan& plan) {
    Line to;
    const auto add = [&](const auto& field) { to[std::string(field.name)] = plan.*field.member; };
    std::apply([&](const auto&... field) { (add(field), ...); },
               protocol::Schema<protocol::SavedPlan>::fields);
    return to;
}

// The first frame of a block in which any channel is not 0; as many as it has where all are.
std::int64_t silence(const protocol::InputBlock& block) {
    const auto frames = static_cast<std::size_t>(block.frames);
    std::vector<float> row(frames);
    std::size_t silent = frames;
    for (std::int64_t channel = 0; channel < block.channels; ++channel) {
        block.samples.copy(static_cast<std::size_t>(channel) * frames, row);
        const auto heard = std::find_if(row.begin(), row.end(), [](float s) { return s != 0.0F; });
        silent = std::min(silent, static_cast<std::size_t>(heard - row.begin()));
    }
    return static_cast<std::int64_t>(silent);
}

}  // namespace

Journal::Journal(std::string host, std::filesystem::path file)
    : host_(std::move(host)), file_(std::move(file)) {
    if (!file_.empty()) {
        instance_ = randomName();
    }
}

void Journal::send(const Outgoing& what, const Track& track, const protocol::Configure& wish,
                   const protocol::Configured& agreed) {
    if (file_.empty()) {
        return;
    }
    if (const auto* reset = std::get_if<protocol::Reset>(&what.message)) {
        isHeard_ = isHeard_ && grid_ == reset->origin;
        grid_ = reset->origin;
        write("epoch", track,
              Line{{"epoch", reset->epoch},
                   {"grid", reset->origin},
                   {"start", reset->start},
                   {"host", host_},
                   {"model", agreed.model},
                   {"rate", wish.rate},
                   {"block", wish.block},
                   {"latency", agreed.latency},
                   {"plan", listed(agreed.plan)}});
    } else if (const auto* audio = std::get_if<protocol::Audio>(&what.message)) {
        listen(*audio, track);
    }
}

void Journal::listen(const protocol::Audio& audio, const Track& track) {
    const std::int64_t silent = isHeard_ ? audio.audio.frames : silence(audio.audio);
    if (silent < audio.audio.frames && grid_) {
        isHeard_ = true;
        const std::int64_t sound = audio.start + silent;
        write("sound", track, Line{{"sound", sound}, {"origin", *grid_ - sound}});
    }
}

void Journal::look(const Track* track, std::int64_t nowUs) {
    if (file_.empty() || track == nullptr || nowUs < dueUs_) {
        return;
    }
    if (counts_ != Counts{track->lateFrames(), track->replacedFrames()}) {
        dueUs_ = nowUs + kCountsUs;
        write("counts", *track, Line::object());
    }
}

void Journal::end(const Track* track) {
    if (file_.empty() || track == nullptr) {
        return;
    }
    write("end", *track, Line::object());
    counts_ = {};
    grid_.reset();
    isHeard_ = false;
}

void Journal::write(const char* event, const Track& track, const Line& more) {
    counts_ = {track.lateFrames(), track.replacedFrames()};
    Line whole{{"instance", instance_},
               {"event", event},
               {"frame", track.position()},
               {"late", counts_.late},
               {"replaced", counts_.replaced}};
    whole.update(more);
    try {
        // A host may say any bytes for its name.
        const std::string text =
            whole.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        std::ofstream(file_, std::ios::app | std::ios::binary) << text;
    } catch (const std::exception&) {  // nobody plays any worse for it
    }
}

}  // namespace stembridge::link
