#include "protocol/states.h"

#include <array>
#include <cstddef>

namespace stembridge::protocol {
namespace {

constexpr auto kAny = kBothWays | MessageTypes::of<Hello, Status, Report, Shutdown, Bye, Error>();
constexpr auto kInSession =
    kAny | MessageTypes::of<Configure, Progress, Configured, Attach, Attached>();
constexpr auto kWithPlan = kInSession | MessageTypes::of<Reset, Stems, Credit, Drained, Lost>();
constexpr auto kWithInput = kWithPlan | MessageTypes::of<Audio, Drain>();

}  // namespace

std::string_view nameOf(State state) noexcept {
    constexpr std::array<std::string_view, 7> kNames{"offline", "greeting", "new", "configured",
                                                     "running", "draining", "lost"};
    return kNames[static_cast<std::size_t>(state)];
}

MessageTypes allowedIn(State state) noexcept {
    switch (state) {
        case State::kOffline:
            return MessageTypes::of<Hello>();
        case State::kGreeting:
            return kAny | MessageTypes::of<Welcome>();
        case State::kNew:
            return kInSession;
        case State::kConfigured:
        case State::kDraining:
            return kWithPlan;
        case State::kRunning:
        case State::kLost:  // input may have crossed with LOST
            return kWithInput;
    }
    return {};
}

}  // namespace stembridge::protocol
