"""A plausible message of each type, and a few at the edges: where vectors and fuzzing begin."""

from dataclasses import replace

import numpy as np

from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol import messages_worker as inner
from bridge.protocol.fields import VERSION
from bridge.protocol.record import Message

TOKEN = 0x0123456789ABCDEF
PLAN = wire.SavedPlan(
    hop=1024,
    lookahead=512,
    window=8192,
    fade=256,
    model_rate=44100,
    compute_us=5000,
    transport_us=1000,
    margin_us=4000,
    polling_us=1000,
    guard=72,
    burst=1024,
    block=512,
)
CONFIGURE = wire.Configure(
    session=TOKEN,
    request=1,
    rate=48000,
    block=512,
    channels=2,
    model="spectral",
    precision="exact",
    latency_us=0,
    burst=-1,
    context=0,
    lookahead=-1,
    transport_us=1000,
    residual=True,
    realtime=True,
)
CONFIGURED = wire.Configured(
    session=TOKEN,
    request=1,
    latency=4321,
    plan=PLAN,
    sources=("drums", "bass", "other", "vocals"),
    credit=48000,
    model="spectral",
    preview=True,
    licence="none",
    warnings=("spectral is a preview",),
)
INPUT = np.array([[0.0, 1.0, -1.0], [0.5, -0.25, 0.125]], np.float32)
OUTPUT = np.arange(16, dtype=np.float32).reshape(4, 2, 2)

CLIENT: list[Message] = [
    wire.Hello(VERSION, "Example Host 1.0"),
    wire.Welcome(VERSION, "stembridge 0.1.0", TOKEN, 1_000_000, limits.FRAMES, ()),
    CONFIGURE,
    wire.Configure(
        limits.TOKEN, 2, 44100, 64, 1, "htdemucs", "fast", 0, 0, 4096, 0, 0, False, False, PLAN
    ),
    replace(CONFIGURE, saved=replace(PLAN, effects=441), preset="vocal-cleanup"),
    wire.Progress(TOKEN, 1, "measuring", 3, 8),
    wire.Welcome(
        VERSION, "stembridge 1.0", TOKEN, 1_000_000, limits.FRAMES, (), ("karaoke", "für mich")
    ),
    CONFIGURED,
    replace(CONFIGURED, gains=(0, -300, limits.GAIN, -limits.SILENCE)),
    replace(CONFIGURED, phase=512),
    wire.Status(),
    wire.Report({"version": "0.1.0", "sessions": [{"latency": 4321, "live": True, "late": 0}]}),
    wire.Shutdown(),
    wire.Bye(TOKEN),
    wire.Attach(TOKEN),
    wire.Attached(TOKEN),
    wire.Reset(TOKEN, 1, 48000, 48000, 1),
    wire.Reset(TOKEN, 2, 48000, 52000, 1, 512),
    wire.Audio(TOKEN, 1, 48000, 48000, INPUT),
    wire.Audio(limits.TOKEN, limits.NUMBER, limits.FRAME, 0, INPUT[:1]),
    wire.Stems(TOKEN, 1, 48000, 48003, OUTPUT),
    wire.Credit(TOKEN, 1, 48003),
    wire.Drain(TOKEN, 1, 48003),
    wire.Drained(TOKEN, 1, 48003),
    wire.Lost(TOKEN, 1),
    wire.Ping(1),
    wire.Pong(1),
    wire.Pong(limits.TOKEN, 875),
    wire.Error("latency", "no plan has 5 ms", "ask for 93 ms, or for auto", TOKEN, 1),
    wire.Error("malformed", "für niemanden ♪", ""),
]
WORKER: list[Message] = [
    inner.Load("a", "htdemucs", "exact", 48000, 2, 0, -1, 20_000_000),
    inner.Loading("a", "measuring", 1, 8),
    inner.Loaded(
        key="a",
        grid=1,
        lookahead=4096,
        edge=0,
        window=343_980,
        past=42_997,
        fixed=False,
        model_rate=44100,
        half_in=90,
        half_out=83,
        cost_us=3_000_000,
        worst_us=3_500_000,
        sources=("drums", "bass", "other", "vocals"),
        name="htdemucs",
        preview=False,
        licence="none",
        warnings=(),
        device="cpu",
        batch=1,
    ),
    inner.Failed("a", "model", "htdemucs is not on this machine", "fetch it"),
    inner.Open(
        *(TOKEN, "a", 1, 48000, 2, 65536, 4096, 343_980, 4096, True, True, 4_000_000, 300_000),
        *(512, 1024),
    ),
    inner.Close(TOKEN),
    inner.Stats({"busy_us": 12, "sessions": {"1": {"runs": 3}}}),
]
