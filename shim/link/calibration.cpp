#include "link/calibration.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "link/private_files.h"
#include "protocol/limits.h"

namespace stembridge::link {
namespace {

using Json = nlohmann::json;

// As bridge/runtime/calibration.py has them.
constexpr int kVersion = 3;
constexpr std::size_t kFileBytes = std::size_t{1} << 20;

// The text `name` of a key, "" without any.
std::string_view textOf(const Json& key, const char* name) {
    const auto entry = key.find(name);
    return entry != key.end() && entry->is_string()
               ? std::string_view(entry->get_ref<const std::string&>())
               : std::string_view();
}

// Of the whole of its window, without effects, and measured for long.
bool isUsual(const Json& key) {
    return textOf(key, "context") == "0" && textOf(key, "lookahead") == "-1" &&
           textOf(key, "measured") == "full" && !key.contains("effects");
}

std::optional<std::int64_t> rateOf(const Json& key) {
    const std::string_view text = textOf(key, "rate");
    std::int64_t rate = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const bool isWhole = error == std::errc() && end == text.data() + text.size();
    return isWhole ? std::optional(rate) : std::nullopt;
}

std::optional<std::int64_t> timeOf(const Json& entry, const char* name) {
    const auto found = entry.find(name);
    if (found == entry.end() || !found->is_number_unsigned()) return std::nullopt;
    const auto us = found->get<std::uint64_t>();
    if (us < 1 || us > static_cast<std::uint64_t>(protocol::kDurationUs)) return std::nullopt;
    return static_cast<std::int64_t>(us);
}

}  // namespace

std::map<std::int64_t, RunCost> parseCalibration(const std::string& content,
                                                 std::string_view model) {
    std::map<std::int64_t, RunCost> costs;
    const Json found = Json::parse(content, nullptr, false);
    if (!found.is_object() || found.value("version", Json()) != kVersion) return costs;
    const Json entries = found.value("entries", Json());
    if (!entries.is_array()) return costs;
    for (const Json& entry : entries) {  // the newest is the last
        if (!entry.is_object()) continue;
        const Json key = entry.value("key", Json());
        if (!key.is_object() || textOf(key, "model") != model || !isUsual(key)) continue;
        const auto rate = rateOf(key);
        const auto typicalUs = timeOf(entry, "typical_us"), worstUs = timeOf(entry, "worst_us");
        if (rate && typicalUs && worstUs) costs[*rate] = RunCost{*typicalUs, *worstUs};
    }
    return costs;
}

std::map<std::int64_t, RunCost> measuredCosts(const std::filesystem::path& configFolder,
                                              std::string_view model) {
    const Outcome<std::string> content =
        readPrivate(configFolder / "calibration.json", kFileBytes, false);
    return content ? parseCalibration(*content, model) : std::map<std::int64_t, RunCost>();
}

}  // namespace stembridge::link
