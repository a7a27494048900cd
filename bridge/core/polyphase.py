"""Resampling of a live signal by a linear-phase polyphase filter, addressed by absolute index.

A windowed sinc with Kaiser's window (Kaiser, "Nonrecursive digital filter design using the I0-sinh
window function", 1974): flat as far as one can hear, 120 dB down where an alias or an image could
be heard. In between, from 20 kHz to the half rate and its mirror, neither can.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, pi

import numpy as np
from numpy.typing import NDArray

from bridge.core.conversion import Conversion

Audio = NDArray[np.float32]

ATTENUATION_DB = 126.0
"""Asked of the window; Kaiser's formulas are approximate, and 120 dB are to be kept."""

AUDIBLE, AT_RATE = 20_000, 44_100
"""Flat up to 20 kHz where the lower rate is 44.1 kHz, to the same share of lower ones."""

COEFFICIENTS = 1 << 20
"""Largest table: 4 MB. Only pairs of rates that nearly share no factor would need more."""

_TOGETHER = 32
"""Target frames, or those of as many source frames, that one product of matrices gives. More would
multiply with more zeros, fewer would cost more calls."""

_PIECE = 1024
"""Source frames worked on at once: bounds the memory, and stays within the caches."""


@lru_cache(maxsize=64)
def design(source: int, target: int) -> Conversion:
    """The conversion from `source` to `target` Hz with the taps that it takes.

    Raises ValueError for a pair of rates whose table of coefficients would be too large.
    """
    if source == target:
        return Conversion(source, target)
    found = Conversion(source, target, ceil(_support(source, target)))
    size = found.phases * 2 * found.half
    if size > COEFFICIENTS:
        raise ValueError(
            f"{source} Hz cannot be converted to {target} Hz live: it takes {size} coefficients; "
            "use a usual rate such as 44100, 48000 or 96000"
        )
    return found


def _support(source: int, target: int) -> float:
    """Half the length of the filter in source frames."""
    low = min(source, target)
    width = low - 2 * _pass_band(low)
    return (ATTENUATION_DB - 8) / (2.285 * 2 * pi * width) / 2 * source


def _pass_band(low: int) -> float:
    return min(AUDIBLE, low * AUDIBLE / AT_RATE)


@lru_cache(maxsize=16)
def coefficients(conversion: Conversion) -> Audio:
    """Weights of shape (phases, 2 * half), float32, read-only.

    Row p belongs to target frames that lie p / phases behind a source frame k; its columns to the
    source frames from k - half + 1 through k + half.
    """
    source, target, half = conversion.source, conversion.target, conversion.half
    support = _support(source, target)
    beta = 0.1102 * (ATTENUATION_DB - 8.7)
    phases = np.arange(conversion.phases)[:, None] / conversion.phases
    distance = phases - np.arange(1 - half, half + 1)
    inside = np.sqrt(np.maximum(0.0, 1 - (distance / support) ** 2))
    window = np.where(np.abs(distance) < support, np.i0(beta * inside) / np.i0(beta), 0.0)
    share = min(source, target) / source
    table: Audio = (share * np.sinc(share * distance) * window).astype(np.float32)
    table.flags.writeable = False
    return table


@dataclass(frozen=True, slots=True)
class _Bank:
    """The filter as matrices, one for each group of target frames that are computed together.

    Taps repeat with each cycle of `source` source and `target` target frames. A cycle is cut into
    groups of `columns` target frames, the last one possibly shorter. Group g of a cycle reads
    `taps` source frames from `lowest[g]` of the cycle on, with the weights `tables[g]` of shape
    (taps, columns), float32.
    """

    source: int
    target: int
    columns: int
    taps: int
    lowest: tuple[int, ...]
    tables: tuple[Audio, ...]


@lru_cache(maxsize=16)
def _bank(conversion: Conversion) -> _Bank:
    half, phases = conversion.half, conversion.phases
    step = conversion.source * phases // conversion.target
    together = _TOGETHER * max(1, phases // step)
    cycles = -(-together // phases)
    source, target = step * cycles, phases * cycles
    groups = -(-target // together)
    columns = -(-target // groups)
    # The taps of one column, and how far the last one may lie behind the first.
    taps = 2 * half - (-(columns - 1) * source // target)
    lowest, tables = [], []
    for start in range(0, target, columns):
        lowest.append(start * source // target - half + 1)
        table = np.zeros((taps, columns), np.float32)
        for column in range(min(columns, target - start)):
            position = (start + column) * source
            first = position // target - half + 1 - lowest[-1]
            weights = coefficients(conversion)[position // cycles % phases]
            table[first : first + 2 * half, column] = weights
        tables.append(table)
    return _Bank(source, target, columns, taps, tuple(lowest), tuple(tables))


class Resampler:
    """Converts a signal of `rows` channels as it comes; how it is cut makes no difference.

    Source frames are zero before `first`; target frames that depend on one of them are only given
    when `first` is 0, where the signal truly begins.
    """

    def __init__(self, conversion: Conversion, rows: int, first: int = 0) -> None:
        self._conversion = conversion
        self._bank = _bank(conversion) if conversion.half else None
        # From one piece to the next, what one group reads is kept.
        room = 2 * (self._bank.taps + _PIECE) if self._bank else 0
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
        self._end = self._bank.taps if self._bank else 0
        self._memory[:, : self._end] = 0

    def push(self, frames: Audio) -> Audio:
        """Take the next source frames, shape (rows, n); returns what they complete, (rows, m).

        All are float32 and finite.
        """
        if self._bank is None:
            self._next += frames.shape[1]
            return frames
        first, ready = self._next, self._conversion.ready(self._stop + frames.shape[1])
        out = np.empty((len(frames), max(0, ready - first)), np.float32)
        for start in range(0, frames.shape[1], _PIECE):
            self._append(frames[:, start : start + _PIECE], self._bank.taps)
            self._fill(out[:, self._next - first :], self._bank)
        return out

    def _append(self, piece: Audio, taps: int) -> None:
        count = piece.shape[1]
        # A group that is not complete reads beyond the end; whatever is there has weight 0.
        if self._end + count + taps > self._memory.shape[1]:
            self._memory[:, :taps] = self._memory[:, self._end - taps : self._end]
            self._end = taps
        self._memory[:, self._end : self._end + count] = piece
        self._end += count
        self._stop += count

    def _fill(self, out: Audio, bank: _Bank) -> None:
        ready, offset = self._conversion.ready(self._stop), self._end - self._stop
        done = 0
        while self._next < ready:
            cycle, place = divmod(self._next, bank.target)
            group, column = divmod(place, bank.columns)
            low = offset + cycle * bank.source + bank.lowest[group]
            # Whole groups always: the same product gives the same bits.
            found = self._memory[:, low : low + bank.taps] @ bank.tables[group]
            count = min(bank.columns - column, bank.target - place, ready - self._next)
            out[:, done : done + count] = found[:, column : column + count]
            self._next += count
            done += count


def _first_whole(conversion: Conversion, first: int) -> int:
    """First target frame that depends on no source frame before `first`; 0 for the beginning."""
    if first == 0:
        return 0
    # Smallest n with n * source // target - half + 1 >= first.
    wanted = first + max(0, conversion.half - 1)
    return -(-wanted * conversion.target // conversion.source)
