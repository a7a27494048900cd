#pragma once

#include <cstdint>

#include "core/live_plan.h"

namespace stembridge {

/// Fewest host frames by which stems must trail the input so that none is ever late.
///
/// docs/LATENCY.md derives it; the sidecar has the same function, and tests/vectors/latency.json
/// ties the two together, so that a host is told the right latency before anything is connected.
///
/// plan: one that is possible. block: most host frames of one call, at least 1; any smaller number
/// may come at any time. burst: host frames by which the host may run ahead of the clock. guard:
/// host frames beyond a call's own that must be there as well. allowanceUs: microseconds that may
/// pass from a run's last input frame to its stems, at least 1. effects: host frames after its own
/// that a stem frame waits for in what the stems pass through. The result is at least 1.
std::int64_t latency(const LivePlan& plan, std::int64_t block, std::int64_t burst,
                     std::int64_t guard, std::int64_t allowanceUs, std::int64_t effects);

}  // namespace stembridge
