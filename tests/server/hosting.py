"""A host that plays a signal while things go wrong, and what it has to have heard by then."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

import numpy as np

from bridge.client import StemStream
from bridge.errors import ServerError
from tests.attempts import tried
from tests.server.playing import ATTEMPTS, OTHER, Samples, blocks, decibels, expected, measured
from tests.server.sidecar import Sidecar

RATE = 48_000
BLOCK = 480
LATENCY_MS = 500
COST_US = 20_000
NULL_DECIBELS = -120
HAPPENING_SECONDS = 0.5

Faults = Mapping[float, Callable[[], object]]


@dataclass(frozen=True)
class Heard:
    """What a host heard of a signal: stems (S, C, n), moved back by the latency.

    late: frames that the client counted while it was played. longest: the longest call in seconds.
    """

    stems: Samples
    late: int
    longest: float


def opened(sidecar: Sidecar, model: str, cost_us: int = COST_US, **options: Any) -> StemStream:
    """A stream whose plan counts on runs of `cost_us` microseconds, however busy this machine is.

    For that the sidecar finds it among what it has measured before.
    """
    usual: dict[str, Any] = {
        "connection": sidecar.connection,
        "latency": LATENCY_MS,
        "timeout": 120,
    }
    options = usual | options
    for _ in range(ATTEMPTS):  # the first one may only have it measured
        pretend(sidecar, cost_us)
        with suppress(ServerError):
            stream = StemStream(RATE, BLOCK, model, **options)
            if not pretend(sidecar, cost_us):
                return stream
            stream.close()
    return StemStream(RATE, BLOCK, model, **options)


def pretend(sidecar: Sidecar, cost_us: int) -> bool:
    """Have the sidecar believe that every run it knows takes so long; False if it did already."""
    file = measured(sidecar)
    if not file.exists():
        return False
    found, times = json.loads(file.read_text()), {"typical_us": cost_us, "worst_us": cost_us}
    changed = [entry | times for entry in found["entries"]]
    if changed == found["entries"]:
        return False
    file.write_text(json.dumps({**found, "entries": changed}))
    return True


def steady(block: int = BLOCK) -> Iterator[float]:
    """When a host hands over each block, in seconds since it began to play."""
    return (number * block / RATE for number in count(1))


def play(
    stream: StemStream,
    signal: Samples,
    faults: Faults | None = None,
    times: Iterator[float] | None = None,
    *,
    block: int = BLOCK,
    realtime: bool = True,
) -> Heard:
    """Play a signal (C, n), in real time or as fast as it goes.

    faults: what happens beside the host, at so many seconds of the signal. times: see `steady`.
    block: frames of each.
    """
    coming = sorted((faults or {}).items())
    out, position, longest, before = [], 0, 0.0, stream.late_frames
    happening: list[Future[object]] = []
    began = time.monotonic()
    with ThreadPoolExecutor(len(coming) + 1) as beside:
        for due, piece in zip(times or steady(block), blocks(signal, block), strict=False):
            while coming and coming[0][0] * RATE <= position:
                happening.append(beside.submit(coming.pop(0)[1]))
                if not realtime:  # else all may be over before it happens
                    wait(happening, HAPPENING_SECONDS)
            if realtime:
                time.sleep(max(0.0, began + due - time.monotonic()))
            called = time.monotonic()
            out.append(stream.process(piece))
            longest = max(longest, time.monotonic() - called)
            position += piece.shape[1]
    assert not coming, f"the signal ended before {coming}"
    for each in happening:
        each.result()
    latency = stream.latency
    stems = np.concatenate([*out, stream.drain()], axis=-1)
    assert not stems[..., :latency].any(), "something came before its time"
    return Heard(stems[..., latency:], stream.late_frames - before, longest)


def check(heard: Heard, signal: Samples, wanted: Samples, guard: int, error: float) -> Samples:
    """Assert that every frame is right; returns which of them were late, shape (n,).

    Those that were not late are the `wanted` ones, those that were are dry, and `guard` frames
    lie between in which one fades into the other. That is the time line, down to the frame.
    """
    assert heard.stems.shape == wanted.shape
    others = np.arange(len(wanted)) != OTHER
    is_mute = ~heard.stems[others].any(axis=(0, 1))
    late = is_mute & wanted[others].any(axis=(0, 1))
    weights = np.minimum(distance(late), guard + 1) / (guard + 1)
    mixed = wanted * weights
    mixed[OTHER] += signal * (1 - weights)
    assert np.abs(heard.stems - mixed).max() <= error
    assert heard.late == late.sum()
    assert decibels(heard.stems.sum(axis=0, dtype=np.float64) - signal) <= NULL_DECIBELS
    assert (weights == 1).mean() > 0.2, "there is nothing to be compared"
    found: Samples = late
    return found


def undisturbed(
    stream: StemStream,
    signal: Samples,
    error: float,
    times: Callable[[], Iterator[float]] | None = None,
    *,
    block: int = BLOCK,
) -> tuple[Heard, Samples]:
    """Play a signal in real time, again where a stop of this machine may have made frames late.

    times: makes those of `play`. Returns what was heard, and what `check` finds of it.
    """
    wanted = expected(stream, signal, RATE)

    def attempt() -> tuple[Heard, Samples]:
        heard = play(stream, signal, times=times and times(), block=block)
        return heard, check(heard, signal, wanted, stream.plan.guard, error)

    return tried(attempt, lambda found: not found[1].any(), times=4)


def distance(late: Samples) -> Samples:
    """Frames from each frame to the nearest late one, shape (n,); many where there is none."""
    frames = np.arange(late.size)
    ahead = np.minimum.accumulate(np.where(late, frames, 2 * late.size)[::-1])[::-1]
    behind = np.maximum.accumulate(np.where(late, frames, -late.size))
    found: Samples = np.minimum(ahead - frames, frames - behind)
    return found


def gaps(late: Samples) -> list[tuple[int, int]]:
    """Stretches of late frames, (start, stop)."""
    edges = np.flatnonzero(np.diff(np.pad(late.astype(np.int8), 1)))
    return [(int(a), int(b)) for index, (a, b) in enumerate(pairwise(edges)) if index % 2 == 0]


def outage(late: Samples, after: float, latency: int) -> float:
    """Seconds from something that happened `after` so many until stems were heard for good."""
    stops = [stop for _, stop in gaps(late)]
    return max([0.0, *((stop + latency) / RATE - after for stop in stops)])


def show(*what: str) -> None:
    """For who wants the figures: shown by pytest -rP."""
    print(*what)  # noqa: T201
