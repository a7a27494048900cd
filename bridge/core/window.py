"""Weights for joining overlapping windows. Over a whole plan they sum to one everywhere."""

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


@lru_cache(maxsize=64)
def joining(hop: int, fade: int) -> NDArray[np.float32]:
    """Weights of a live run over its hop and the `fade` frames after it.

    Shape (hop + fade,), float32, in (0, 1]; read-only. They rise linearly over `fade` frames and
    fall as they rose; where runs meet, every `hop` frames, they sum to one. Up to a fade of a hop
    that is a linear cross-fade, beyond it the average of all runs that reach a frame.
    """
    rising = np.arange(1, hop + fade + 1, dtype=np.float64)
    weights = np.minimum(np.minimum(rising, rising[::-1]), fade + 1)
    place = np.arange(hop + fade) % hop
    weights /= np.bincount(place, weights, hop)[place]
    found = weights.astype(np.float32)
    found.flags.writeable = False
    return found
