"""Weights for joining overlapping windows. Normalised over a plan, they sum to one everywhere."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=16)
def triangle(length: int) -> NDArray[np.float64]:
    """Rising and falling weights of demucs' `apply_model` with transition power 1.

    Shape (length,), float64, in (0, 1], highest in the middle, nowhere zero; read-only.
    """
    rising = np.arange(1, length // 2 + 1)
    falling = np.arange(length - length // 2, 0, -1)
    weights = np.concatenate([rising, falling]) / (length - length // 2)
    weights.flags.writeable = False
    return weights
