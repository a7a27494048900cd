#pragma once

#include <cstdint>

namespace stembridge {

/// In one second: allowances are told in microseconds, so that they hold at every rate.
inline constexpr std::int64_t kMicroseconds = 1'000'000;

/// The largest whole number up to `count * target / source`.
///
/// For `count` of 0 or more. Exact for any count whose result fits: only the remainder of the
/// division is multiplied before it is divided.
constexpr std::int64_t floorScaled(std::int64_t count, std::int64_t source, std::int64_t target) {
    return count / source * target + count % source * target / source;
}

/// The smallest whole number from `count * target / source` on; else as `floorScaled`.
constexpr std::int64_t ceilScaled(std::int64_t count, std::int64_t source, std::int64_t target) {
    return count / source * target + (count % source * target + source - 1) / source;
}

}  // namespace stembridge
