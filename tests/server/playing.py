"""Playing whole signals through a stream, and what separators make of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.client import StemStream
from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.engine.fake import FakeSeparator
from bridge.engine.spectral import SpectralSeparator
from bridge.errors import ServerError
from bridge.protocol.codes import Code
from tests.engine import oracle
from tests.server.sidecar import Sidecar

Samples = NDArray[Any]
RATES = (44_100, 48_000, 88_200, 96_000, 192_000)
RATE, BLOCK, LATENCY = 48_000, 512, 500
ATTEMPTS = 3
RANDOM_LARGEST = 1024
STEMS = ("drums", "bass", "other", "vocals")
OTHER = STEMS.index("other")


def opened(sidecar: Sidecar, model: str, latency: Any = LATENCY, **options: Any) -> StemStream:
    """A stream that waits for its stems, at the usual rate and block unless it is said otherwise.

    latency: in ms; the usual one is more than any machine needs. Where a stop of this one was
    measured, so that it seems too short, what was measured is forgotten.
    """
    usual = {"rate": RATE, "block": BLOCK, "realtime": False, "timeout": 120}
    ours = {"connection": sidecar.connection, "model": model, "latency": latency}
    for _ in range(ATTEMPTS - 1):
        try:
            return StemStream(**{**usual, **ours, **options})
        except ServerError as error:
            if error.code not in {Code.LATENCY, Code.PLAN}:
                raise
        measured(sidecar).unlink(missing_ok=True)
    return StemStream(**{**usual, **ours, **options})


def measured(sidecar: Sidecar) -> Path:
    """The file of what a sidecar has measured, or will."""
    return Path(sidecar.environment["STEMBRIDGE_CONFIG_DIR"]) / "calibration.json"


def noise(frames: int, channels: int = 2, seed: int = 0) -> Samples:
    """Bursts of noise, (C, n), float32: loud and soft enough for every mask to move."""
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.uniform(0.01, 0.2, frames // 2000 + 1), 2000)[:frames]
    return (rng.uniform(-1, 1, (channels, frames)) * levels).astype(np.float32)


def blocks(signal: Samples, block: int | str, seed: int = 0) -> Iterator[Samples]:
    """A signal (C, n) in blocks of so many frames, or `random` ones up to RANDOM_LARGEST."""
    rng = np.random.default_rng(seed)
    start = 0
    while start < signal.shape[1]:
        length = int(rng.integers(1, RANDOM_LARGEST + 1)) if block == "random" else int(block)
        yield signal[:, start : start + length]
        start += length


def announced(block: int | str) -> int:
    """Frames of the largest block."""
    return RANDOM_LARGEST if block == "random" else int(block)


def played(stream: StemStream, signal: Samples, block: int | str) -> Samples:
    """Stems (S, C, n) of a signal (C, n), moved back by the latency that the stream tells."""
    latency = stream.latency
    parts = [stream.process(each) for each in blocks(signal, block)]
    out = np.concatenate([*parts, stream.drain()], axis=-1)
    assert not out[..., :latency].any(), "something came before its time"
    return out[..., latency:]


def expected(stream: StemStream, signal: Samples, rate: int, separator: Any = None) -> Samples:
    """What the oracle makes of a signal with the plan of a stream that adds the residual.

    separator: makes stems (1, S, C, n) of windows (1, C, n); `fake` and `spectral` are known.
    """
    saved = stream.plan
    there, back = design(rate, saved.model_rate), design(saved.model_rate, rate)
    plan = LivePlan(there, back, saved.hop, saved.lookahead, saved.window, saved.fade)
    whole = stream.model == "spectral"
    kind = SpectralSeparator(saved.model_rate) if whole else FakeSeparator(saved.model_rate, 1)
    made = separator or kind

    def separate(window: Samples) -> Samples:
        return np.asarray(made.separate(window[None])[0])

    return np.asarray(oracle.live(separate, plan, signal, rest=OTHER, whole=whole))


def check(stream: StemStream, stems: Samples, signal: Samples, wanted: Samples, error: float):
    """Assert that `stems` are the `wanted` ones to within `error`, in time, and not the input."""
    assert stream.late_frames == 0
    assert stems.shape == wanted.shape
    off = np.abs(stems - wanted).max()
    null = decibels(stems.sum(axis=0, dtype=np.float64) - signal)
    print(f"{stream.model}: off by {off:.1e}, sum {null:.0f} dBFS")  # noqa: T201 - for pytest -rP
    assert off <= error
    assert null <= -120
    for stem in stems[[0, 1, 3]]:  # dry, they would be silent
        assert np.abs(stem).max() > 1e-3
    for stem in stems:
        assert np.abs(stem - signal).max() > 1e-2


def decibels(signal: Samples) -> float:
    """Peak of a signal in dBFS."""
    peak = float(np.abs(signal).max())
    return 20 * float(np.log10(peak)) if peak else -np.inf
