"""Sliding medians of 13 as minima and maxima of whole lines, which NumPy runs at memory's speed.

Windows that overlap share their work: two neighbours have twelve values in common, and of these
only the middle two matter to either median. The twelve are three sorted runs of four, and every
run is merged from two of half its length, which other windows use as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.floating[Any]]
Run = Sequence[Levels]
"""Lines of equal length whose values ascend, at every entry, from each line to the next."""

WINDOW = 13
"""Values that each median is taken of."""

PIECE = 8192
"""Medians made at once along a line: enough to hide Python's cost, few enough for the caches."""


class RunningMedian:
    """Medians over the last `WINDOW` lines at each of `width` entries; zeros before the first."""

    def __init__(self, width: int) -> None:
        zeros = np.zeros(width, np.float32)
        self._lines = deque([zeros] * WINDOW, WINDOW)
        # The newest run is on the right, and each begins two lines after the one before.
        self._pairs: deque[Run] = deque([[zeros] * 2] * 2, 2)
        self._fours: deque[Run] = deque([[zeros] * 4] * 5, 5)
        self._bounds: tuple[Levels, Levels] | None = None

    def push(self, line: Levels) -> Levels:
        """Medians (width,) over `line` (width,), float32, and those before it.

        Keeps `line`, which must not change afterwards.
        """
        self._lines.append(line)
        if self._bounds is not None:
            bounds, self._bounds = self._bounds, None
            return _within(bounds, line)
        self._pairs.append(_merged([self._lines[-2]], [line]))
        self._fours.append(_merged(self._pairs[0], self._pairs[1]))
        self._bounds = _middle_two(self._fours[0], self._fours[2], self._fours[4])
        return _within(self._bounds, self._lines[0])


def median_along(line: Levels) -> Levels:
    """Medians (m,) of every `WINDOW` neighbours in `line` (m + WINDOW - 1,), float32; m is even.

    Raises ValueError for an odd m.
    """
    medians = np.empty(line.size - WINDOW + 1, np.float32)
    if medians.size % 2:
        raise ValueError(f"medians are made two at a time, not {medians.size}; add an entry")
    for start in range(0, medians.size, PIECE):
        part = medians[start : start + PIECE]
        _fill(part, line[start : start + part.size + WINDOW - 1])
    return medians


def _fill(medians: Levels, line: Levels) -> None:
    """Medians along a short `line`, two by two: the first of each has the older thirteenth."""
    count = medians.size // 2
    pairs = _merged([line[1:-1:2]], [line[2::2]])
    fours = _merged([lane[:-1] for lane in pairs], [lane[1:] for lane in pairs])
    bounds = _middle_two(*([lane[at : at + count] for lane in fours] for at in (0, 2, 4)))
    _within(bounds, line[: 1 - WINDOW : 2], medians[::2])
    _within(bounds, line[WINDOW::2], medians[1::2])


def _within(bounds: tuple[Levels, Levels], single: Levels, out: Levels | None = None) -> Levels:
    """The median of thirteen: `single`, but not beyond the middle two of the twelve others."""
    return np.minimum(np.maximum(single, bounds[0]), bounds[1], out=out)


def _middle_two(first: Run, second: Run, third: Run) -> tuple[Levels, Levels]:
    eight = _merged(first, second)
    return _ranked(6, eight, third), _ranked(7, eight, third)


def _merged(first: Run, second: Run) -> Run:
    """One run of two that have the same count of lines, a power of two."""
    lanes = [*first, *second]
    for low, high in _exchanges(len(first)):
        one, other = lanes[low], lanes[high]
        lanes[low], lanes[high] = np.minimum(one, other), np.maximum(one, other)
    return lanes


@lru_cache
def _exchanges(length: int) -> tuple[tuple[int, int], ...]:
    """Pairs of lines to put in order, one after the other, to merge two runs of a length.

    Batcher's odd-even merge (Knuth, The Art of Computer Programming 3, 5.3.4).
    """
    pairs = [(low, low + length) for low in range(length)]
    step = length // 2
    while step:
        for start in range(step, 2 * length - step, 2 * step):
            pairs += [(low, low + step) for low in range(start, start + step)]
        step //= 2
    return tuple(pairs)


def _ranked(rank: int, eight: Run, four: Run) -> Levels:
    """The value of a rank from 5 to 8, counted from one, among both runs.

    It is the least upper bound of any `rank` values: some that begin one run, some the other.
    """
    least = eight[rank - 1]
    for value, rest in zip(four, eight[rank - 2 :: -1], strict=False):
        least = np.minimum(least, np.maximum(value, rest))
    return least
