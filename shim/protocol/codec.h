/// Messages as frames of bytes and back. Whatever comes in, decode answers with a message or why
/// it is none.
///
/// A message is one frame, a MessagePack map whose `t` is its type, or two: AUDIO and STEMS have
/// raw samples in the second and their shape in the first, REPORT another map.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/codes.h"
#include "protocol/errors.h"
#include "protocol/message_types.h"
#include "protocol/messages.h"

namespace stembridge::protocol {

using Frame = std::span<const std::byte>;

/// A message to be sent: its header, and the payload where it has one. The payload is not copied:
/// it lies where the message said.
struct Encoded {
    std::vector<std::byte> header;
    std::optional<Frame> payload;
};

/// A message, or why the frames are none.
using Decoded = std::variant<Message, Refusal>;

/// The type of a message as it stands in `t`: "AUDIO". Any thread.
std::string_view nameOf(const Message& message) noexcept;

/// Throws LocalProtocolError for a value that the protocol does not allow. Any thread.
void check(const Message& message);

/// The frames of a message, after check(). Throws LocalProtocolError. Any thread.
Encoded encode(const Message& message);

/// The message in `frames`. Samples and reports are views of the second one, which has to outlive
/// them. What it takes is bounded by the bytes that came, not by what they claim.
///
/// accepted: the types that may come from this peer. For no bytes does it throw. Any thread.
Decoded decode(std::span<const Frame> frames, MessageTypes accepted = MessageTypes::all());

}  // namespace stembridge::protocol
