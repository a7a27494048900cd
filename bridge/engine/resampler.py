"""Resampling of a live signal with the filter of core/polyphase.py, addressed by absolute index."""

from __future__ import annotations

import numpy as np

from bridge.core.conversion import Conversion
from bridge.core.polyphase import coefficients, design
from bridge.engine.base import Audio

_PIECE = 1024
"""Source frames worked on at once: bounds the memory, and stays within the caches."""


class Resampler:
    """Converts a signal of `rows` channels as it comes; how it is cut makes no difference.

    Source frames are zero before `first`; target frames that depend on one of them are only given
    when `first` is 0, where the signal truly begins.
    """

    def __init__(self, conversion: Conversion, rows: int, first: int = 0) -> None:
        self._conversion = conversion
        self._taps = 2 * conversion.half
        if self._taps:
            from bridge.engine.convolve import convolve

            self._convolve = convolve
        self._step = conversion.source * conversion.phases // conversion.target
        # From one piece to the next, what one target frame reads is kept.
        room = 2 * (self._taps + _PIECE) if self._taps else 0
        self._memory = np.zeros((rows, room), np.float32)
        self.seek(first)

    @property
    def position(self) -> int:
        """The next target frame that `push` gives."""
        return self._next

    def seek(self, first: int) -> None:
        """Go on with source frame `first`, as if nothing had come before."""
        self._next = _first_whole(self._conversion, first)
        self._stop = first
        self._end = self._taps
        self._memory[:, : self._end] = 0

    def push(self, frames: Audio) -> Audio:
        """Take the next source frames, shape (rows, n); returns what they complete, (rows, m).

        All are float32 and finite.
        """
        if not self._taps:
            self._next += frames.shape[1]
            return frames
        first, ready = self._next, self._conversion.ready(self._stop + frames.shape[1])
        out = np.empty((len(frames), max(0, ready - first)), np.float32)
        for start in range(0, frames.shape[1], _PIECE):
            self._append(frames[:, start : start + _PIECE])
            self._fill(out, self._next - first)
        return out

    def _append(self, piece: Audio) -> None:
        count = piece.shape[1]
        if self._end + count > self._memory.shape[1]:
            self._memory[:, : self._taps] = self._memory[:, self._end - self._taps : self._end]
            self._end = self._taps
        self._memory[:, self._end : self._end + count] = piece
        self._end += count
        self._stop += count

    def _fill(self, out: Audio, at: int) -> None:
        """Put all target frames that are complete into `out`, from its column `at` on."""
        count = self._conversion.ready(self._stop) - self._next
        if count > 0:
            # Whole cycles are left to Python, whose numbers have no end: positions may be anything.
            cycles, first = divmod(self._next, self._conversion.phases)
            offset = cycles * self._step + self._end - self._stop - self._conversion.half + 1
            table = coefficients(self._conversion)
            self._convolve(self._memory, offset, table, self._step, first, out, at, count)
            self._next += count


def warm_up() -> None:
    """Have ready what the first resampler would wait for: seconds, once on a machine."""
    conversion = design(48_000, 44_100)
    Resampler(conversion, 1).push(np.zeros((1, conversion.needed(1)), np.float32))


def _first_whole(conversion: Conversion, first: int) -> int:
    """First target frame that depends on no source frame before `first`; 0 for the beginning."""
    if first == 0:
        return 0
    # Smallest n with n * source // target - half + 1 >= first.
    wanted = first + max(0, conversion.half - 1)
    return -(-wanted * conversion.target // conversion.source)
