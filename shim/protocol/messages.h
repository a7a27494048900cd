/// The messages between a client and the server; docs/PROTOCOL.md says when each may be sent.
///
/// Times are host frames unless a field says otherwise, and microseconds where a name ends in `Us`.
/// On the wire a field is called the same in snake_case. Messages are plain values: `encode` checks
/// what is sent (schemas.h has each field's range), `decode` what came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "protocol/samples.h"

namespace stembridge::protocol {

/// Of the protocol. The major one changes when what is there changes its meaning.
struct Version {
    std::int64_t major = 1;
    std::int64_t minor = 0;
    bool operator==(const Version&) const = default;
};

/// The version that this code speaks.
inline constexpr Version kVersion{1, 0};

enum class Precision { kExact, kFast };

/// Everything besides the host's rate that the latency depends on, as a project keeps it.
/// hop, lookahead, window and fade are model frames.
struct SavedPlan {
    std::int64_t hop = 0;
    std::int64_t lookahead = 0;
    std::int64_t window = 0;
    std::int64_t fade = 0;
    std::int64_t modelRate = 0;
    std::int64_t computeUs = 0;
    std::int64_t transportUs = 0;
    std::int64_t marginUs = 0;
    std::int64_t pollingUs = 0;
    std::int64_t guard = 0;
    std::int64_t burst = 0;
    std::int64_t block = 0;
    std::int64_t effects = 0;  ///< host frames that stems wait for in a preset's effects
    bool operator==(const SavedPlan&) const = default;
};

/// Opens the control socket; the server answers WELCOME, or ERROR `version`.
struct Hello {
    Version version = kVersion;
    std::string client{};
};

/// A new session. heartbeatUs: each side sends something at least this often.
struct Welcome {
    Version version = kVersion;
    std::string server{};
    std::uint64_t session = 0;
    std::int64_t heartbeatUs = 0;
    std::int64_t maxFrames = 0;
    std::vector<std::string> capabilities{};
    std::vector<std::string> presets{};  ///< names that CONFIGURE may have
};

/// Asks for a plan; answered by PROGRESS any number of times, then CONFIGURED or ERROR.
struct Configure {
    std::uint64_t session = 0;
    std::int64_t request = 0;
    std::int64_t rate = 0;
    std::int64_t block = 0;
    std::int64_t channels = 0;
    std::string model{};
    Precision precision = Precision::kExact;
    std::int64_t latencyUs = 0;   ///< 0 for the smallest
    std::int64_t burst = -1;      ///< -1 for two blocks
    std::int64_t context = 0;     ///< model frames; 0 for the full window
    std::int64_t lookahead = -1;  ///< model frames; -1 for the model's
    std::int64_t transportUs = 0;
    bool residual = true;
    bool realtime = true;
    std::optional<SavedPlan> saved{};  ///< the plan to keep, from an earlier CONFIGURED
    std::string preset{};              ///< whose effects the stems pass; "" for none
};

/// What a request is waiting for: `done` of `total` steps, where total 0 is unknown.
struct Progress {
    std::uint64_t session = 0;
    std::int64_t request = 0;
    std::string what{};
    std::int64_t done = 0;
    std::int64_t total = 0;
};

/// The answer to CONFIGURE. credit: host frames that may be sent beyond `received`.
struct Configured {
    std::uint64_t session = 0;
    std::int64_t request = 0;
    std::int64_t latency = 0;
    SavedPlan plan{};
    std::vector<std::string> sources{};
    std::int64_t credit = 0;
    std::string model{};
    bool preview = false;
    std::string licence{};
    std::vector<std::string> warnings{};
    /// Of each of the sources in the mix of the preset, in hundredths of a dB, of which -kSilence is
    /// silence; none where it has no mix.
    std::vector<std::int64_t> gains{};
    std::int64_t phase = 0;  ///< that of every RESET with this plan
};

/// Asks for REPORT; needs no session.
struct Status {};

/// What the server does, as the MessagePack map that came: checked, and kept by somebody else.
struct Report {
    std::span<const std::byte> report{};
};

/// Asks the server to end; only from this machine. Answered by BYE with session 0.
struct Shutdown {};

/// Ends a session, from either side; session 0 is from a server that ends.
struct Bye {
    std::uint64_t session = 0;
};

/// Binds the audio socket it comes through to a session, and ends every open epoch of it.
struct Attach {
    std::uint64_t session = 0;
};

/// The answer to ATTACH.
struct Attached {
    std::uint64_t session = 0;
};

/// Opens an epoch whose hop grid lies `phase` before `origin`; the first frame to come is `start`.
struct Reset {
    std::uint64_t session = 0;
    std::int64_t epoch = 0;
    std::int64_t origin = 0;
    std::int64_t start = 0;
    std::int64_t request = 0;
    std::int64_t phase = 0;
};

/// Input from `start` on. got: where the last STEMS that came ended.
struct Audio {
    std::uint64_t session = 0;
    std::int64_t epoch = 0;
    std::int64_t start = 0;
    std::int64_t got = 0;
    InputBlock audio{};
};

/// Stems from `start` on. received: as in CREDIT. The samples lie in the frame that came.
struct Stems {
    std::uint64_t session = 0;
    std::int64_t epoch = 0;
    std::int64_t start = 0;
    std::int64_t received = 0;
    StemBlock audio{};
};

/// Input was used up to `received`, exclusive, and makes room for more.
struct Credit {
    std::uint64_t session = 0;
    std::int64_t epoch = 0;
    std::int64_t received = 0;
};

/// The input of the epoch ends at `stop`; what is left of its stems shall come.
struct Drain {
    std::uint64_t session = 0;
    std::int64_t epoch = 0;
    std::int64_t stop = 0;
};

/// The last STEMS of the epoch, up to `stop`, have been sent.
struct Drained {
    std::uint64_t session = 0;
    std::int64_t epoch = 0;
    std::int64_t stop = 0;
};

/// Answered by PONG with the same stamp. late: host frames of stems that came too late so far.
struct Ping {
    std::uint64_t stamp = 0;
    std::int64_t late = 0;
};

/// The answer to PING. load: per mille of the time for which the session's device was busy of late.
struct Pong {
    std::uint64_t stamp = 0;
    std::int64_t load = 0;
};

/// Something was refused or failed; session and request 0: it belongs to none. See codeNamed().
struct Error {
    std::string code{};
    std::string text{};
    std::string hint{};
    std::uint64_t session = 0;
    std::int64_t request = 0;
};

/// The worker of the epoch died; RESET with a new epoch and the same origin, and replay.
struct Lost {
    std::uint64_t session = 0;
    std::int64_t epoch = 0;
};

using Message = std::variant<Hello, Welcome, Configure, Progress, Configured, Status, Report,
                             Shutdown, Bye, Attach, Attached, Reset, Audio, Stems, Credit, Drain,
                             Drained, Ping, Pong, Error, Lost>;

}  // namespace stembridge::protocol
