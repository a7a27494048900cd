#include "core/conversion.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/rates.h"

namespace stembridge {

namespace {

constexpr double kAttenuationDb = 126.0;
constexpr double kAudibleHz = 20'000.0;  // where the lower rate is
constexpr double kAtRateHz = 44'100.0;   // this one; the same share of lower rates

/// Half the length of the filter in source frames.
///
/// Rounded up it has to equal what the sidecar computes, so the order of operations is the same.
double support(std::int64_t source, std::int64_t target) {
    const double low = static_cast<double>(std::min(source, target));
    const double passBand = std::min(kAudibleHz, low * kAudibleHz / kAtRateHz);
    const double width = low - 2 * passBand;
    return (kAttenuationDb - 8) / (2.285 * 2 * std::numbers::pi * width) / 2 *
           static_cast<double>(source);
}

}  // namespace

std::int64_t Conversion::needed(std::int64_t count) const {
    return count > 0 ? floorScaled(count - 1, target, source) + half + 1 : 0;
}

std::int64_t Conversion::ready(std::int64_t count) const {
    return count > half ? ceilScaled(count - half, source, target) : 0;
}

Conversion design(std::int64_t source, std::int64_t target) {
    if (source == target) return {source, target, 0};
    return {source, target, static_cast<std::int64_t>(std::ceil(support(source, target)))};
}

}  // namespace stembridge
