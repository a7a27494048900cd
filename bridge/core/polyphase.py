"""Resampling of a live signal by a linear-phase polyphase filter, addressed by absolute index.

A windowed sinc with Kaiser's window (Kaiser, "Nonrecursive digital filter design using the I0-sinh
window function", 1974): flat as far as one can hear, 120 dB down where an alias or an image could
be heard. In between, from 20 kHz to the half rate and its mirror, neither can.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, pi

import numpy as np
from numpy.typing import NDArray

from bridge.core.conversion import Conversion
from bridge.core.line import Line

Audio = NDArray[np.float32]

ATTENUATION_DB = 126.0
"""Asked of the window; Kaiser's formulas are approximate, and 120 dB are to be kept."""

AUDIBLE, AT_RATE = 20_000, 44_100
"""Flat up to 20 kHz where the lower rate is 44.1 kHz, to the same share of lower ones."""

COEFFICIENTS = 1 << 20
"""Largest table: 4 MB. Only pairs of rates that nearly share no factor would need more."""

_AT_ONCE = 1024  # target frames computed at once: their windows stay in the cache


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


class Resampler:
    """Converts a signal of `rows` channels as it comes; how it is cut makes no difference.

    Source frames are zero before `first`; target frames that depend on one of them are only given
    when `first` is 0, where the signal truly begins.
    """

    def __init__(self, conversion: Conversion, rows: int, first: int = 0) -> None:
        self._conversion = conversion
        self._table = coefficients(conversion) if conversion.half else None
        self._rows = rows
        self.seek(first)

    @property
    def position(self) -> int:
        """The next target frame that `push` gives."""
        return self._next

    def seek(self, first: int) -> None:
        """Go on with source frame `first`, as if nothing had come before."""
        half = self._conversion.half
        self._next = _first_whole(self._conversion, first)
        # The taps of target frame 0 begin in front of the signal.
        lead = max(0, half - 1) if first == 0 else 0
        self._line = Line(self._rows, first - lead)
        self._line.grow(lead)[...] = 0

    def push(self, frames: Audio) -> Audio:
        """Take the next source frames, shape (rows, n); returns what they complete, (rows, m)."""
        if self._table is None:
            self._next += frames.shape[1]
            return frames
        self._line.append(frames)
        conversion = self._conversion
        stop = max(self._next, conversion.ready(self._line.stop))
        out = np.empty((self._rows, stop - self._next), np.float32)
        for start in range(self._next, stop, _AT_ONCE):
            end = min(start + _AT_ONCE, stop)
            self._fill(out[:, start - self._next : end - self._next], start, end)
        self._next = stop
        self._line.forget(stop * conversion.source // conversion.target - conversion.half + 1)
        return out

    def _fill(self, out: Audio, start: int, stop: int) -> None:
        assert self._table is not None  # noqa: S101 - for the type checker
        conversion, line = self._conversion, self._line
        phases, taps = self._table.shape
        step = conversion.source * phases // conversion.target
        position = np.arange(start, stop) * step
        before = position // phases - conversion.half + 1
        low, high = int(before[0]), int(before[-1]) + taps
        near = np.lib.stride_tricks.sliding_window_view(line.view(low, high), taps, axis=1)
        np.einsum("rnt,nt->rn", near[:, before - low], self._table[position % phases], out=out)


def _first_whole(conversion: Conversion, first: int) -> int:
    """First target frame that depends on no source frame before `first`; 0 for the beginning."""
    if first == 0:
        return 0
    # Smallest n with n * source // target - half + 1 >= first.
    wanted = first + max(0, conversion.half - 1)
    return -(-wanted * conversion.target // conversion.source)
