"""Which live plans a study compares, where their seams lie, and how far a stem is from another.

All runs of a study that read windows of one length end on one grid, so that plans of every hop and
look-ahead share them: a plan's stream is given some silence before the song (`Case.lead`), which
moves its windows onto that grid and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log10, nan

import numpy as np
from numpy.typing import NDArray

from bridge.core.rates import RateMap
from bridge.core.timeline import Span
from bridge.core.traits import Traits

LOOKAHEADS, AT_RATE = (0, 1024, 2048, 4096, 8192, 16_384, 32_768), 44_100
"""0, 23, 46, 93, 186, 372 and 743 ms."""

WINDOWS = (1, 2, 4)
"""Windows are these parts of a full one."""

HOPS = (64, 32, 16, 8, 4)
"""Hops are these parts of a full window: 0.12 to 1.95 s of the 7.8 s of htdemucs."""

QUICK_HOPS = (16, 8, 4)
"""Leave out the hops that only fast devices keep up with, and three quarters of the runs."""

NEAR_US = 5000
"""How near to a seam its neighbourhood ends, in microseconds."""


@dataclass(frozen=True, slots=True)
class Case:
    """One live plan, in model frames; `fade` joins hops as in `LivePlan`."""

    window: int
    hop: int
    lookahead: int
    fade: int

    @property
    def lead(self) -> int:
        """Silence before the song with which runs end at multiples of the hop, in song frames."""
        return self.lookahead % self.hop

    def is_near(self, span: Span, reach: int) -> NDArray[np.bool_]:
        """Which frames of `span`, counted from the song's first, are near a seam: shape (n,).

        Those are the `reach` frames before each first frame of a hop, it, and those after it, as
        many in all as before it.
        """
        since = (np.arange(span.start, span.stop) + self.lead) % self.hop
        near: NDArray[np.bool_] = (since < reach) | (since >= self.hop - reach)
        return near


def cases(traits: Traits, rate: int, hops: Sequence[int] = HOPS) -> tuple[Case, ...]:
    """The plans that a model can have, long windows first, then short hops.

    rate: of the model, in Hz. hops: parts of the full window. What does not fit into a window with
    the past context that `traits` ask for is left out, as are look-aheads below its edge. Every hop
    is a multiple of `step(traits, hops)`.
    """
    unit = step(traits, hops)
    found = []
    for window in (traits.window // part for part in WINDOWS):
        for hop in (unit * (max(hops) // part) for part in sorted(hops, reverse=True)):
            for lookahead in (RateMap(AT_RATE, rate).frames(frames) for frames in LOOKAHEADS):
                fits = hop <= traits.longest_hop(window, lookahead)
                if fits and lookahead >= traits.edge:
                    fade = traits.fade(hop, lookahead)
                    found.append(Case(window, hop, lookahead, fade))
    return tuple(found)


def step(traits: Traits, hops: Sequence[int] = HOPS) -> int:
    """Frames from the end of one window to that of the next: the shortest hop, at least 1.

    Raises ValueError for parts of which one does not divide the largest.
    """
    finest = max(hops)
    if any(finest % part for part in hops):
        raise ValueError(f"hops of 1/{hops} of a window do not share runs; use divisors of one")
    return max(1, traits.window // finest)


def averaging(hop: int, lookahead: int, edge: int = 0) -> NDArray[np.float32]:
    """Weights that average all runs which have seen a frame by the time that it is due.

    A run that ends at frame T has seen `[T - lookahead - hop, T)`. Returns its weights there, shape
    (hop + lookahead,), float32: a triangle that is 0 in the newest `edge` frames. They are already
    divided by the sum over all runs, so that over the runs of a stream they sum to one.
    """
    length = hop + lookahead
    usable = length - edge
    rising = np.arange(1, usable + 1, dtype=np.float64)
    weights = np.zeros(length)
    weights[:usable] = np.minimum(rising, rising[::-1])
    # Place p of a run is place p - hop of the next: all that meet in a frame differ by hops.
    total = np.zeros(hop)
    np.add.at(total, np.arange(length) % hop, weights)
    return (weights / total[np.arange(length) % hop]).astype(np.float32)


class Score:
    """How far stems are from a reference: sums over frames near seams, and over all others."""

    def __init__(self, stems: int) -> None:
        self.frames = np.zeros(2, np.int64)
        self._signal = np.zeros((2, stems))
        self._error = np.zeros((2, stems))

    def add(
        self, reference: NDArray[np.float32], stems: NDArray[np.float32], near: NDArray[np.bool_]
    ) -> None:
        """Count frames: two arrays of shape (S, C, n), and which are near a seam, shape (n,)."""
        signal = np.square(reference, dtype=np.float64).sum(axis=1)
        error = np.square(np.subtract(stems, reference, dtype=np.float64)).sum(axis=1)
        for place, mask in enumerate((near, ~near)):
            self.frames[place] += np.count_nonzero(mask)
            self._signal[place] += signal[:, mask].sum(axis=1)
            self._error[place] += error[:, mask].sum(axis=1)

    def snr(self) -> list[float]:
        """Of each stem, in dB: `10 log10(sum reference^2 / sum (stem - reference)^2)`."""
        return list(map(decibels, self._signal.sum(axis=0), self._error.sum(axis=0)))

    def seam_excess(self) -> float:
        """By how much the error near seams exceeds that elsewhere, in dB, of all stems together.

        That is mean square against mean square; NaN where there are no frames of one kind.
        """
        if not self.frames.all():
            return nan
        near, elsewhere = self._error.sum(axis=1) / self.frames
        return decibels(near, elsewhere)


def decibels(power: float, other: float) -> float:
    """Ratio of two powers in dB: infinite where one of them is 0, NaN where both are."""
    if power == 0 or other == 0:
        return nan if power == other else inf if other == 0 else -inf
    return 10 * log10(power / other)
