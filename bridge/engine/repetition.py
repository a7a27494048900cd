"""What the last seconds of a mix have already held: it is accompaniment more likely than voice.

Rafii and Pardo's REPET-SIM (ISMIR 2012): a band is expected to hold what it held at similar
moments of the last seconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.engine.past import Past

Levels = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

BANDS, BAND_HERTZ = 32, (110.0, 10_000.0)
"""Bands, even on a logarithmic scale, in which repetition is looked for."""

NEAREST, FARTHEST = 35, 200
"""Lags from 0.4 s (a held note is no repetition) up to but not including 2.3 s, in frames."""

SIMILARITY_GAIN, REPETITION_GAIN = 5.0, 0.85
"""How much similar moments outweigh others, and what a full repetition takes from a voice."""

COMPRESSION = 0.1
"""Power to which band energies are averaged, so that one loud moment does not speak for all."""

TINY = np.float32(1e-20)
"""Keeps digital silence from being divided by itself; far below the power of a 24-bit step."""


_TINY = np.array(TINY, np.float64)  # of another type than what it is added to, it takes longer


class Repetition:
    """Takes what the last seconds have already held out of a mask."""

    def __init__(self, hertz: Levels) -> None:
        edges = np.searchsorted(hertz, np.geomspace(*BAND_HERTZ, BANDS + 1))
        # Low bands would be narrower than a bin, and high ones lie above half a low rate.
        edges = np.unique(edges)
        self._bins = slice(int(edges[0]), int(edges[-1]))
        self._starts = edges[:-1] - edges[0]
        self._band = np.arange(self._starts.size).repeat(np.diff(edges))
        self._past = Past(FARTHEST - 1, 2 * self._starts.size, np.float64)

    def reduce(self, mask: Levels, power: Levels) -> None:
        """Scale `mask` (n, F) by how far `power` (n, F) exceeds its own repetition."""
        count, bands = mask.shape[0], self._starts.size
        newest = np.empty((count, 2 * bands))
        levels = newest[:, :bands]
        levels[...] = np.add.reduceat(power[:, self._bins], self._starts, axis=1) ** COMPRESSION
        newest[:, bands:] = _shapes(levels)
        past = self._past.extend(newest)
        share = _repeating(past[:, :bands], past[:, bands:], count)
        fresh = ((1 - REPETITION_GAIN * share) ** 1.5).astype(np.float32)
        mask[:, self._bins] *= fresh.take(self._band, axis=1)


def _shapes(levels: Doubles) -> Doubles:
    """Rows of band `levels` (n, bands) with their mean taken out, at a length of one."""
    shapes = levels @ _centred(levels.shape[1])
    shapes /= np.sqrt(np.vecdot(shapes, shapes))[:, None] + _TINY
    return np.asarray(shapes)


@lru_cache
def _centred(size: int) -> Doubles:
    """What takes the mean out of rows of a size: a product takes less than what it stands for."""
    return np.eye(size) - 1 / size


def _repeating(levels: Levels, shapes: Levels, count: int) -> Levels:
    """Share, in [0, 1], of repetition in the last `count` rows of `levels` (K + n, bands).

    All in double precision, as the order of a matrix product's sums depends on the count of rows.
    """
    similarity = SIMILARITY_GAIN * shapes[-count:] @ shapes.T
    weights = np.exp(similarity) * _lags(count, len(levels))
    expected = (weights @ levels) / np.add.reduce(weights, axis=1, keepdims=True)
    ratio = np.minimum(expected / (levels[-count:] + _TINY), 1)
    return np.asarray(ratio ** (1 / COMPRESSION))


@lru_cache(maxsize=64)
def _lags(count: int, total: int) -> Doubles:
    """One where a row of the last `count` of `total` may look for its repetition, else zero."""
    lag = np.arange(total - count, total)[:, None] - np.arange(total)
    return ((lag >= NEAREST) & (lag < FARTHEST)).astype(np.float64)
