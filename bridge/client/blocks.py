"""What a program hands over, as the rest of the client expects it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import InputError

Audio = NDArray[np.float32]


def checked(block: ArrayLike, channels: int) -> Audio:
    """`block`, of shape (channels, n), or (n,) for one channel, as finite float32.

    What is not finite, or beyond float32, becomes 0. Raises InputError for anything else.
    """
    given: NDArray[Any] = np.asarray(block)
    if given.dtype.kind != "f":
        raise InputError(
            f"a block of {given.dtype} is no audio here; use floating point, full scale being 1"
        )
    if given.ndim == 1 and channels == 1:
        given = given[np.newaxis]
    if given.ndim != 2 or given.shape[0] != channels:
        raise InputError(
            f"a block of shape {given.shape} does not fit {channels} channel(s); "
            f"use ({channels}, frames)"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        audio = given.astype(np.float32, copy=False)
        if np.isfinite(np.add.reduce(audio, axis=None)):  # the usual case, in one go
            return audio
    return np.where(np.isfinite(audio), audio, np.float32(0))
