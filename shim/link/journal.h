/// What an instance writes down for whoever wants to prove what it played: a file of JSON lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "core/track.h"
#include "link/feed.h"
#include "protocol/messages.h"

namespace stembridge::link {

/// Appends to the file that STEMBRIDGE_PLUGIN_LOG names; without that does nothing.
///
/// Several instances and processes may share a file: each line is written at once, and its
/// `instance` is a random name. Every line has `event`, `frame`, the next absolute frame of the
/// input, and `late` and `replaced`, the counts of the track by then. The events:
///
///     epoch   RESET was sent: epoch, grid (the absolute frame where its hops begin), start (of
///             what is sent), host, model, rate, block, latency and the plan
///     sound   the first sample of a grid that is not 0 was sent: sound, its absolute frame, and
///             origin: for a file that begins just there, the N of `stembridge stream --origin N`
///     counts  late or replaced have changed
///     end     the track is done with
///
/// What cannot be written is left out. All of it: link thread.
class Journal {
public:
    /// host: its name. file: to append to; empty for none.
    Journal(std::string host, std::filesystem::path file);

    /// Something goes to the sidecar, for the track that plays what was agreed to for `wish`.
    void send(const Outgoing& what, const Track& track, const protocol::Configure& wish,
              const protocol::Configured& agreed);
    /// Time has passed. null: there is no track.
    void look(const Track* track, std::int64_t nowUs);
    /// The track is not played any more, or the client leaves. null: there was none.
    void end(const Track* track);

private:
    struct Counts {
        std::int64_t late = 0;
        std::int64_t replaced = 0;
        bool operator==(const Counts&) const = default;
    };

    void listen(const protocol::Audio& audio, const Track& track);
    void write(const char* event, const Track& track, const nlohmann::ordered_json& more);

    const std::string host_;
    const std::filesystem::path file_;
    std::string instance_;
    std::optional<std::int64_t> grid_;  // of the newest epoch
    bool isHeard_ = false;              // it had a sample that is not 0
    std::int64_t dueUs_ = 0;            // when counts may be written again
    Counts counts_;                     // as they were written
};

}  // namespace stembridge::link
