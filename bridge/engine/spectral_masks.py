"""Soft masks for drums, bass and vocals from the spectra of a mix alone, a few at a time.

Evidence, each from a bounded number of past spectra and one future one:

- percussion: Fitzgerald, "Harmonic/percussive separation using median filtering" (DAFx 2010),
  with a part of what is neither counted as tonal, after Driedger, Müller and Disch (ISMIR 2014);
- kick: what stands out above the sustained level of the low band, more so after an attack;
- centre: side against mid power, close to Avendano and Jot's similarity (AES 113, 2002);
- repetition: Rafii and Pardo's REPET-SIM (ISMIR 2012): what a band held at similar moments of the
  last seconds is accompaniment.

Counts of frames and bins hold at every rate, as a hop lasts about 11.5 ms and a bin is about
22 Hz wide whatever the rate.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.engine.median import sliding_median
from bridge.engine.stft import SPREAD, Spectra

Levels = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

AHEAD = 1
"""Frames after its own that a mask depends on."""

TIME_MEDIAN = 13
"""Frames, 150 ms: longer than most drum hits, shorter than a sung note."""

BIN_MEDIAN = 13
"""Bins, 280 Hz: wider than one partial, so that partials do not pass for noise."""

PERCUSSIVE_GAIN = 0.6
"""Weight of the percussive power against the tonal one."""

UNDECIDED = 0.1
"""Share of the power that is neither to count as tonal: the onsets of notes are such."""

SUSTAIN_MEDIAN, SUSTAIN_GAIN = 37, 1.25
"""Frames, 430 ms, that a bass note fills and a kick does not; and how far a kick exceeds them."""

KICK_BINS, KICK_HERTZ = 40, 250.0
"""Bins in which kicks are looked for, and where that fades out."""

ATTACK_HERTZ = (200.0, 6000.0)
"""Where the stick and the sweep of a drum show: above the bass, below most of the hi-hat."""

ATTACK_RISE, ATTACK_FRAMES, ATTACK_DECAY = 2, 16, 0.9
"""Frames over which an attack rises, frames that it is remembered, share kept from each to next."""

UNATTACKED = 0.5
"""Share of a rise in the low band that counts as a kick although nothing struck above it."""

BASS_HERTZ, VOICE_HERTZ = 160.0, (120.0, 12_000.0)
"""Top of the bass, and bottom and top of a voice, where each has half its share."""

BANDS, BAND_HERTZ = 32, (110.0, 10_000.0)
"""Bands, even on a logarithmic scale, in which repetition is looked for."""

NEAREST, FARTHEST = 35, 200
"""Lags from 0.4 s (a held note is no repetition) up to but not including 2.3 s, in frames."""

SIMILARITY_GAIN, REPETITION_GAIN = 5.0, 0.85
"""How much similar moments outweigh others, and what a full repetition takes from a voice."""

COMPRESSION = 0.1
"""Power to which band energies are averaged, so that one loud moment does not speak for all."""

MEMORY = max(FARTHEST - 1, SUSTAIN_MEDIAN, TIME_MEDIAN, ATTACK_FRAMES + ATTACK_RISE)
"""Frames before its own that a mask may depend on."""

TINY = np.float32(1e-20)
"""Keeps digital silence from being divided by itself; far below the power of a 24-bit step."""


class Masks(NamedTuple):
    """Shares in [0, 1] of each bin: float32 of shape (n, F). What they leave over is `other`.

    `drums`, `bass` and `vocals` are shares of the mid signal and sum to at most one;
    `drums_side` is a share of the side signal, in which bass and vocals have no part.
    """

    drums: Levels
    bass: Levels
    vocals: Levels
    drums_side: Levels


class Past:
    """The last `frames` rows of what went by, float32; zeros before the first."""

    def __init__(self, frames: int, width: int) -> None:
        self._rows = np.zeros((frames, width), np.float32)

    def extend(self, rows: Levels) -> Levels:
        """The kept rows and then `rows` (n, width), the newest of which are kept for next time."""
        joined = np.concatenate([self._rows, rows])
        self._rows = joined[rows.shape[0] :]
        return joined


class MaskMaker:
    """Makes the masks of a mix from its spectra, in order, any number of them at a time."""

    def __init__(self, rate: int, hop: int) -> None:
        hertz = np.arange(SPREAD * hop // 2 + 1) * (rate / (SPREAD * hop))
        bins = hertz.size
        self._bass = _below(hertz, BASS_HERTZ, 8)
        voice = _below(hertz, VOICE_HERTZ[1], 4) * (1 - _below(hertz, VOICE_HERTZ[0], 4))
        self._voice = (1 - self._bass) * voice
        self._kick = _below(hertz[:KICK_BINS], KICK_HERTZ, 6)
        self._attack = slice(*np.searchsorted(hertz, ATTACK_HERTZ).tolist())
        self._both = Past(TIME_MEDIAN - 1, bins)
        self._side = Past(TIME_MEDIAN - 1, bins)
        self._low = Past(SUSTAIN_MEDIAN - 1, KICK_BINS)
        self._struck = Past(ATTACK_FRAMES - 1 + ATTACK_RISE, 1)
        self._repetition = Repetition(hertz)

    def push(self, mid: Spectra, side: Spectra) -> Masks:
        """Masks of the n spectra that end `AHEAD` before the last of `mid` and `side` (n, F)."""
        side_power = _power(side)
        both = self._both.extend(np.sqrt(_power(mid) + side_power))
        sides = self._side.extend(np.sqrt(side_power))
        power, side_power = _current(both) ** 2, _current(sides) ** 2
        mid_power = np.maximum(power - side_power, 0)

        drums, percussive = _percussion(both, power)
        drums_side, _ = _percussion(sides, side_power)
        kick = self._kick_share(both[TIME_MEDIAN - 1 :, :KICK_BINS], power, percussive)
        drums[:, :KICK_BINS] += self._kick * (kick - drums[:, :KICK_BINS])

        # The room around a drum in the middle is at the sides, too diffuse to be told by itself.
        drums_side = np.maximum(drums_side, drums)

        tonal = 1 - drums
        # Uncorrelated sources have as much power at the sides as in the middle.
        centre = np.maximum(1 - side_power / (mid_power + TINY), 0)
        vocals = tonal * self._voice * centre
        self._repetition.reduce(vocals, mid_power)
        return Masks(drums, tonal * self._bass, vocals, drums_side)

    def _kick_share(self, low: Levels, power: Levels, percussive: Levels) -> Levels:
        """Share of drums (n, KICK_BINS) in the low band, from its newest magnitudes `low`."""
        sustained = sliding_median(self._low.extend(low), SUSTAIN_MEDIAN, axis=0) ** 2
        rise = 1 - SUSTAIN_GAIN * sustained / (power[:, :KICK_BINS] + TINY)
        struck = UNATTACKED + (1 - UNATTACKED) * self._attacks(percussive)
        return np.asarray(np.maximum(rise, 0) * struck)

    def _attacks(self, percussive: Levels) -> Levels:
        """How sharply something was struck of late, in [0, 1]: (n, 1)."""
        now = percussive[:, self._attack].sum(axis=1, keepdims=True)
        struck = self._struck.extend(now)
        sharp = np.maximum(1 - struck[:-ATTACK_RISE] / (struck[ATTACK_RISE:] + TINY), 0)
        weights = ATTACK_DECAY ** np.arange(ATTACK_FRAMES, dtype=np.float32)[::-1]
        recent = np.lib.stride_tricks.sliding_window_view(sharp[:, 0], ATTACK_FRAMES)
        return np.asarray(np.max(recent * weights, axis=1, keepdims=True))


class Repetition:
    """Takes what the last seconds have already held out of a mask."""

    def __init__(self, hertz: Levels) -> None:
        edges = np.searchsorted(hertz, np.geomspace(*BAND_HERTZ, BANDS + 1))
        # Low bands would be narrower than a bin, and high ones lie above half a low rate.
        self._edges = np.unique(edges)
        self._past = Past(FARTHEST - 1, self._edges.size - 1)

    def reduce(self, mask: Levels, power: Levels) -> None:
        """Scale `mask` (n, F) by how far `power` (n, F) exceeds its own repetition."""
        first, last = int(self._edges[0]), int(self._edges[-1])
        bands = np.add.reduceat(power[:, first:last], self._edges[:-1] - first, axis=1)
        levels = self._past.extend(bands**COMPRESSION)
        share = _repeating(levels.astype(np.float64), mask.shape[0])
        fresh = ((1 - REPETITION_GAIN * share) ** 1.5).astype(np.float32)
        mask[:, first:last] *= np.repeat(fresh, np.diff(self._edges), axis=1)


def _repeating(levels: Doubles, count: int) -> Doubles:
    """Share, in [0, 1], of repetition in the last `count` rows of band `levels` (K + n, bands).

    In double precision, as the order of a matrix product's sums depends on the count of rows.
    """
    shape = levels - levels.mean(axis=1, keepdims=True)
    shape /= np.sqrt(np.sum(shape**2, axis=1, keepdims=True)) + TINY
    similarity = shape[-count:] @ shape.T
    weights = np.exp(SIMILARITY_GAIN * (similarity - 1)) * _lags(count, len(levels))
    expected = (weights @ levels) / weights.sum(axis=1, keepdims=True)
    ratio = np.minimum(expected / (levels[-count:] + TINY), 1)
    return np.asarray(ratio ** (1 / COMPRESSION))


@lru_cache(maxsize=64)
def _lags(count: int, total: int) -> Doubles:
    """One where a row of the last `count` of `total` may look for its repetition, else zero."""
    lag = np.arange(total - count, total)[:, None] - np.arange(total)
    return ((lag >= NEAREST) & (lag < FARTHEST)).astype(np.float64)


def _percussion(magnitudes: Levels, power: Levels) -> tuple[Levels, Levels]:
    """Share of percussion and its power, (n, F) each; `magnitudes` begin with the past rows."""
    tonal = sliding_median(magnitudes, TIME_MEDIAN, axis=0) ** 2
    margin = BIN_MEDIAN // 2
    widened = np.pad(_current(magnitudes), ((0, 0), (margin, margin)), mode="reflect")
    percussive = PERCUSSIVE_GAIN * sliding_median(widened, BIN_MEDIAN, axis=1) ** 2
    explained = tonal + percussive
    undecided = np.maximum(power - explained, 0)
    return percussive / (explained + UNDECIDED * undecided + TINY), percussive


def _current(rows: Levels) -> Levels:
    """The frames that masks are made for: `AHEAD` before the newest, after TIME_MEDIAN's past."""
    return rows[TIME_MEDIAN - 1 - AHEAD : -AHEAD]


def _power(spectra: Spectra) -> Levels:
    return spectra.real**2 + spectra.imag**2


def _below(hertz: NDArray[Any], corner: float, order: int) -> Levels:
    """Share of a soft low-pass at each frequency: one half at `corner`."""
    return (1 / (1 + (hertz / corner) ** order)).astype(np.float32)
