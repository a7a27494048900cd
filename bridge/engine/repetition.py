"""What the last seconds of a mix have already held: it is accompaniment more likely than voice.

Rafii and Pardo's REPET-SIM (ISMIR 2012): a band is expected to hold what it held at similar
moments of the last seconds.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.engine.compiled import compiled
from bridge.engine.past import Past

Levels = NDArray[np.floating[Any]]

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

_TINY = float(TINY)


class Repetition:
    """Takes what the last seconds have already held out of a mask."""

    def __init__(self, hertz: Levels) -> None:
        edges = np.searchsorted(hertz, np.geomspace(*BAND_HERTZ, BANDS + 1))
        # Low bands would be narrower than a bin, and high ones lie above half a low rate.
        self._edges = np.unique(edges)
        bands = self._edges.size - 1
        # Of each frame the levels, and then their shape.
        self._past = Past(FARTHEST - 1, 2 * bands, np.float64)
        self._newest = np.zeros((1, 2 * bands))

    def reduce(self, mask: Levels, power: Levels) -> None:
        """Scale the `mask` (F,) of the next frame by how far its `power` exceeds its repetition."""
        _describe(power, self._edges, self._newest[0])
        _reduce(mask, self._edges, self._past.extend(self._newest))


@compiled
def _describe(power: Levels, edges: NDArray[np.intp], found: Levels) -> None:
    """Fill `found` (2 * bands,), doubles, with what a frame's `power` (F,) holds.

    That are the levels of the bands between `edges`, and these with their mean taken out, at a
    length of one.
    """
    bands = edges.size - 1
    mean = 0.0
    for band in range(bands):
        total = 0.0
        for i in range(edges[band], edges[band + 1]):
            total += power[i]
        found[band] = total**COMPRESSION
        mean += found[band] / bands
    length = 0.0
    for band in range(bands):
        found[bands + band] = found[band] - mean
        length += found[bands + band] ** 2
    for band in range(bands, 2 * bands):
        found[band] /= sqrt(length) + _TINY


@compiled
def _reduce(mask: Levels, edges: NDArray[np.intp], past: Levels) -> None:
    """Scale the mask of the last frame of `past` (FARTHEST, 2 * bands)."""
    bands = edges.size - 1
    now = past[-1]
    expected, total = np.empty(bands), 0.0
    for band in range(bands):
        expected[band] = 0.0
    for frame in range(past.shape[0] - NEAREST):
        then = past[frame]
        similarity = 0.0
        for band in range(bands, 2 * bands):
            similarity += now[band] * then[band]
        weight = exp(SIMILARITY_GAIN * similarity)
        total += weight
        for band in range(bands):
            expected[band] += weight * then[band]
    for band in range(bands):
        share = min(expected[band] / total / (now[band] + _TINY), 1.0) ** (1 / COMPRESSION)
        fresh = np.float32((1 - REPETITION_GAIN * share) ** 1.5)
        for i in range(edges[band], edges[band + 1]):
            mask[i] *= fresh
