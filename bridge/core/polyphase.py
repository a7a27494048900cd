"""The linear-phase polyphase filter by which live signals are resampled.

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

Audio = NDArray[np.float32]

ATTENUATION_DB = 126.0
"""Asked of the window; Kaiser's formulas are approximate, and 120 dB are to be kept."""

AUDIBLE, AT_RATE = 20_000, 44_100
"""Flat up to 20 kHz where the lower rate is 44.1 kHz, to the same share of lower ones."""

COEFFICIENTS = 1 << 20
"""Largest table: 4 MB. Only pairs of rates that nearly share no factor would need more."""


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
