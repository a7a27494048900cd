/// The latency before any connection: by the plan that a project has, or by that of `spectral`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "link/calibration.h"
#include "protocol/messages.h"

namespace stembridge {

/// What a fresh instance asks for: always there, and quick on every machine.
inline constexpr std::string_view kDefaultModel = "spectral";

/// What the host does, as far as a plan depends on it.
struct HostFrames {
    std::int64_t rate = 48'000;  ///< in Hz
    std::int64_t block = 512;    ///< most frames of a call that were announced, at least 1

    friend bool operator==(const HostFrames&, const HostFrames&) = default;
};

/// The plan of `spectral` with which every machine keeps up that can play live. The sidecar is
/// asked for just this one, so that the latency is final before anything is connected. measured:
/// what its runs take on this machine where that is known; a slower one gets more time. Any thread.
protocol::SavedPlan defaultPlan(const HostFrames& host,
                                const std::optional<link::RunCost>& measured = std::nullopt);

/// `plan`, made for a host at `rate` Hz, for one with another rate or with larger blocks: the same
/// in all that the model is concerned with. Nothing where that cannot work. Any thread.
std::optional<protocol::SavedPlan> forHost(protocol::SavedPlan plan, std::int64_t rate,
                                           const HostFrames& host);

/// Host frames by which stems trail the input under `plan` at this rate; 0 for a plan that cannot
/// work, or with a latency of more than a minute. Any thread; any numbers may come.
std::int64_t latencyOf(const protocol::SavedPlan& plan, std::int64_t rate);

}  // namespace stembridge
