#include "protocol/samples.h"

#include <cassert>
#include <cmath>
#include <cstring>

namespace stembridge::protocol {

void Samples::copy(std::size_t first, std::span<float> to) const {
    assert(first <= size() && to.size() <= size() - first);
    if (to.empty()) return;
    std::memcpy(to.data(), bytes_.data() + first * sizeof(float), to.size_bytes());
    for (float& sample : to) {
        if (!std::isfinite(sample)) sample = 0.0F;
    }
}

void StemBlock::copy(std::int64_t source, std::int64_t channel, std::int64_t from,
                     std::span<float> to) const {
    assert(source < sources && channel < channels &&
           from + static_cast<std::int64_t>(to.size()) <= frames);
    samples.copy(static_cast<std::size_t>((source * channels + channel) * frames + from), to);
}

}  // namespace stembridge::protocol
