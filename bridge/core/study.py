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

FADE, AVERAGE = "fade", "average"
"""How hops are joined: two runs by a cross-fade, or all that have looked at a frame."""

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
    def join(self) -> str:
        """`AVERAGE` where more than two runs meet in a frame, else `FADE`."""
        return AVERAGE if self.fade > self.hop else FADE

    @property
    def lead(self) -> int:
        """Silence before the song with which runs end at multiples of the hop, in song frames."""
        return self.lookahead % self.hop

    def is_due(self, end: int) -> bool:
        """Whether a run ends at song frame `end`, a multiple of the step of the study."""
        return end % self.hop == 0 and end >= self.hop + self.lookahead - self.lead

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
    is a multiple of `step(traits, hops)`. Where sessions average, there is a cross-fade as well.
    """
    unit = step(traits, hops)
    found = []
    for window in (traits.window // part for part in WINDOWS):
        for hop in (unit * (max(hops) // part) for part in sorted(hops, reverse=True)):
            for lookahead in (RateMap(AT_RATE, rate).frames(frames) for frames in LOOKAHEADS):
                room = lookahead - traits.edge
                if hop <= traits.longest_hop(window, lookahead) and room >= 0:
                    # What sessions do, and before it a cross-fade where that is an average.
                    fades = dict.fromkeys((min(hop, room // 2), traits.fade(hop, lookahead)))
                    found += [Case(window, hop, lookahead, fade) for fade in fades]
    return tuple(found)


def step(traits: Traits, hops: Sequence[int] = HOPS) -> int:
    """Frames from the end of one window to that of the next: the shortest hop, at least 1.

    Raises ValueError for parts of which one does not divide the largest.
    """
    finest = max(hops)
    if any(finest % part for part in hops):
        raise ValueError(f"hops of 1/{hops} of a window do not share runs; use divisors of one")
    return max(1, traits.window // finest)


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
