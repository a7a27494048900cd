"""The state of one session, the same at both ends: which message may be sent when.

Nothing here does IO or knows a clock. Each end puts what it is about to send through `send` and
what came through `receive`; both keep the same book, so both know the same rules:

 1. OFFLINE -HELLO-> GREETING -WELCOME-> NEW -CONFIGURED-> CONFIGURED. BYE, an ERROR about the
    session as a whole, and a lost connection lead back to OFFLINE; a server's session ends there.
 2. CONFIGURE may be sent at any time in a session; its `request` counts up. A newer one replaces
    one that is not answered yet. What an epoch has stays as it is.
 3. ATTACH binds the audio socket. Whatever epochs were open are over.
 4. RESET opens an epoch (RUNNING), whose number counts up, with the plan of the newest CONFIGURED
    or of the epoch before. The input of that one ends at the new one's origin; its stems still
    come.
 5. AUDIO and DRAIN are for the newest epoch, AUDIO never beyond received + credit, and neither
    after DRAIN (DRAINING). Input leaves no gap. DRAINED ends the epoch (CONFIGURED).
 6. After LOST every epoch is over (LOST) until the next RESET.
 7. Messages cross: what names an epoch, a request or a session that is over is ignored.

Whoever breaks a rule gets the blame: `send` raises LocalProtocolError, `receive`
RemoteProtocolError with the code of the ERROR to answer. The session stays as it was.
"""

from __future__ import annotations

from enum import Enum

from bridge.protocol.messages import (
    BOTH_WAYS,
    Attach,
    Attached,
    Audio,
    Bye,
    Configure,
    Configured,
    Credit,
    Drain,
    Drained,
    Error,
    Hello,
    Lost,
    Progress,
    Report,
    Reset,
    Shutdown,
    Status,
    Stems,
    Welcome,
)
from bridge.protocol.record import Message


class Socket(Enum):
    """The two connections of a session."""

    CONTROL = "control"
    AUDIO = "audio"

    __hash__ = object.__hash__  # that of Enum is Python's, and every message asks for it


class State(Enum):
    """Where a session is; see the rules on top of this file."""

    __hash__ = object.__hash__  # see Socket

    OFFLINE = "offline"
    GREETING = "greeting"
    NEW = "new"
    CONFIGURED = "configured"
    RUNNING = "running"
    DRAINING = "draining"
    LOST = "lost"


_ANY = BOTH_WAYS | {Hello, Status, Report, Shutdown, Bye, Error}
_NEW = _ANY | {Configure, Progress, Configured, Attach, Attached}
_CONFIGURED = _NEW | {Reset, Stems, Credit, Drained, Lost}
ALLOWED: dict[State, frozenset[type[Message]]] = {
    State.OFFLINE: frozenset({Hello}),
    State.GREETING: _ANY | {Welcome},
    State.NEW: _NEW,
    State.CONFIGURED: _CONFIGURED,
    State.RUNNING: _CONFIGURED | {Audio, Drain},
    State.DRAINING: _CONFIGURED,
    State.LOST: _CONFIGURED | {Audio, Drain},  # they may have crossed with LOST
}
