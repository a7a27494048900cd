"""A stretch of a signal that moves on, kept in one array that never grows."""

from __future__ import annotations

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
        parts = [self._frames[..., inside] for inside, _ in self._parts(start, length)]
        return parts[0].copy() if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def _parts(self, start: int, length: int) -> list[tuple[slice, slice]]:
        """Where `length` frames from `start` on are in the ring, and among themselves."""
        capacity = self._frames.shape[-1]
        if length > capacity:
            raise ValueError(f"{length} frames do not fit a ring of {capacity}")
        at = start % capacity
        if at + length <= capacity:
            return [(slice(at, at + length), slice(0, length))]
        first = capacity - at
        return [
            (slice(at, capacity), slice(0, first)),
            (slice(0, length - first), slice(first, length)),
        ]
