/// docs/PROTOCOL.md, held against the tables of the code.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/limits.h"
#include "protocol/schemas.h"

namespace stembridge::protocol {
namespace {

std::string document() {
    std::ostringstream text;
    text << std::ifstream(STEMBRIDGE_DOCUMENT).rdbuf();
    return text.str();
}

/// The text from a heading up to the next one of its level or above.
std::string section(const std::string& heading) {
    const std::string all = document();
    const std::size_t begin = all.find("\n" + heading + "\n");
    if (begin == std::string::npos) return "";
    const std::size_t next = std::min(all.find("\n## ", begin + 1), all.find("\n### ", begin + 1));
    return all.substr(begin, next - begin);
}

/// The first two columns of the table in a section, where the first one is a name in backticks.
std::vector<std::pair<std::string, std::string>> rows(const std::string& heading) {
    std::istringstream text(section(heading));
    std::vector<std::pair<std::string, std::string>> found;
    for (std::string line; std::getline(text, line);) {
        if (!line.starts_with("| `")) continue;
        const std::size_t name = line.find('`', 3);
        if (line.compare(name, 4, "` | ") != 0) continue;
        const std::size_t value = name + 4;
        found.emplace_back(line.substr(3, name - 3),
                           line.substr(value, line.find(" |", value) - value));
    }
    return found;
}

template <typename R>
void checkFieldsOf(const std::string& name) {
    std::vector<std::string> expected;
    for (const auto& row : rows("### " + name)) expected.push_back(row.first);
    std::vector<std::string> found;
    std::apply([&](const auto&... field) { (found.emplace_back(field.name), ...); },
               Schema<R>::fields);
    CAPTURE(name);
    CHECK(found == expected);
}

TEST_CASE("every message has the fields of the page, in that order") {
    checkFieldsOf<SavedPlan>("SavedPlan");
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (checkFieldsOf<std::variant_alternative_t<I, Message>>(
             std::string(Schema<std::variant_alternative_t<I, Message>>::name)),
         ...);
    }(std::make_index_sequence<std::variant_size_v<Message>>());
}

TEST_CASE("there is no message on the page that the code does not have") {
    std::istringstream text(document());
    std::size_t messages = 0;
    for (std::string line; std::getline(text, line);) {
        const bool shouted = line.starts_with("### ") &&
                             line.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
        messages += shouted;
    }
    CHECK(messages == std::variant_size_v<Message>);
}

TEST_CASE("the limits are those of the page") {
    const std::map<std::string, std::uint64_t> limits{
        {"HEADER_BYTES", kHeaderBytes},
        {"HEADER_ITEMS", kHeaderItems},
        {"STRING_BYTES", kStringBytes},
        {"TEXT_BYTES", kTextBytes},
        {"SOURCE_BYTES", kSourceBytes},
        {"SOURCES", kSources},
        {"WARNINGS", kWarnings},
        {"CAPABILITIES", kCapabilities},
        {"PRESETS", kPresets},
        {"PRESET_BYTES", kPresetBytes},
        {"SILENCE", kSilence},
        {"GAIN", kGain},
        {"CHANNELS", kChannels},
        {"FRAMES", kFrames},
        {"PAYLOAD_BYTES", kPayloadBytes},
        {"TREE_BYTES", kTreeBytes},
        {"TREE_ITEMS", kTreeItems},
        {"TREE_DEPTH", kTreeDepth},
        {"RATE_MIN", kRateMin},
        {"RATE_MAX", kRateMax},
        {"BLOCK", kBlock},
        {"DURATION_US", kDurationUs},
        {"SPAN_FRAMES", kSpanFrames},
        {"FRAME", kFrame},
        {"NUMBER", kNumber},
        {"TOKEN", kToken},
        {"EPOCHS", kEpochs},
        {"PLANS", kPlans},
        {"MISSED_HEARTBEATS", kMissedHeartbeats},
        {"GREETING_US", kGreetingUs},
    };
    const auto expected = rows("## Limits");
    CHECK(expected.size() == limits.size());
    for (const auto& [name, value] : expected) {
        CAPTURE(name);
        REQUIRE(limits.contains(name));
        CHECK(std::to_string(limits.at(name)) == value);
    }
}

TEST_CASE("the codes are those of the page") {
    const auto expected = rows("## Errors");
    REQUIRE(expected.size() == static_cast<std::size_t>(Code::kInternal) + 1);
    for (std::size_t place = 0; place < expected.size(); ++place) {
        CHECK(nameOf(static_cast<Code>(place)) == expected[place].first);
        CHECK(codeNamed(expected[place].first) == static_cast<Code>(place));
    }
    CHECK(codeNamed("of tomorrow") == Code::kInternal);
}

}  // namespace
}  // namespace stembridge::protocol
