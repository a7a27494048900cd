/// Where a session is, and which message may be sent when: the rules, the same at both ends.
///
///  1. OFFLINE -HELLO-> GREETING -WELCOME-> NEW -CONFIGURED-> CONFIGURED. BYE, an ERROR about the
///     session as a whole, and a lost connection lead back to OFFLINE.
///  2. CONFIGURE may be sent at any time in a session; its `request` counts up. A newer one
///     replaces one that is not answered yet. What an epoch has stays as it is.
///  3. ATTACH binds the audio socket. Whatever epochs were open are over.
///  4. RESET opens an epoch (RUNNING), whose number counts up, with the plan of the newest
///     CONFIGURED or of the epoch before. The input of that one ends at the new one's origin; its
///     stems still come.
///  5. AUDIO and DRAIN are for the newest epoch, AUDIO never beyond received + credit, and neither
///     after DRAIN (DRAINING). Input leaves no gap. DRAINED ends the epoch (CONFIGURED).
///  6. After LOST every epoch is over (LOST) until the next RESET.
///  7. Messages cross: what names an epoch, a request or a session that is over is ignored.
#pragma once

#include <string_view>

#include "protocol/message_types.h"

namespace stembridge::protocol {

/// The two connections of a session.
enum class Socket { kControl, kAudio };

enum class State { kOffline, kGreeting, kNew, kConfigured, kRunning, kDraining, kLost };

/// The state in a word: "running". Any thread.
std::string_view nameOf(State state) noexcept;

/// What may go over a link, either way, while the session is in that state. Any thread.
MessageTypes allowedIn(State state) noexcept;

}  // namespace stembridge::protocol
