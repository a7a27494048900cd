/// Sets of message types: which side may send what, over which socket.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "protocol/messages.h"

namespace stembridge::protocol {

/// Where a type stands in Message, from 0 on.
template <typename M, std::size_t I = 0>
constexpr std::size_t indexOf() {
    if constexpr (std::same_as<M, std::variant_alternative_t<I, Message>>) {
        return I;
    } else {
        return indexOf<M, I + 1>();
    }
}

/// A set of message types.
class MessageTypes {
public:
    constexpr MessageTypes() = default;

    template <typename... M>
    static constexpr MessageTypes of() {
        return MessageTypes{((std::uint32_t{1} << indexOf<M>()) | ... | std::uint32_t{0})};
    }

    static constexpr MessageTypes all() { return MessageTypes{~std::uint32_t{0}}; }

    constexpr bool contains(std::size_t index) const { return (bits_ >> index & 1U) != 0; }

    friend constexpr MessageTypes operator|(MessageTypes a, MessageTypes b) {
        return MessageTypes{a.bits_ | b.bits_};
    }

private:
    static_assert(std::variant_size_v<Message> <= 32);
    constexpr explicit MessageTypes(std::uint32_t bits) : bits_(bits) {}

    std::uint32_t bits_ = 0;
};

inline constexpr auto kBothWays = MessageTypes::of<Ping, Pong>();
inline constexpr auto kControlToServer =
    kBothWays | MessageTypes::of<Hello, Configure, Status, Shutdown, Bye>();
inline constexpr auto kControlToClient =
    kBothWays | MessageTypes::of<Welcome, Progress, Configured, Report, Bye, Error>();
inline constexpr auto kAudioToServer = kBothWays | MessageTypes::of<Attach, Reset, Audio, Drain>();
inline constexpr auto kAudioToClient =
    kBothWays | MessageTypes::of<Attached, Stems, Credit, Drained, Lost, Error>();

}  // namespace stembridge::protocol
