#include "plugin/standing.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/buses.h"

namespace stembridge {
namespace {

using link::Stage;

// The link's words begin small, as they may follow others.
std::string sentence(std::string words) {
    if (words.empty()) return words;
    words.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(words.front())));
    if (words.back() != '.') words += '.';
    return words;
}

void add(std::string& words, const std::string& more) {
    if (more.empty()) return;
    if (!words.empty()) words += ' ';
    words += sentence(more);
}

void showPlaying(const link::Status& status, const Lateness& late, Standing& shown) {
    shown.hasStems = true;
    shown.light = Light::Good;
    shown.title = "Running";
    if (late.seconds > 0) {
        shown.light = late.isRecent ? Light::Bad : Light::Busy;
        shown.title = late.isRecent ? "Late" : "Running, was late";
        add(shown.words, durationText(late.seconds) +
                             " of stems came too late. Choose more latency or a lighter model, or "
                             "let the device do less");
    }
    if (!status.refusal.empty()) {
        shown.light = std::max(shown.light, Light::Busy);
        add(shown.words, "what was chosen is not granted, and what was goes on: " + status.refusal);
    }
    if (!status.agreed) return;
    for (const std::string& warning : status.agreed->warnings) add(shown.words, warning);
    if (shown.words.empty()) add(shown.words, status.text);
}

}  // namespace

Standing standingOf(const link::Status& status, const Lateness& late) {
    Standing shown;
    switch (status.stage) {
        case Stage::kPlaying:
            showPlaying(status, late, shown);
            return shown;
        case Stage::kAsleep:
        case Stage::kConnected:
            shown.title = "Ready";
            break;
        case Stage::kStarting:
            shown.light = Light::Busy;
            shown.title = "Starting";
            break;
        case Stage::kConnecting:
            shown.light = Light::Busy;
            shown.title = "Connecting";
            break;
        case Stage::kPreparing:
            shown.light = Light::Busy;
            shown.title = "Loading";
            if (status.total > 0)
                shown.progress = std::clamp(
                    static_cast<double>(status.done) / static_cast<double>(status.total), 0.0, 1.0);
            break;
        case Stage::kUnreachable:
            shown.light = Light::Bad;
            shown.title = "No sidecar";
            break;
        case Stage::kRefused:
            shown.light = Light::Bad;
            shown.title = "Not granted";
            break;
    }
    add(shown.words, status.text);
    if (status.refusal != status.text) add(shown.words, status.refusal);
    return shown;
}

bool givesBus(const link::Status& status, std::size_t bus) {
    if (!status.agreed) return bus < indexOf(Bus::Guitar);
    const auto& sources = status.agreed->sources;
    return std::any_of(sources.begin(), sources.end(),
                       [bus](const std::string& source) { return indexOf(busFor(source)) == bus; });
}

std::string durationText(double seconds) {
    if (seconds < 0.9995) {
        const auto ms = static_cast<std::int64_t>(std::ceil(1000 * seconds));
        return std::to_string(ms) + " ms";
    }
    const auto tenths = std::llround(10 * seconds);
    return countText(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string countText(std::int64_t count) {
    std::string text = std::to_string(count);
    const std::ptrdiff_t first = count < 0 ? 1 : 0;
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > first; at -= 3)
        text.insert(text.begin() + at, ',');
    return text;
}

}  // namespace stembridge
