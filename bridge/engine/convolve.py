"""The loop of the live resampler."""

from __future__ import annotations

from functools import partial

import numpy as np

from bridge.engine.base import Audio
from bridge.engine.compiled import compiled


@partial(compiled, any_order=True)
def convolve(
    memory: Audio, offset: int, table: Audio, step: int, first: int, out: Audio, at: int, count: int
) -> None:
    """Target frames from `first` on, `count` of them, into the columns of `out` from `at` on.

    Frame n has the taps of row n * step mod phases of `table`, and the first of them belongs to the
    source frame in column n * step // phases + offset of `memory`.
    """
    phases, taps = table.shape
    for index in range(count):
        position = (first + index) * step
        low = position // phases + offset
        weights = table[position % phases]
        for row in range(memory.shape[0]):
            read = memory[row, low : low + taps]
            total = np.float32(0)
            for tap in range(taps):
                total += read[tap] * weights[tap]
            out[row, at + index] = total
