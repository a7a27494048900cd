/// How an instance stands, in the words of its editor.
#pragma once

#include <cstdint>
#include <string>

#include "link/status.h"

namespace stembridge {

enum class Light { Idle, Good, Busy, Bad };

struct Standing {
    Light light = Light::Idle;
    std::string title;      ///< to be seen at a glance
    std::string words;      ///< what is, and what to do
    double progress = -1;   ///< of what is being made ready, 0 to 1; -1 for unknown
    bool hasStems = false;  ///< else the delayed input is heard

    friend bool operator==(const Standing&, const Standing&) = default;
};

/// Stems that were not there in time, as far as the user has not dismissed it.
struct Lateness {
    double seconds = 0;
    bool isRecent = false;
};

/// Any thread.
Standing standingOf(const link::Status& status, const Lateness& late);

/// Whether the model that was granted gives a stem of that bus; before that any but those that
/// few models have. Any thread.
bool givesBus(const link::Status& status, std::size_t bus);

/// A duration in words: "40 ms", "1.3 s". Any thread.
std::string durationText(double seconds);

/// A count with commas between thousands. Any thread.
std::string countText(std::int64_t count);

}  // namespace stembridge
