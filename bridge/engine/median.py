"""Sliding medians as networks of minima and maxima, which NumPy runs at the speed of memory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.floating[Any]]


@lru_cache
def median_network(count: int) -> tuple[tuple[int, int], ...]:
    """Exchanges `(low, high)` into order that bring the median of `count` values to the middle.

    Batcher's odd-even merge sort (Knuth, The Art of Computer Programming 3, 5.3.4) without the
    exchanges that the middle does not depend on.
    Raises ValueError for an even count, whose median would be a mean of two values.
    """
    if count < 1 or count % 2 == 0:
        raise ValueError(f"a median is taken of an odd count of values, not of {count}")
    needed = {count // 2}
    kept: list[tuple[int, int]] = []
    for low, high in reversed(_merge_sort(count)):
        if low in needed or high in needed:
            needed |= {low, high}
            kept.append((low, high))
    return tuple(reversed(kept))


def _merge_sort(count: int) -> list[tuple[int, int]]:
    pairs = []
    block = 1
    while block < count:
        step = block
        while step >= 1:
            for first in range(step % block, count - step, 2 * step):
                run = range(first, min(first + step, count - step))
                pairs += [(a, a + step) for a in run if a // block // 2 == (a + step) // block // 2]
            step //= 2
        block *= 2
    return pairs


def sliding_median(values: Levels, count: int, axis: int) -> Levels:
    """Exact medians of every `count` neighbours along `axis` (0 or 1) of `values` (n, m), float32.

    The result has `count - 1` fewer entries along `axis`; `count` is odd.
    """
    length = values.shape[axis] - count + 1
    runs = [slice(first, first + length) for first in range(count)]
    lanes = [values[run] if axis == 0 else values[:, run] for run in runs]
    spare = list(np.empty((count + 1, *lanes[0].shape), np.float32))
    # Lanes start as views of the input, and become ours to overwrite at their first exchange.
    owned: list[Levels | None] = [None] * count
    for low, high in median_network(count):
        smaller = spare.pop()
        larger = owned[high]
        if larger is None:
            larger = spare.pop()
        np.minimum(lanes[low], lanes[high], out=smaller)
        np.maximum(lanes[low], lanes[high], out=larger)
        freed = owned[low]
        if freed is not None:
            spare.append(freed)
        lanes[low] = owned[low] = smaller
        lanes[high] = owned[high] = larger
    return lanes[count // 2]
