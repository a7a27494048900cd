/// What a project keeps of an instance besides the host's own automation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plugin/default_plan.h"
#include "protocol/messages.h"

namespace stembridge {

/// A plan that was granted, and for what: with it a project has the same latency wherever it opens.
struct KeptPlan {
    std::int64_t rate = 0;  ///< of the host, in Hz
    protocol::SavedPlan plan;

    friend bool operator==(const KeptPlan&, const KeptPlan&) = default;
};

/// What is asked of the sidecar; changes the latency, so it is no parameter.
struct Wanted {
    std::string model{kDefaultModel};
    std::int64_t latencyUs = 0;  ///< 0 for the smallest
    std::string preset{};        ///< whose effects the stems pass in the sidecar; "" for none
    std::optional<KeptPlan> kept;

    friend bool operator==(const Wanted&, const Wanted&) = default;
};

/// Size of the editor; 0 for its own.
struct EditorSize {
    int width = 0;
    int height = 0;

    friend bool operator==(const EditorSize&, const EditorSize&) = default;
};

/// One project's settings of one instance. Values of parameters are in their own units, by id.
struct State {
    Wanted wanted;
    std::map<std::string, float> parameters;
    EditorSize editor;
    bool isNewer = false;  ///< saved by a newer plug-in, which may have said more than was taken

    friend bool operator==(const State&, const State&) = default;
};

/// JSON, with the version of its layout. Not for the audio thread.
std::string encodeState(const State& state);

/// What `data`, any bytes, say; nothing where that is no state at all. What is damaged, of a newer
/// version or out of range in it is left out, and the rest is taken. Not for the audio thread.
std::optional<State> decodeState(std::span<const char> data);

/// Whether a project may ask for this model: the name of one, never a path or an address. Any
/// thread.
bool isModelName(std::string_view name);

/// Whether a project may ask for this preset: the name of one, never a path. Any thread.
bool isPresetName(std::string_view name);

}  // namespace stembridge
