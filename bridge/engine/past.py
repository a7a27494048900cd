"""Rows that went by and are still needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating[Any]]


class Past:
    """The last `frames` rows of what went by, (frames, width); zeros before the first."""

    def __init__(self, frames: int, width: int, dtype: type[np.floating[Any]] = np.float32) -> None:
        self._frames = frames
        self._room = 4 + frames // 2  # more than are needed, so that they are not always moved
        self._memory: Rows = np.zeros((frames + self._room, width), dtype)
        self._end = frames

    def extend(self, rows: Rows) -> Rows:
        """The kept rows and then `rows` (n, width), the newest of which are kept for next time.

        In one piece, and valid until the next call.
        """
        first, count = self._end - self._frames, rows.shape[0]
        if self._end + count > self._memory.shape[0]:
            kept = self._memory[first : self._end].copy()
            if self._frames + count > self._memory.shape[0]:
                length = self._frames + count + self._room
                self._memory = np.empty((length, rows.shape[1]), kept.dtype)
            self._memory[: self._frames] = kept
            first, self._end = 0, self._frames
        self._memory[self._end : self._end + count] = rows
        self._end += count
        return self._memory[first : self._end]
