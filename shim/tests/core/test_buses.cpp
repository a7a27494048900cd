#include <doctest/doctest.h>

#include "core/buses.h"

using namespace stembridge;

TEST_CASE("stems go to the buses of their names, in the order of the buses") {
    const std::vector<std::string> sources = {"drums", "bass", "other", "vocals"};
    const Lanes lanes(sources);
    REQUIRE(lanes.buses() == std::vector{Bus::Vocals, Bus::Drums, Bus::Bass, Bus::Other});
    REQUIRE(lanes.ofSources() == std::vector{1, 2, 3, 0});
    REQUIRE(lanes.carrier() == 3);
}

TEST_CASE("Other carries the dry signal even without a model, and stems without a bus") {
    REQUIRE(Lanes().buses() == std::vector{Bus::Other});
    REQUIRE(Lanes().carrier() == 0);
    const std::vector<std::string> sources = {"strings", "piano", "choir"};
    const Lanes lanes(sources);
    REQUIRE(lanes.buses() == std::vector{Bus::Other, Bus::Piano});
    REQUIRE(lanes.ofSources() == std::vector{0, 1, 0});
}
