"""A stretch of a signal that grows at its end and is forgotten at its beginning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]


class Line:
    """Frames `[start, stop)` of a signal, by absolute index, in one piece of memory.

    Appending and forgetting cost what the frames cost; memory is at most twice the most that was
    ever held at once, and 256 frames at least.
    """

    def __init__(self, rows: int, start: int = 0) -> None:
        self._memory = np.zeros((rows, 256), np.float32)
        self._first = 0
        self.start = start
        self.stop = start

    def append(self, frames: Audio) -> None:
        """Take the next frames, shape (rows, n)."""
        out = self.grow(frames.shape[1])
        out[...] = frames

    def grow(self, count: int) -> Audio:
        """The place of the next `count` frames, shape (rows, count), to be written at once."""
        held = self.stop - self.start
        end = self._first + held
        if end + count > self._memory.shape[1]:
            wanted = 2 * (held + count)
            roomy = self._memory.shape[1] >= wanted
            larger = self._memory if roomy else np.empty((len(self._memory), wanted), np.float32)
            larger[:, :held] = self._memory[:, self._first : end].copy()
            self._memory, self._first, end = larger, 0, held
        self.stop += count
        return self._memory[:, end : end + count]

    def view(self, start: int, stop: int) -> Audio:
        """The frames `[start, stop)`, shape (rows, stop - start); valid until the next append."""
        if not self.start <= start <= stop <= self.stop:
            raise ValueError(f"{start} to {stop} is not within {self.start} to {self.stop}")
        offset = self._first - self.start
        return self._memory[:, start + offset : stop + offset]

    def forget(self, before: int) -> None:
        """Drop the frames before `before`, or all."""
        count = min(max(0, before - self.start), self.stop - self.start)
        self.start += count
        self._first += count
