"""A stretch of a signal that moves on, kept in one array that never grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Audio = NDArray[np.float32]


class Ring:
    """`capacity` frames of shape (*rows, T), each at its absolute index modulo the capacity.

    It starts with zeros and knows nothing of which frames it holds: whoever uses it does. Spans
    may begin before frame 0 and are never longer than the capacity. `dtype` is float32 for audio.
    """

    def __init__(self, rows: tuple[int, ...], capacity: int, dtype: DTypeLike = np.float32) -> None:
        self._frames = np.zeros((*rows, capacity), dtype)

    @property
    def capacity(self) -> int:
        """Frames held."""
        return self._frames.shape[-1]

    def write(self, start: int, frames: NDArray[Any]) -> None:
        """Put `frames`, shape (*rows, n), at `start`."""
        for inside, outside in self._parts(start, frames.shape[-1]):
            self._frames[..., inside] = frames[..., outside]

    def fill(self, start: int, length: int, value: Any) -> None:
        """Put `value` into `length` frames from `start` on."""
        for inside, _ in self._parts(start, length):
            self._frames[..., inside] = value

    def read(self, start: int, length: int) -> NDArray[Any]:
        """A copy of the frames from `start` on, shape (*rows, length)."""
        out = np.empty((*self._frames.shape[:-1], length), self._frames.dtype)
        for inside, outside in self._parts(start, length):
            out[..., outside] = self._frames[..., inside]
        return out

    def _parts(self, start: int, length: int) -> Iterator[tuple[slice, slice]]:
        capacity = self._frames.shape[-1]
        if length > capacity:
            raise ValueError(f"{length} frames do not fit a ring of {capacity}")
        at = start % capacity
        first = min(length, capacity - at)
        yield slice(at, at + first), slice(0, first)
        if first < length:
            yield slice(0, length - first), slice(first, length)
