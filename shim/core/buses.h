#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stembridge {

/// The stem buses of the plugin. They are fixed, whatever model runs, and in this order.
enum class Bus : std::size_t { Vocals, Drums, Bass, Other, Guitar, Piano };

inline constexpr std::size_t kBuses = 6;

/// What models call the stems of the buses.
inline constexpr std::array<std::string_view, kBuses> kBusNames = {"vocals", "drums",  "bass",
                                                                   "other",  "guitar", "piano"};

constexpr std::size_t indexOf(Bus bus) { return static_cast<std::size_t>(bus); }

/// The bus of a stem. One that has none of its own is heard in Other, so that nothing is lost.
Bus busFor(std::string_view source);

/// Which stems of a model go to which buses, and in which rows they are kept on their way there.
///
/// A lane is a bus that something may be heard on: those of the model's stems, and Other, which
/// carries the dry signal where stems are missing.
class Lanes {
public:
    /// sources: names of the model's stems, in its order; none before a model is known.
    explicit Lanes(std::span<const std::string> sources = {});

    int count() const { return static_cast<int>(buses_.size()); }

    /// The bus of each lane, in the order of the buses.
    const std::vector<Bus>& buses() const { return buses_; }

    /// The lane of each stem of the model; several may share that of Other.
    const std::vector<int>& ofSources() const { return ofSources_; }

    /// The lane of Other.
    int carrier() const { return carrier_; }

private:
    std::vector<Bus> buses_;
    std::vector<int> ofSources_;
    int carrier_ = 0;
};

}  // namespace stembridge
