"""Soft masks for drums, bass and vocals from the spectra of a mix alone, a few at a time.

Evidence, each from a bounded number of past spectra and one future one:

- percussion: Fitzgerald, "Harmonic/percussive separation using median filtering" (DAFx 2010),
  with a part of what is neither counted as tonal, after Driedger, Müller and Disch (ISMIR 2014);
- kick: what stands out above the sustained level of the low band, more so after an attack;
- centre: side against mid power, close to Avendano and Jot's similarity (AES 113, 2002);
- repetition: what a band held at similar moments of the last seconds is accompaniment.

Counts of frames and bins hold at every rate, as a hop lasts about 11.5 ms and a bin is about
22 Hz wide whatever the rate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.engine.median import WINDOW, RunningMedian, median_along
from bridge.engine.past import Past
from bridge.engine.repetition import FARTHEST, TINY, Repetition
from bridge.engine.stft import SPREAD, Spectra

Levels = NDArray[np.floating[Any]]

AHEAD = 1
"""Frames after its own that a mask depends on."""

TIME_MEDIAN = WINDOW
"""Frames, 150 ms: longer than most drum hits, shorter than a sung note."""

BIN_MEDIAN = WINDOW
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

MEMORY = max(FARTHEST - 1, SUSTAIN_MEDIAN, TIME_MEDIAN, ATTACK_FRAMES + ATTACK_RISE)
"""Frames before its own that a mask may depend on."""


class Masks(NamedTuple):
    """Shares in [0, 1] of each bin: float32 of shape (n, F). What they leave over is `other`.

    `drums`, `bass` and `vocals` are shares of the mid signal and sum to at most one;
    `drums_side` is a share of the side signal, in which bass and vocals have no part.
    """

    drums: Levels
    bass: Levels
    vocals: Levels
    drums_side: Levels


class MaskMaker:
    """Makes the masks of a mix from its spectra, in order, any number of them at a time."""

    def __init__(self, rate: int, hop: int) -> None:
        hertz = np.arange(SPREAD * hop // 2 + 1) * (rate / (SPREAD * hop))
        self._bins = hertz.size
        self._bass = _below(hertz, BASS_HERTZ, 8)
        voice = _below(hertz, VOICE_HERTZ[1], 4) * (1 - _below(hertz, VOICE_HERTZ[0], 4))
        self._voice = (1 - self._bass) * voice
        self._kick = _below(hertz[:KICK_BINS], KICK_HERTZ, 6)
        self._attack = slice(*np.searchsorted(hertz, ATTACK_HERTZ).tolist())
        self._decay = ATTACK_DECAY ** np.arange(ATTACK_FRAMES, dtype=np.float32)[::-1]
        self._magnitudes = Past(AHEAD, 2 * self._bins)
        self._steady = RunningMedian(2 * self._bins)
        self._low = Past(SUSTAIN_MEDIAN - 1, KICK_BINS)
        self._struck = Past(ATTACK_FRAMES - 1 + ATTACK_RISE, 1)
        self._repetition = Repetition(hertz)

    def push(self, spectra: Spectra) -> Masks:
        """Masks of the n spectra that end `AHEAD` before the last of `spectra`.

        Those are of mid and side: (n, 2, F), complex64.
        """
        newest = _magnitudes(spectra)
        magnitudes = self._magnitudes.extend(newest)[:-AHEAD].reshape(spectra.shape)
        power = np.square(magnitudes)
        percussive = PERCUSSIVE_GAIN * np.square(_along_bins(magnitudes))
        share = _percussion(np.square(self._along_time(newest)), percussive, power)
        drums, drums_side = share[:, 0], share[:, 1]
        both_power, side_power = power[:, 0], power[:, 1]
        mid_power = np.maximum(both_power - side_power, 0)

        kick = self._kick_share(newest[:, :KICK_BINS], both_power, percussive[:, 0])
        drums[:, :KICK_BINS] += self._kick * (kick - drums[:, :KICK_BINS])

        # The room around a drum in the middle is at the sides, too diffuse to be told by itself.
        np.maximum(drums_side, drums, out=drums_side)

        tonal = 1 - drums
        # Uncorrelated sources have as much power at the sides as in the middle.
        centre = np.maximum(1 - side_power / (mid_power + TINY), 0)
        vocals = tonal * self._voice * centre
        self._repetition.reduce(vocals, mid_power)
        return Masks(drums, tonal * self._bass, vocals, drums_side)

    def _along_time(self, magnitudes: Levels) -> Levels:
        """Medians (n, 2, F) over time that end with each of `magnitudes` (n, 2 * F)."""
        medians = np.empty_like(magnitudes)
        for row, line in zip(medians, magnitudes, strict=True):
            row[:] = self._steady.push(line)
        return medians.reshape(-1, 2, self._bins)

    def _kick_share(self, low: Levels, power: Levels, percussive: Levels) -> Levels:
        """Share of drums (n, KICK_BINS) in the low band, from its newest magnitudes `low`."""
        rows = self._low.extend(low)
        sustained = np.empty_like(low)
        for index, row in enumerate(sustained):
            window = rows[index : index + SUSTAIN_MEDIAN]
            row[:] = np.partition(window, SUSTAIN_MEDIAN // 2, axis=0)[SUSTAIN_MEDIAN // 2]
        rise = 1 - SUSTAIN_GAIN * np.square(sustained) / (power[:, :KICK_BINS] + TINY)
        struck = UNATTACKED + (1 - UNATTACKED) * self._attacks(percussive)
        return np.asarray(np.maximum(rise, 0) * struck)

    def _attacks(self, percussive: Levels) -> Levels:
        """How sharply something was struck of late, in [0, 1]: (n, 1)."""
        now = percussive[:, self._attack].sum(axis=1, keepdims=True)
        struck = self._struck.extend(now)[:, 0]
        sharp = np.maximum(1 - struck[:-ATTACK_RISE] / (struck[ATTACK_RISE:] + TINY), 0)
        recent = np.empty_like(now)
        for index in range(now.size):
            recent[index] = (sharp[index : index + ATTACK_FRAMES] * self._decay).max()
        return np.asarray(recent)


def _magnitudes(spectra: Spectra) -> Levels:
    """Magnitudes (n, 2 * F) of both signals together, and then of the side, of `spectra`."""
    power = spectra.real**2 + spectra.imag**2
    power[:, 0] += power[:, 1]
    return np.asarray(np.sqrt(power, out=power).reshape(len(power), -1))


def _along_bins(magnitudes: Levels) -> Levels:
    """Medians (n, 2, F) over the bins around each of `magnitudes` (n, 2, F), mirrored at ends."""
    count, signals, bins = magnitudes.shape
    margin = BIN_MEDIAN // 2
    # One line holds them all: medians across the seams are of no use and are left out.
    line = np.zeros(count * signals * (bins + 2 * margin) + 2 * margin, np.float32)
    widened = line[: -2 * margin].reshape(count, signals, -1)
    widened[..., margin:-margin] = magnitudes
    widened[..., :margin] = magnitudes[..., margin:0:-1]
    widened[..., -margin:] = magnitudes[..., -2 : -2 - margin : -1]
    medians: Levels = median_along(line).reshape(widened.shape)
    return medians[..., :bins]


def _percussion(tonal: Levels, percussive: Levels, power: Levels) -> Levels:
    """Share of the percussive power, given the tonal one and the whole, all (n, 2, F)."""
    explained = tonal + percussive
    undecided = np.maximum(power - explained, 0)
    return np.asarray(percussive / (explained + UNDECIDED * undecided + TINY))


def _below(hertz: NDArray[Any], corner: float, order: int) -> Levels:
    """Share of a soft low-pass at each frequency: one half at `corner`."""
    return (1 / (1 + (hertz / corner) ** order)).astype(np.float32)
