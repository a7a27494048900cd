"""The messages between a client and the server; docs/PROTOCOL.md says when each may be sent.

The name on the wire is the class's in capitals; fields have their own names. A field with a default
may be left out. Times are frames at the host's rate unless a field says otherwise, and
microseconds where a name ends in `_us`. Messages check themselves and raise LocalProtocolError.
"""

from __future__ import annotations

from typing import Annotated

from bridge.protocol import limits
from bridge.protocol.fields import Int, Text
from bridge.protocol.record import Message, Nested, Record, message, record
from bridge.protocol.values import (
    Block,
    Bool,
    Capabilities,
    Channels,
    Duration,
    Frame,
    Gains,
    HostFrames,
    InputBlock,
    Line,
    Map,
    ModelFrames,
    Number,
    NumberOrNone,
    Precision,
    Presets,
    ProtocolVersion,
    Rate,
    SomeModelFrames,
    Sources,
    StemBlock,
    String,
    Token,
    TokenOrNone,
    Warnings,
)


@record
class SavedPlan(Record):
    """Everything besides the host's rate that the latency depends on, as a project keeps it.

    effects: host frames that stems wait for in the effects of a preset.
    """

    hop: SomeModelFrames
    lookahead: ModelFrames
    window: SomeModelFrames
    fade: ModelFrames
    model_rate: Rate
    compute_us: Duration
    transport_us: Duration
    margin_us: Duration
    polling_us: Duration
    guard: HostFrames
    burst: HostFrames
    block: Block
    effects: HostFrames = 0


@message
class Hello(Message):
    """Opens the control socket; the server answers WELCOME, or ERROR `version`."""

    version: ProtocolVersion
    client: String


@message
class Welcome(Message):
    """A new session. `heartbeat_us`: each side sends something at least this often.

    presets: names that CONFIGURE may have.
    """

    version: ProtocolVersion
    server: String
    session: Token
    heartbeat_us: Annotated[int, Int(1000, limits.DURATION_US, "us")]
    max_frames: Annotated[int, Int(1, limits.FRAMES, "host frames")]
    capabilities: Capabilities
    presets: Presets = ()


@message
class Configure(Message):
    """Asks for a plan; answered by PROGRESS any number of times, then CONFIGURED or ERROR.

    latency_us: 0 for the smallest. burst: -1 for two blocks. context: 0 for the full window.
    lookahead: -1 for the model's. saved: the plan to keep, from an earlier CONFIGURED. preset: name
    of the one whose effects the stems pass; "" for none.
    """

    session: Token
    request: Number
    rate: Rate
    block: Block
    channels: Channels
    model: Line
    precision: Precision
    latency_us: Duration
    burst: Annotated[int, Int(-1, limits.SPAN_FRAMES, "host frames")]
    context: ModelFrames
    lookahead: Annotated[int, Int(-1, limits.SPAN_FRAMES, "model frames")]
    transport_us: Duration
    residual: Bool
    realtime: Bool
    saved: Annotated[SavedPlan | None, Nested(SavedPlan, optional=True)] = None
    preset: Line = ""


@message
class Progress(Message):
    """What a request is waiting for; `done` of `total` steps, where total 0 is unknown."""

    session: Token
    request: Number
    what: String
    done: NumberOrNone
    total: NumberOrNone


@message
class Configured(Message):
    """The answer to CONFIGURE. `credit`: host frames that may be sent beyond `received`.

    gains: of each of the sources in the mix of the preset, in hundredths of a dB, of which the
    lowest is silence; none where it has no mix. phase: that of every RESET with this plan.
    """

    session: Token
    request: Number
    latency: HostFrames
    plan: Annotated[SavedPlan, Nested(SavedPlan)]
    sources: Sources
    credit: Annotated[int, Int(1, limits.SPAN_FRAMES, "host frames")]
    model: Line
    preview: Bool
    licence: String
    warnings: Warnings
    gains: Gains = ()
    phase: HostFrames = 0


@message
class Status(Message):
    """Asks for REPORT; needs no session."""


@message
class Report(Message):
    """What the server, its workers and sessions do, for people and scripts."""

    report: Map


@message
class Shutdown(Message):
    """Asks the server to end; only from this machine. Answered by BYE with session 0."""


@message
class Bye(Message):
    """Ends a session, from either side; the server answers a client's BYE with its own."""

    session: TokenOrNone


@message
class Attach(Message):
    """Binds the audio socket it comes through to a session, and ends every open epoch of it."""

    session: Token


@message
class Attached(Message):
    """The answer to ATTACH."""

    session: Token


@message
class Reset(Message):
    """Opens an epoch whose hop grid lies at `origin`; the first frame to come is `start`.

    `request` is the CONFIGURE whose plan holds. The input of the epoch before ends at `origin`.
    phase: host frames by which the grid lies before it, silence being between.
    """

    session: Token
    epoch: Number
    origin: Frame
    start: Frame
    request: Number
    phase: HostFrames = 0


@message
class Audio(Message):
    """Input from `start` on, shape (C, n) float32. `got`: where the last STEMS that came ended."""

    session: Token
    epoch: Number
    start: Frame
    got: Frame
    audio: InputBlock


@message
class Stems(Message):
    """Stems from `start` on, shape (S, C, n) float32. `received`: as in CREDIT."""

    session: Token
    epoch: Number
    start: Frame
    received: Frame
    audio: StemBlock


@message
class Credit(Message):
    """Input was used up to `received`, exclusive, and makes room for more."""

    session: Token
    epoch: Number
    received: Frame


@message
class Drain(Message):
    """The input of the epoch ends at `stop`; what is left of its stems shall come."""

    session: Token
    epoch: Number
    stop: Frame


@message
class Drained(Message):
    """The last STEMS of the epoch, up to `stop`, have been sent."""

    session: Token
    epoch: Number
    stop: Frame


@message
class Ping(Message):
    """Answered by PONG with the same stamp, on the same socket.

    late: from a client, the host frames of stems that came too late so far, for the status.
    """

    stamp: TokenOrNone
    late: NumberOrNone = 0


@message
class Pong(Message):
    """The answer to PING.

    load: from a server on control, per mille of the time for which the session's device was busy
    of late.
    """

    stamp: TokenOrNone
    load: NumberOrNone = 0


@message
class Error(Message):
    """Something was refused or failed. `session` and `request` 0: it belongs to none."""

    code: Annotated[str, Text(limits.SOURCE_BYTES)]
    text: Line
    hint: Line
    session: TokenOrNone = 0
    request: NumberOrNone = 0


@message
class Lost(Message):
    """The worker of the epoch died; RESET with a new epoch and the same origin, and replay."""

    session: Token
    epoch: Number


BOTH_WAYS: frozenset[type[Message]] = frozenset({Ping, Pong})
CONTROL_TO_SERVER = BOTH_WAYS | {Hello, Configure, Status, Shutdown, Bye}
CONTROL_TO_CLIENT = BOTH_WAYS | {Welcome, Progress, Configured, Report, Bye, Error}
AUDIO_TO_SERVER = BOTH_WAYS | {Attach, Reset, Audio, Drain}
AUDIO_TO_CLIENT = BOTH_WAYS | {Attached, Stems, Credit, Drained, Lost, Error}
