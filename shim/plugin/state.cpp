#include "plugin/state.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "protocol/limits.h"

namespace stembridge {
namespace {

using Json = nlohmann::json;
using protocol::SavedPlan;

// The layout. A newer one only adds fields, as older plug-ins read what they know of it.
constexpr int kVersion = 1;
constexpr std::size_t kBytes = 64 * 1024;  // a state has less than 2 KB
constexpr std::size_t kDepth = 4;
constexpr std::size_t kModelBytes = 64;
constexpr std::size_t kParameters = 256;
constexpr int kEditorPixels = 10'000;

struct PlanField {
    const char* name;
    std::int64_t SavedPlan::*at;
};

constexpr std::array<PlanField, 13> kPlanFields{{{"hop", &SavedPlan::hop},
                                                 {"lookahead", &SavedPlan::lookahead},
                                                 {"window", &SavedPlan::window},
                                                 {"fade", &SavedPlan::fade},
                                                 {"model_rate", &SavedPlan::modelRate},
                                                 {"compute_us", &SavedPlan::computeUs},
                                                 {"transport_us", &SavedPlan::transportUs},
                                                 {"margin_us", &SavedPlan::marginUs},
                                                 {"polling_us", &SavedPlan::pollingUs},
                                                 {"guard", &SavedPlan::guard},
                                                 {"burst", &SavedPlan::burst},
                                                 {"block", &SavedPlan::block},
                                                 {"effects", &SavedPlan::effects}}};

// The whole number `name` within bounds; nothing where there is none.
std::optional<std::int64_t> whole(const Json& from, const char* name, std::int64_t most) {
    const auto entry = from.find(name);
    if (entry == from.end() || !entry->is_number_unsigned()) return std::nullopt;
    const auto value = entry->get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(most)) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

Json encodePlan(const KeptPlan& kept) {
    Json to{{"rate", kept.rate}};
    for (const PlanField& field : kPlanFields) to[field.name] = kept.plan.*field.at;
    return to;
}

// All of it or nothing: a plan with one number changed is another one.
std::optional<KeptPlan> decodePlan(const Json& from) {
    KeptPlan kept;
    const auto rate = whole(from, "rate", protocol::kRateMax);
    if (!rate) return std::nullopt;
    kept.rate = *rate;
    for (const PlanField& field : kPlanFields) {
        // Projects of before there were presets do not speak of effects.
        if (field.at == &SavedPlan::effects && !from.contains(field.name)) continue;
        const auto value = whole(from, field.name, std::numeric_limits<std::int64_t>::max());
        if (!value) return std::nullopt;
        kept.plan.*field.at = *value;
    }
    if (latencyOf(kept.plan, kept.rate) == 0) return std::nullopt;
    return kept;
}

Wanted decodeWanted(const Json& from) {
    Wanted wanted;
    if (!from.is_object()) return wanted;
    const auto model = from.find("model");
    if (model != from.end() && model->is_string()) {
        const auto& name = model->get_ref<const std::string&>();
        if (isModelName(name)) wanted.model = name;
        // The plan is that of the model which was not taken.
        if (!isModelName(name)) return wanted;
    }
    wanted.latencyUs = whole(from, "latency_us", protocol::kDurationUs).value_or(0);
    const auto preset = from.find("preset");
    if (preset != from.end()) {
        const auto* const name = preset->get_ptr<const std::string*>();
        if (name == nullptr || !isPresetName(*name)) return wanted;
        wanted.preset = *name;
    }
    const auto plan = from.find("plan");
    if (plan != from.end() && plan->is_object()) wanted.kept = decodePlan(*plan);
    return wanted;
}

std::map<std::string, float> decodeParameters(const Json& from) {
    std::map<std::string, float> parameters;
    if (!from.is_object() || from.size() > kParameters) return parameters;
    for (const auto& [id, value] : from.items()) {
        if (!value.is_number()) continue;
        const auto number = value.get<double>();
        if (std::abs(number) <= std::numeric_limits<float>::max())
            parameters[id] = static_cast<float>(number);
    }
    return parameters;
}

EditorSize decodeEditor(const Json& from) {
    if (!from.is_object()) return {};
    const auto width = whole(from, "width", kEditorPixels);
    const auto height = whole(from, "height", kEditorPixels);
    if (!width || !height) return {};
    return {static_cast<int>(*width), static_cast<int>(*height)};
}

// Deeper than we ever nest, or no JSON: not worth being built.
std::optional<Json> parse(std::span<const char> data) {
    std::size_t deepest = 0;
    const auto watch = [&deepest](int depth, Json::parse_event_t, Json&) {
        deepest = std::max(deepest, static_cast<std::size_t>(depth));
        return static_cast<std::size_t>(depth) <= kDepth;
    };
    Json found = Json::parse(data.begin(), data.end(), watch, false);
    if (deepest > kDepth || !found.is_object()) return std::nullopt;
    return found;
}

const Json& part(const Json& of, const char* name) {
    static const Json nothing;
    const auto entry = of.find(name);
    return entry == of.end() ? nothing : *entry;
}

}  // namespace

std::string encodeState(const State& state) {
    Json wanted{{"model", state.wanted.model}, {"latency_us", state.wanted.latencyUs}};
    if (!state.wanted.preset.empty()) wanted["preset"] = state.wanted.preset;
    if (state.wanted.kept) wanted["plan"] = encodePlan(*state.wanted.kept);
    Json to{{"stem_bridge", kVersion}, {"wanted", std::move(wanted)}};
    to["parameters"] = state.parameters;
    to["editor"] = {{"width", state.editor.width}, {"height", state.editor.height}};
    return to.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::optional<State> decodeState(std::span<const char> data) {
    if (data.size() > kBytes) return std::nullopt;
    const std::optional<Json> found = parse(data);
    if (!found) return std::nullopt;
    const auto version = whole(*found, "stem_bridge", std::numeric_limits<int>::max());
    if (!version) return std::nullopt;
    return State{decodeWanted(part(*found, "wanted")), decodeParameters(part(*found, "parameters")),
                 decodeEditor(part(*found, "editor")), *version > kVersion};
}

bool isModelName(std::string_view name) {
    constexpr std::string_view kOthers = "_-:=,";
    const auto isFine = [&](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || kOthers.find(letter) != std::string_view::npos;
    };
    return !name.empty() && name.size() <= kModelBytes &&
           std::all_of(name.begin(), name.end(), isFine);
}

bool isPresetName(std::string_view name) {
    constexpr std::string_view kNever = "/\\:.";
    const auto isFine = [&](char letter) {
        return static_cast<unsigned char>(letter) >= ' ' && letter != '\x7f' &&
               kNever.find(letter) == std::string_view::npos;
    };
    return !name.empty() && name.size() <= protocol::kPresetBytes &&
           std::all_of(name.begin(), name.end(), isFine);
}

}  // namespace stembridge
