"""The messages between the server and its workers, over a pipe that nobody else can reach.

RESET, AUDIO and DRAIN go on to the worker as they came from the client, frame for frame; STEMS,
CREDIT, DRAINED, ERROR, PING and PONG are the client's messages too. What follows exists only here,
is no part of docs/PROTOCOL.md, and may change with every version: both ends are one installation.
"""

from __future__ import annotations

from typing import Annotated

from bridge.protocol import limits
from bridge.protocol.fields import Int
from bridge.protocol.record import Message, message
from bridge.protocol.values import (
    Block,
    Bool,
    Channels,
    Duration,
    Gains,
    HostFrames,
    Line,
    Map,
    ModelFrames,
    Number,
    NumberOrNone,
    Precision,
    Rate,
    SomeModelFrames,
    Sources,
    String,
    Token,
    Warnings,
)

Batch = Annotated[int, Int(1, 1024)]


@message
class Load(Message):
    """Asks for a model; answered by LOADING any number of times, then by LOADED or FAILED.

    key: the server's name for what is loaded. rate and channels: the host's. context: 0 for the
    full window. lookahead: -1 for the model's. calibrate_us: how long to measure. preset: whose
    effects the stems pass, "" for none.
    """

    key: Line
    model: Line
    precision: Precision
    rate: Rate
    channels: Channels
    context: ModelFrames
    lookahead: Annotated[int, Int(-1, limits.SPAN_FRAMES, "model frames")]
    calibrate_us: Duration
    preset: Line = ""


@message
class Loading(Message):
    """What a LOAD is waiting for; `done` of `total` steps, where total 0 is unknown."""

    key: Line
    what: String
    done: NumberOrNone
    total: NumberOrNone


@message
class Loaded(Message):
    """A model is ready. grid, lookahead, edge, window, past, fixed: see Traits in core/choose.py.

    half_in and half_out: source frames that the resamplers reach. cost_us, worst_us, long_us: what
    a run takes typically, at worst and with a long hop, see core/cost.py. batch: windows worth
    running at once. effects: host frames that stems wait for in the effects. gains: as in
    CONFIGURED. preset: digest of its content.
    """

    key: Line
    grid: SomeModelFrames
    lookahead: ModelFrames
    edge: ModelFrames
    window: SomeModelFrames
    past: ModelFrames
    fixed: Bool
    model_rate: Rate
    half_in: HostFrames
    half_out: HostFrames
    cost_us: Duration
    worst_us: Duration
    sources: Sources
    name: Line
    preview: Bool
    licence: String
    warnings: Warnings
    device: String
    batch: Batch
    effects: HostFrames = 0
    gains: Gains = ()
    preset: String = ""
    long_us: Duration = 0


@message
class Failed(Message):
    """A LOAD that cannot be; code, text and hint as in ERROR."""

    key: Line
    code: String
    text: Line
    hint: Line


@message
class Open(Message):
    """A session may begin epochs with this plan; a later `request` adds another plan to it.

    hop, lookahead, window and fade: of core/live_plan.py. latency: tells when output is due.
    burst: how far ahead of the clock input may come.
    """

    session: Token
    key: Line
    request: Number
    rate: Rate
    channels: Channels
    hop: SomeModelFrames
    lookahead: ModelFrames
    window: SomeModelFrames
    fade: ModelFrames
    residual: Bool
    realtime: Bool
    compute_us: Duration
    latency: HostFrames
    block: Block
    burst: HostFrames


@message
class Close(Message):
    """A session is over: its epochs end here and now."""

    session: Token


@message
class Stats(Message):
    """What the worker has done: runs, model times, load and memory, in integers."""

    stats: Map
