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

from bridge.engine.compiled import compiled
from bridge.engine.median import WINDOW, RunningMedian, median_along
from bridge.engine.repetition import FARTHEST, TINY, Repetition
from bridge.engine.stft import SPREAD, Spectra

Levels = NDArray[np.floating[Any]]

ZERO, ONE = np.float32(0), np.float32(1)
"""Of single precision as everything here: Numba counts a plain one as double."""

AHEAD = 1
"""Frames after its own that a mask depends on."""

TIME_MEDIAN = WINDOW
"""Frames, 150 ms: longer than most drum hits, shorter than a sung note."""

BIN_MEDIAN = WINDOW
"""Bins, 280 Hz: wider than one partial, so that partials do not pass for noise."""

PERCUSSIVE_GAIN = np.float32(0.6)
"""Weight of the percussive power against the tonal one."""

UNDECIDED = np.float32(0.1)
"""Share of the power that is neither to count as tonal: the onsets of notes are such."""

SUSTAIN_MEDIAN, SUSTAIN_GAIN = 37, np.float32(1.25)
"""Frames, 430 ms, that a bass note fills and a kick does not; and how far a kick exceeds them."""

SIGNALS = 3
"""Powers that are kept of each frame: of mid and side together, of the side, and of the mid."""

KICK_BINS, KICK_HERTZ = 40, 250.0
"""Bins in which kicks are looked for, and where that fades out."""

ATTACK_HERTZ = (200.0, 6000.0)
"""Where the stick and the sweep of a drum show: above the bass, below most of the hi-hat."""

ATTACK_RISE, ATTACK_FRAMES, ATTACK_DECAY = 2, 16, np.float32(0.9)
"""Frames over which an attack rises, frames that it is remembered, share kept from each to next."""

UNATTACKED = np.float32(0.5)
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


class _Weights(NamedTuple):
    """What each bin counts, float32, for bass, voice and kick, and where attacks show."""

    bass: Levels
    voice: Levels
    kick: Levels
    attack: tuple[int, int]


class MaskMaker:
    """Makes the masks of a mix from its spectra, in order, any number of them at a time."""

    def __init__(self, rate: int, hop: int) -> None:
        hertz = np.arange(SPREAD * hop // 2 + 1) * (rate / (SPREAD * hop))
        self._bins = hertz.size
        self._weights = _weights(hertz)
        self._powers = np.zeros((2, SIGNALS, self._bins), np.float32)  # of a frame and the next
        self._steady = RunningMedian(2 * self._bins)
        self._tonal = np.zeros((2, self._bins), np.float32)
        self._low = np.zeros((SUSTAIN_MEDIAN, KICK_BINS), np.float32)
        self._struck = np.zeros(ATTACK_FRAMES + ATTACK_RISE, np.float32)
        self._repetition = Repetition(hertz)

    def push(self, spectra: Spectra) -> Masks:
        """Masks of the n spectra that end `AHEAD` before the last of `spectra`.

        Those are of mid and side: (n, 2, F), complex64.
        """
        count = spectra.shape[0]
        drums = np.empty((count, 2, self._bins), np.float32)
        bass = np.empty((count, self._weights.bass.size), np.float32)
        vocals = np.empty((count, self._bins), np.float32)
        for frame in range(count):
            now, newest = self._powers
            _powers(spectra[frame], now, newest)
            self._steady.push(newest[:2].reshape(-1), self._tonal.reshape(-1))
            _fill(
                now,
                newest,
                (self._tonal, self._low, self._struck),
                self._weights,
                (drums[frame], bass[frame], vocals[frame]),
            )
            self._repetition.reduce(vocals[frame], now[2])
        return Masks(drums, bass, vocals)


@compiled
def _powers(spectra: Spectra, now: Levels, newest: Levels) -> None:
    """Move powers (SIGNALS, F) on by a frame: of both signals together, of the side, of the mid."""
    for i in range(spectra.shape[1]):
        mid, side = spectra[0, i], spectra[1, i]
        mid_power = mid.real * mid.real + mid.imag * mid.imag
        side_power = side.real * side.real + side.imag * side.imag
        for signal in range(SIGNALS):
            now[signal, i] = newest[signal, i]
        newest[0, i] = mid_power + side_power
        newest[1, i] = side_power
        newest[2, i] = mid_power


@compiled
def _fill(
    power: Levels,
    newest: Levels,
    state: tuple[Levels, Levels, Levels],
    weights: _Weights,
    masks: tuple[Levels, Levels, Levels],
) -> None:
    """Fill the masks of a frame, whose `power` and that of the next are known, but for repetition.

    state: the medians over time; the low bands of the last frames, and how strong percussion was in
    them, oldest first: both go on by a frame.
    """
    tonal, low, struck = state
    drums, bass, vocals = masks
    percussive = np.empty_like(drums)
    for signal in range(2):
        _along_bins(power[signal], percussive[signal])
        _percussion(tonal[signal], percussive[signal], power[signal], drums[signal])

    sustained = _sustained(low, newest[0])
    sharp = _attack(struck, percussive[0, weights.attack[0] : weights.attack[1]])
    for i in range(KICK_BINS):
        rise = max(ONE - SUSTAIN_GAIN * sustained[i] / (power[0, i] + TINY), ZERO)
        kick = rise * (UNATTACKED + (ONE - UNATTACKED) * sharp)
        drums[0, i] += weights.kick[i] * (kick - drums[0, i])

    for i in range(vocals.size):
        # The room around a drum in the middle is at the sides, too diffuse to be told by itself.
        drums[1, i] = max(drums[1, i], drums[0, i])
        # Uncorrelated sources have as much power at the sides as in the middle.
        centre = ONE - power[1, i] / (max(power[2, i], power[1, i]) + TINY)
        vocals[i] = (ONE - drums[0, i]) * weights.voice[i] * centre
    for i in range(bass.size):
        bass[i] = (ONE - drums[0, i]) * weights.bass[i]


@compiled
def _along_bins(power: Levels, percussive: Levels) -> None:
    """Percussive power (F,): medians over the bins around each of `power`, mirrored at the ends."""
    bins, margin = power.size, BIN_MEDIAN // 2
    line = np.empty(bins + 2 * margin, np.float32)
    for i in range(bins):
        line[margin + i] = power[i]
    for i in range(margin):
        line[i], line[bins + margin + i] = power[margin - i], power[bins - 2 - i]
    median_along(line, percussive)
    for i in range(bins):
        percussive[i] *= PERCUSSIVE_GAIN


@compiled
def _percussion(tonal: Levels, percussive: Levels, power: Levels, share: Levels) -> None:
    """Share of the percussive power, given the tonal one and the whole, all (F,)."""
    for i in range(share.size):
        explained = tonal[i] + percussive[i]
        with_undecided = (ONE - UNDECIDED) * explained + UNDECIDED * power[i]
        share[i] = percussive[i] / (max(explained, with_undecided) + TINY)


@compiled
def _sustained(low: Levels, newest: Levels) -> Levels:
    """Medians (KICK_BINS,) over the last powers `low` (SUSTAIN_MEDIAN, KICK_BINS), with `newest`.

    A median is the value that as many are below as half of the others, or fewer and its equals.
    """
    for row in range(SUSTAIN_MEDIAN - 1):
        for i in range(KICK_BINS):
            low[row, i] = low[row + 1, i]
    for i in range(KICK_BINS):
        low[-1, i] = newest[i]
    medians = np.empty(KICK_BINS, np.float32)
    below, equal = np.empty(KICK_BINS, np.int32), np.empty(KICK_BINS, np.int32)
    for row in range(SUSTAIN_MEDIAN):
        for i in range(KICK_BINS):
            below[i], equal[i] = 0, 0
        for other in range(SUSTAIN_MEDIAN):
            for i in range(KICK_BINS):
                below[i] += low[other, i] < low[row, i]
                equal[i] += low[other, i] == low[row, i]
        for i in range(KICK_BINS):
            if below[i] <= SUSTAIN_MEDIAN // 2 < below[i] + equal[i]:
                medians[i] = low[row, i]
    return medians


@compiled
def _attack(struck: Levels, percussive: Levels) -> np.floating[Any]:
    """How sharply something was struck of late, in [0, 1], given what is percussive now."""
    for frame in range(struck.size - 1):
        struck[frame] = struck[frame + 1]
    struck[-1] = ZERO
    for power in percussive:
        struck[-1] += power
    sharpest = ZERO
    for frame in range(ATTACK_FRAMES):
        sharp = max(ONE - struck[frame] / (struck[frame + ATTACK_RISE] + TINY), ZERO)
        sharpest = max(sharpest * ATTACK_DECAY, sharp)
    return sharpest


@compiled
def apply(drums: Levels, bass: Levels, vocals: Levels, mix: Spectra, parts: Spectra) -> None:
    """Fill `parts` (4, F): drums of mid and side, bass and vocals of a frame of `mix` (2, F)."""
    for i in range(mix.shape[1]):
        parts[0, i] = drums[0, i] * mix[0, i]
        parts[1, i] = drums[1, i] * mix[1, i]
        parts[2, i] = ZERO
        parts[3, i] = vocals[i] * mix[0, i]
    for i in range(bass.size):
        parts[2, i] = bass[i] * mix[0, i]


def _weights(hertz: NDArray[Any]) -> _Weights:
    bass = _below(hertz, BASS_HERTZ, 8)
    voice = _below(hertz, VOICE_HERTZ[1], 4) * (1 - _below(hertz, VOICE_HERTZ[0], 4))
    low, high = np.searchsorted(hertz, ATTACK_HERTZ).tolist()
    return _Weights(
        bass[: int(np.searchsorted(-bass, -BASS_LEAST))],
        (1 - bass) * voice,
        _below(hertz[:KICK_BINS], KICK_HERTZ, 6),
        (low, high),
    )


def _below(hertz: NDArray[Any], corner: float, order: int) -> Levels:
    """Share of a soft low-pass at each frequency: one half at `corner`."""
    return (1 / (1 + (hertz / corner) ** order)).astype(np.float32)
