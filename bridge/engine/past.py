"""Rows that went by and are still needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating[Any]]


class Past:
    """The last `frames` rows of what went by, (frames, width); zeros before the first."""

    def __init__(self, frames: int, width: int, dtype: type[np.floating[Any]] = np.float32) -> None:
        self._rows: Rows = np.zeros((frames, width), dtype)

    def extend(self, rows: Rows) -> Rows:
        """The kept rows and then `rows` (n, width), the newest of which are kept for next time."""
        joined = np.concatenate([self._rows, rows])
        self._rows = joined[rows.shape[0] :]
        return joined
