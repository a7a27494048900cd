"""Deterministic separators for the tests of the engines, and the slow way to run them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from bridge.core.timeline import Span
from bridge.engine.base import Audio, Ensemble, Member


@dataclass
class Uneven:
    """Its stems depend on where in the window a frame lies, on context and on look-ahead.

    What it gives outside the emitted frames is not a number, since no promise covers it.
    """

    segment: int
    context: int = 0
    ahead: int = 0
    overlap: float = 0.25
    streams: int = 1
    shares: bool = True
    rate: int = 50
    name: str = "uneven"
    sources: tuple[str, ...] = ("left", "right")
    channels: int = 2
    licence: str = ""
    preview: bool = False
    weights_hash: str = ""
    batches: list[int] = field(default_factory=list)

    def read_span(self, emit: Span) -> Span:
        return emit.extend(self.context, self.ahead)

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:  # noqa: ARG002 - for others
        self.batches.append(len(batch))
        return np.stack([self.one(window) for window in batch])

    def one(self, window: Audio) -> Any:
        emitted = window.shape[-1] - self.context - self.ahead
        here = window[:, self.context : self.context + emitted]
        past, future = window[:, :emitted], window[:, self.context + self.ahead :]
        place = np.linspace(-1, 1, emitted)
        stems = np.full((2, *window.shape), np.nan, np.float32)
        inside = slice(self.context, self.context + emitted)
        stems[0][:, inside] = (1 + place) * here + 0.5 * past
        stems[1][:, inside] = (1 - place) * here + 0.25 * future + place
        return stems


@dataclass
class Limited(Uneven):
    """Raises `error` for more than `most` windows at once, as a device without memory does."""

    most: int = 1
    error: Exception = field(default_factory=MemoryError)

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:  # noqa: ARG002 - for others
        if len(batch) > self.most:
            self.batches.append(len(batch))
            raise self.error
        return super().separate(batch)


@dataclass
class Broken(Uneven):
    """Gives `value` in one sample of the window that holds the loudest input."""

    value: float = float("nan")

    def one(self, window: Audio) -> Any:
        stems = super().one(window)
        if np.abs(window).max() >= 9:
            stems[1, 0, self.context] = self.value
        return stems


def alone(separator: Any) -> Ensemble:
    return Ensemble(separator.name, (Member(separator, (1.0,) * len(separator.sources)),))


def separate_at_once(
    ensemble: Ensemble,
    mix: Audio,
    stems: tuple[str, ...],
    overlap: float | None = None,
    shifts: int = 0,
    seed: int = 0,
) -> Any:
    """Every window of every member over the whole signal in float64, in the obvious order."""
    random = Random(seed)  # noqa: S311 - as the engine draws its shifts
    sources, length = ensemble.first.sources, mix.shape[1]
    total = np.zeros((len(sources), *mix.shape))
    for member in ensemble.members:
        separator: Any = member.separator
        half_a_second = separator.rate // 2
        origins = [random.randint(0, half_a_second) - half_a_second for _ in range(shifts)] or [0]
        for origin in origins:
            share = np.array(member.weights)[:, None, None] / len(origins)
            total += share * _one_pass(separator, mix, origin, overlap)
    weights = np.sum([member.weights for member in ensemble.members], axis=0)
    averaged = total / weights[:, None, None]
    assert averaged.shape[-1] == length
    return averaged[[sources.index(stem) for stem in stems]]


def _one_pass(separator: Any, mix: Audio, origin: int, overlap: float | None) -> Any:
    segment, length = separator.segment, mix.shape[1]
    before, behind = separator.context - origin, separator.ahead
    padded = np.pad(mix, ((0, 0), (before, behind)))
    stride = max(1, int((1 - (separator.overlap if overlap is None else overlap)) * segment))
    rising = [min(i + 1, segment - i) for i in range(segment)]
    sums, weights = (
        np.zeros((len(separator.sources), 2, length - origin)),
        np.zeros(length - origin),
    )
    for start in range(0, length - origin, stride):  # counted from the origin
        emitted = min(segment, length - origin - start)
        window = padded[:, start : start + separator.context + emitted + separator.ahead]
        piece = separator.one(window)[:, :, separator.context : separator.context + emitted]
        sums[:, :, start : start + emitted] += piece * np.array(rising[:emitted])
        weights[start : start + emitted] += rising[:emitted]
    return (sums / weights)[:, :, -origin:]
