/// CONFIG/calibration.json, which the sidecar keeps: how long one run of a model takes on this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace stembridge::link {

/// What one run takes, with a margin: nearly all of them, and the longest.
struct RunCost {
    std::int64_t typicalUs = 1;
    std::int64_t worstUs = 1;

    friend bool operator==(const RunCost&, const RunCost&) = default;
};

/// The newest thorough measurements of `model` by the host's rate in Hz; none where there is no file
/// of the user's own, or it says anything else. It may be of another version of the model or of the
/// sidecar: a good guess, and no promise. Reads a file; any thread but the audio one.
std::map<std::int64_t, RunCost> measuredCosts(const std::filesystem::path& configFolder,
                                              std::string_view model);

/// What `content`, any text, says.
std::map<std::int64_t, RunCost> parseCalibration(const std::string& content,
                                                 std::string_view model);

}  // namespace stembridge::link
