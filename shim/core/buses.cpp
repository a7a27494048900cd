#include "core/buses.h"

#include <algorithm>

namespace stembridge {

Bus busFor(std::string_view source) {
    const auto found = std::find(kBusNames.begin(), kBusNames.end(), source);
    return found == kBusNames.end() ? Bus::Other : static_cast<Bus>(found - kBusNames.begin());
}

Lanes::Lanes(std::span<const std::string> sources) {
    std::array<bool, kBuses> used{};
    used[indexOf(Bus::Other)] = true;
    for (const std::string& source : sources) used[indexOf(busFor(source))] = true;

    std::array<int, kBuses> laneOf{};
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        laneOf[bus] = count();
        if (used[bus]) buses_.push_back(static_cast<Bus>(bus));
    }
    for (const std::string& source : sources) ofSources_.push_back(laneOf[indexOf(busFor(source))]);
    carrier_ = laneOf[indexOf(Bus::Other)];
}

}  // namespace stembridge
