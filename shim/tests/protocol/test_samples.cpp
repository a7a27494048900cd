/// Samples are read in place, wherever they lie.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "protocol/samples.h"

namespace stembridge::protocol {
namespace {

TEST_CASE("a channel of a stem is copied from any address") {
    const std::vector<float> samples{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    for (std::size_t shift = 0; shift < sizeof(float); ++shift) {
        std::vector<std::byte> memory(shift + samples.size() * sizeof(float));
        std::memcpy(memory.data() + shift, samples.data(), samples.size() * sizeof(float));
        const StemBlock block{2, 2, 3, Samples(std::span<const std::byte>(memory).subspan(shift))};
        std::vector<float> channel(2);
        block.copy(1, 0, 1, channel);
        CHECK(channel == std::vector<float>{7, 8});
    }
}

TEST_CASE("what is not finite counts as 0") {
    using Limits = std::numeric_limits<float>;
    const std::vector<float> samples{1.0F, Limits::quiet_NaN(), Limits::infinity(),
                                     -Limits::infinity(), Limits::denorm_min()};
    std::vector<float> found(5);
    Samples(std::span(samples)).copy(0, found);
    CHECK(found == std::vector<float>{1.0F, 0.0F, 0.0F, 0.0F, Limits::denorm_min()});
}

}  // namespace
}  // namespace stembridge::protocol
