"""An endless stream of messages that nobody should send, for whatever reads messages."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import msgpack  # type: ignore[import-untyped]

from bridge.protocol import limits
from bridge.protocol.codec import encode
from tests.protocol.examples import CLIENT, TOKEN, WORKER

Frames = list[bytes]

REAL: list[Frames] = [[bytes(frame) for frame in encode(message)] for message in CLIENT + WORKER]
FIELDS: list[tuple[dict[str, Any], Frames]] = [
    (msgpack.unpackb(first), rest) for first, *rest in REAL
]
SPEAKABLE = FIELDS[: len(CLIENT)]
BIG = bytes(limits.PAYLOAD_BYTES + 4)

EDGES: list[Any] = [
    *(None, True, False, 0.0, -1.5, float("nan"), float("inf"), 1e300),
    *(0, -1, 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64 - 1),
    *(-(2**31), -(2**63), 383_999, 65_537, 16_385),
    *("", "x", "\0", "\n\x1b[2J", "\u202e", "é" * 300, "x" * 256, "x" * 1001, "%s%n{0}", "../../x"),
    *("AUDIO", "HELLO", "__class__", "spectral", "fake", "/etc/passwd", "a" * 4000),
    *(b"", b"\xff" * 9, b"x" * 5000),
    *(
        [2, 7],
        [0, 9],
        [1, 9],
        [1, -1],
        [True, 0],
        [],
        [1],
        [2, 512],
        [2**40, 2**40],
        [-1, 2],
        [1.5],
        [[1]],
        ["x"] * 17,
        [0] * 65,
        [None],
    ),
    *({}, {"t": "AUDIO"}, {"hop": 0}, {"a": {"a": {"a": {}}}}, {"x": [1, {"y": 2}]}),
]

# Lengths that are claimed and never come: lists, maps, texts, bytes and extensions of gigabytes.
CLAIMS = [
    prefix + bytes.fromhex(claim)
    for prefix in (b"", b"\x82\xa1t\xa5AUDIO\xa5shape", b"\x81\xa1t", b"\x81")
    for claim in (
        *("ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01", "dcffff"),
        *("deffff", "d9ff", "c5ffff", "c8ffff05", "c1", "d6ff00000000", "d7ff0000000000000000"),
        *("c70cff000000000000000000000000", "9f", "8f", "bf", "c704057fffffff"),
    )
]
NESTS = [
    *(opening * depth for opening in (b"\x91", b"\x81\xa1x") for depth in (64, 500, 1100, 2700)),
    b"\x81\xa1x" + b"\xdc\x00\x40" * 2000,
    b"\x81\xa1x\xdc\x00\x40" + (b"\xdc\x00\x40" + b"\x80" * 64) * 64,
    b"\x82\xa1t\xa4PING\xa1x" + b"\x91" * 400 + b"\xc0",
]


def _garbage(random: Random) -> Frames:
    return [random.randbytes(random.randrange(200)) for _ in range(random.randrange(4))]


def _flipped(random: Random) -> Frames:
    frames = [bytearray(frame) for frame in random.choice(REAL)]
    for _ in range(random.randrange(1, 6)):
        frame = random.choice(frames)
        if frame:
            frame[random.randrange(len(frame))] ^= 1 << random.randrange(8)
    return [bytes(frame) for frame in frames]


def _cut(random: Random) -> Frames:
    frames = list(random.choice(REAL))
    at = random.randrange(len(frames))
    frames[at] = frames[at][: random.randrange(len(frames[at]) + 1)]
    return frames


def _glued(random: Random) -> Frames:
    frames = list(random.choice(REAL))
    at = random.randrange(len(frames))
    frames[at] += random.choice([b"\0", b"\xc0", frames[at], random.choice(REAL)[0]])
    return frames


def _reframed(random: Random) -> Frames:
    pool = random.choice(REAL) + random.choice(REAL)
    return [random.choice(pool) for _ in range(random.randrange(6))]


def _mistyped(random: Random) -> Frames:
    fields, rest = random.choice(FIELDS)
    changed = dict(fields)
    for _ in range(random.randrange(1, 3)):
        changed[random.choice([*fields])] = random.choice(EDGES)
    return [msgpack.packb(changed), *rest]


def _lacking(random: Random) -> Frames:
    fields, rest = random.choice(FIELDS)
    lost = random.choice([*fields])
    return [msgpack.packb({key: fields[key] for key in fields if key != lost}), *rest]


def _laden(random: Random) -> Frames:
    fields, rest = random.choice(FIELDS)
    load = {random.choice(["x", "", "audio", "report", "shape", "__init__"]): random.choice(EDGES)}
    return [msgpack.packb({**fields, **load}), *rest]


def _claiming(random: Random) -> Frames:
    return [random.choice(CLAIMS), *random.choice(([], [b"\0" * 24], [random.choice(CLAIMS)]))]


def _nested(random: Random) -> Frames:
    return [random.choice(NESTS)]


def _nested_report(random: Random) -> Frames:
    return [b"\x81\xa1t\xa6REPORT", random.choice(NESTS)]


def _misshapen(random: Random) -> Frames:
    fields = {"t": random.choice(["AUDIO", "STEMS"]), "session": TOKEN, "epoch": 1, "start": 0}
    side = [0, 1, 2, 3, 16, 17, 64, 16384, 16385, 2**31, 2**63]
    shape = [random.choice(side) for _ in range(random.randrange(5))]
    payload = memoryview(BIG)[: random.choice([0, 1, 4, 7, 8, 64, 128, 4096, 4100])]
    if random.random() < 0.002:
        payload = memoryview(BIG)
    return [msgpack.packb({**fields, "got": 0, "received": 0, "shape": shape}), bytes(payload)]


ATTACKS: list[Callable[[Random], Frames]] = [
    *(_garbage, _flipped, _flipped, _cut, _glued, _reframed, _mistyped, _mistyped),
    *(_lacking, _laden, _claiming, _nested, _nested_report, _misshapen),
]
NUMBERS = ("epoch", "start", "got", "received", "origin", "stop", "request", "stamp", "credit")


def _unbidden(random: Random, tokens: Sequence[int]) -> Frames:
    """A well-formed message that is not this peer's to send, or not now."""
    fields, rest = random.choice(SPEAKABLE)
    changed = dict(fields)
    if "session" in changed:
        changed["session"] = random.choice([*tokens, TOKEN, 1, random.getrandbits(64)])
    for name in NUMBERS:
        if name in changed:
            changed[name] = random.choice([0, 1, 2, 3, 48_000, 96_000, random.getrandbits(31)])
    return [msgpack.packb(changed), *rest]


def hostile(random: Random, tokens: Sequence[int] = ()) -> Iterator[Frames]:
    """Messages as lists of frames, the same ones for the same seed, without end.

    About a third are well-formed: any client's or server's message, unbidden, about sessions that
    are not the sender's. `tokens` are those of real sessions, to be among them.
    """
    while True:
        attack = random.choice(ATTACKS)
        yield attack(random) if random.random() < 2 / 3 else _unbidden(random, tokens)
