"""Sliding medians of 13, as minima and maxima that compilers run for several entries at once.

Of thirteen values twelve are three runs of four, each sorted: only the middle two of these matter
to the median, which is the thirteenth unless that is beyond them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.engine.compiled import compiled

Levels = NDArray[np.floating[Any]]
Four = tuple[float, float, float, float]

WINDOW = 13
"""Values that each median is taken of."""


class RunningMedian:
    """Medians over the last `WINDOW` lines at each of `width` entries; zeros before the first."""

    def __init__(self, width: int) -> None:
        self._lines: Levels = np.zeros((WINDOW, width), np.float32)
        self._oldest = 0

    def push(self, line: Levels, medians: Levels) -> None:
        """Put medians over `line` and those before it into `medians`: both (width,), float32."""
        self._lines[self._oldest] = line
        self._oldest = (self._oldest + 1) % WINDOW  # medians do not ask for an order
        median_across(self._lines, medians)


@compiled
def median_across(lines: Levels, medians: Levels) -> None:
    """Fill `medians` (n,) with those of `lines` (WINDOW, n) at each entry, all float32."""
    for i in range(medians.size):
        first = _sorted(lines[0, i], lines[1, i], lines[2, i], lines[3, i])
        second = _sorted(lines[4, i], lines[5, i], lines[6, i], lines[7, i])
        third = _sorted(lines[8, i], lines[9, i], lines[10, i], lines[11, i])
        medians[i] = _median(first, second, third, lines[12, i])


@compiled
def median_along(line: Levels, medians: Levels) -> None:
    """Fill `medians` (n,) with those of each entry of `line` (n + WINDOW - 1,) and its next ones.

    All float32.
    """
    for i in range(medians.size):
        first = _sorted(line[i], line[i + 1], line[i + 2], line[i + 3])
        second = _sorted(line[i + 4], line[i + 5], line[i + 6], line[i + 7])
        third = _sorted(line[i + 8], line[i + 9], line[i + 10], line[i + 11])
        medians[i] = _median(first, second, third, line[i + 12])


@compiled
def _sorted(a: float, b: float, c: float, d: float) -> Four:
    """Four values in order: two pairs are, and are merged."""
    a, b = min(a, b), max(a, b)
    c, d = min(c, d), max(c, d)
    b, c, a, d = max(a, c), min(b, d), min(a, c), max(b, d)
    return a, min(b, c), max(b, c), d


@compiled
def _median(first: Four, second: Four, third: Four, single: float) -> float:
    """The median of thirteen: `single`, but not beyond the middle two of the others.

    Eight in order, and four more: the least upper bound of any six, some of which begin one run and
    some the other, is the sixth of all, and that of any seven the seventh.
    """
    _, e2, e3, e4, e5, e6, e7 = _merged(first, second)
    a, b, c, d = third
    sixth = min(e6, max(e5, a), max(e4, b), max(e3, c), max(e2, d))
    seventh = min(e7, max(e6, a), max(e5, b), max(e4, c), max(e3, d))
    return min(max(single, sixth), seventh)


@compiled
def _merged(first: Four, second: Four) -> tuple[float, float, float, float, float, float, float]:
    """The first seven, in order, of two runs.

    Batcher's odd-even merge (Knuth, The Art of Computer Programming 3, 5.3.4).
    """
    a, b, c, d = first
    e, f, g, h = second
    a, e = min(a, e), max(a, e)
    b, f = min(b, f), max(b, f)
    c, g = min(c, g), max(c, g)
    d = min(d, h)
    c, e = min(c, e), max(c, e)
    d, f = min(d, f), max(d, f)
    b, c = min(b, c), max(b, c)
    d, e = min(d, e), max(d, e)
    f, g = min(f, g), max(f, g)
    return a, b, c, d, e, f, g
