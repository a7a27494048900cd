/// What a plug-in and its user are told of the link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/messages.h"

namespace stembridge::link {

enum class Stage {
    kAsleep,       ///< nothing was played or asked for yet
    kUnreachable,  ///< there is no sidecar, or it cannot be used
    kStarting,     ///< a sidecar is being started
    kConnecting,   ///< it is there and has not let us in yet
    kPreparing,    ///< it makes the model ready
    kRefused,      ///< it does not grant what is wanted
    kConnected,    ///< it grants it, but nothing is played
    kPlaying,      ///< input goes there and stems come
};

struct Status {
    Stage stage = Stage::kAsleep;
    std::string text = "not connected yet; play something";  ///< what is, and what to do: one line
    std::string what;         ///< of kPreparing: what is being done
    std::int64_t done = 0;    ///< steps of it
    std::int64_t total = 0;   ///< in all; 0 for unknown
    std::int64_t losses = 0;  ///< how often a server or worker was lost while playing
    std::int64_t load = -1;   ///< per mille of the time its device was busy of late; -1 for unknown

    std::vector<std::string> presets;  ///< names of those of the sidecar that was there last

    /// What was granted last: its `plan` is to be saved with the project. `agreements` counts up
    /// with every one.
    std::optional<protocol::Configured> agreed;
    std::int64_t agreements = 0;
    /// What `agreed` answers: not the newest wish where that was refused.
    std::optional<protocol::Configure> asked;
    /// Why the newest wish is not granted, "" while it may be; and the code of
    /// docs/PROTOCOL.md, Errors. What was granted before it goes on.
    std::string refusal;
    std::string refusalCode;
};

}  // namespace stembridge::link
