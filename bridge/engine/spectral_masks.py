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
from bridge.engine.past import Past, windows
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

SIGNALS = 3
"""Powers that are kept of each frame: of mid and side together, of the side, and of the mid."""

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

BASS_LEAST = 1e-8
"""A smaller share of a bin, 160 dB down, counts as none: so above 1.6 kHz there is no bass."""

MEMORY = max(FARTHEST - 1, SUSTAIN_MEDIAN, TIME_MEDIAN, ATTACK_FRAMES + ATTACK_RISE)
"""Frames before its own that a mask may depend on."""


class Masks(NamedTuple):
    """Shares in [0, 1] of each bin, float32. What they leave over is `other`.

    drums: of mid and side, (n, 2, F). bass, vocals: of the mid signal, (n, F) where `bass` ends
    with the last bin that has some; with the drums in it they sum to at most one. In the side
    signal they have no part.
    """

    drums: Levels
    bass: Levels
    vocals: Levels


class MaskMaker:
    """Makes the masks of a mix from its spectra, in order, any number of them at a time."""

    def __init__(self, rate: int, hop: int) -> None:
        hertz = np.arange(SPREAD * hop // 2 + 1) * (rate / (SPREAD * hop))
        self._bins = hertz.size
        bass = _below(hertz, BASS_HERTZ, 8)
        voice = _below(hertz, VOICE_HERTZ[1], 4) * (1 - _below(hertz, VOICE_HERTZ[0], 4))
        self._voice = (1 - bass) * voice
        self._bass = bass[: int(np.searchsorted(-bass, -BASS_LEAST))]
        self._kick = _below(hertz[:KICK_BINS], KICK_HERTZ, 6)
        self._attack = slice(*np.searchsorted(hertz, ATTACK_HERTZ).tolist())
        self._decay = (ATTACK_DECAY ** np.arange(ATTACK_FRAMES)[::-1]).astype(np.float32)[:, None]
        self._powers = Past(AHEAD, SIGNALS * self._bins)
        self._steady = RunningMedian(2 * self._bins)
        self._low = Past(SUSTAIN_MEDIAN - 1, KICK_BINS)
        self._struck = Past(ATTACK_FRAMES - 1 + ATTACK_RISE, 1)
        self._repetition = Repetition(hertz)

    def push(self, spectra: Spectra) -> Masks:
        """Masks of the n spectra that end `AHEAD` before the last of `spectra`.

        Those are of mid and side: (n, 2, F), complex64.
        """
        newest = _powers(spectra)
        power = self._powers.extend(newest)[:-AHEAD].reshape(-1, SIGNALS, self._bins)
        both_power, side_power, mid_power = power[:, 0], power[:, 1], power[:, 2]
        # A median of powers is the power of the median, as a square keeps the order.
        percussive = PERCUSSIVE_GAIN * _along_bins(power[:, :2])
        shares = _percussion(self._along_time(newest), percussive, power[:, :2])
        drums = shares[:, 0]

        kick = self._kick_share(newest[:, :KICK_BINS], both_power, percussive[:, 0])
        kick -= drums[:, :KICK_BINS]
        kick *= self._kick
        drums[:, :KICK_BINS] += kick

        # The room around a drum in the middle is at the sides, too diffuse to be told by itself.
        np.maximum(shares[:, 1], drums, out=shares[:, 1])

        tonal = 1 - drums
        vocals = tonal * self._voice
        # Uncorrelated sources have as much power at the sides as in the middle.
        vocals *= 1 - side_power / (np.maximum(mid_power, side_power) + TINY)
        self._repetition.reduce(vocals, mid_power)
        return Masks(shares, tonal[:, : self._bass.size] * self._bass, vocals)

    def _along_time(self, powers: Levels) -> Levels:
        """Medians (n, 2, F) over time that end with each of `powers` (n, SIGNALS * F)."""
        medians = np.empty((len(powers), 2 * self._bins), np.float32)
        for row, line in zip(medians, powers, strict=True):
            row[:] = self._steady.push(line[: row.size])
        return medians.reshape(-1, 2, self._bins)

    def _kick_share(self, low: Levels, power: Levels, percussive: Levels) -> Levels:
        """Share of drums (n, KICK_BINS) in the low band, from its newest powers `low`."""
        middle = SUSTAIN_MEDIAN // 2
        rows = windows(self._low.extend(low), SUSTAIN_MEDIAN)
        sustained = np.partition(rows, middle, axis=1)[:, middle]
        rise = 1 - SUSTAIN_GAIN * sustained / (power[:, :KICK_BINS] + TINY)
        struck = UNATTACKED + (1 - UNATTACKED) * self._attacks(percussive)
        return np.asarray(np.maximum(rise, 0) * struck)

    def _attacks(self, percussive: Levels) -> Levels:
        """How sharply something was struck of late, in [0, 1]: (n, 1)."""
        now = np.add.reduce(percussive[:, self._attack], axis=1, keepdims=True)
        struck = self._struck.extend(now)
        sharp = np.maximum(1 - struck[:-ATTACK_RISE] / (struck[ATTACK_RISE:] + TINY), 0)
        return np.asarray(np.maximum.reduce(windows(sharp, ATTACK_FRAMES) * self._decay, axis=1))


def _powers(spectra: Spectra) -> Levels:
    """Powers (n, SIGNALS * F) of both signals together, of the side and of the mid."""
    powers = np.empty((spectra.shape[0], SIGNALS, spectra.shape[2]), np.float32)
    squares = np.square(spectra.view(np.float32))
    np.add(squares[..., ::2], squares[..., 1::2], out=powers[:, 2:0:-1])
    np.add(powers[:, 1], powers[:, 2], out=powers[:, 0])
    return powers.reshape(len(powers), -1)


def _along_bins(powers: Levels) -> Levels:
    """Medians (n, 2, F) over the bins around each of `powers` (n, 2, F), mirrored at the ends."""
    count, signals, bins = powers.shape
    margin = BIN_MEDIAN // 2
    # One line holds them all: medians across the seams are of no use and are left out.
    line = np.zeros(count * signals * (bins + 2 * margin) + 2 * margin, np.float32)
    widened = line[: -2 * margin].reshape(count, signals, -1)
    widened[..., margin:-margin] = powers
    widened[..., :margin] = powers[..., margin:0:-1]
    widened[..., -margin:] = powers[..., -2 : -2 - margin : -1]
    medians: Levels = median_along(line).reshape(widened.shape)
    return medians[..., :bins]


def _percussion(tonal: Levels, percussive: Levels, power: Levels) -> Levels:
    """Share of the percussive power, given the tonal one and the whole, all (n, 2, F)."""
    explained = tonal + percussive
    with_undecided = (1 - UNDECIDED) * explained + UNDECIDED * power
    return np.asarray(percussive / (np.maximum(explained, with_undecided) + TINY))


def _below(hertz: NDArray[Any], corner: float, order: int) -> Levels:
    """Share of a soft low-pass at each frequency: one half at `corner`."""
    return (1 / (1 + (hertz / corner) ** order)).astype(np.float32)
