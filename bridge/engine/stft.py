"""Short-time Fourier transform with a long look into the past and a short one ahead.

The window pair follows Mauler and Martin, "A low delay, variable resolution, perfect
reconstruction spectral analysis-synthesis system for speech enhancement" (EUSIPCO 2007): the
analysis window is `SPREAD` hops long and falls within its newest hop, the synthesis window spans
two hops, and their product is a Hann window, which overlap-adds to one at a shift of one hop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import UsageError

# NumPy's stubs lose track of the width; everything here is float32 or complex64.
Samples = NDArray[np.floating[Any]]
Spectra = NDArray[np.complexfloating[Any, Any]]

SPREAD = 4
"""Hops in the analysis window: four give bins of 21.5 Hz for a hop of 11.6 ms."""

DELAY_SECONDS = 0.035
"""Most that the whole algorithm may delay: about what a musician still calls together."""

DELAY_HOPS = 3
"""Hops of delay: one is filled, one is overlap-added, one is the masks' look-ahead."""

MIN_RATE, MAX_RATE = 8_000, 384_000


def hop_for(rate: int) -> int:
    """Longest hop, in frames at `rate` Hz, that keeps the delay and makes the FFT fast.

    Returns an even number with no prime factor above 5; `DELAY_HOPS` of it last at most
    `DELAY_SECONDS`. Raises UsageError for a rate outside 8 to 384 kHz.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(
            f"the spectral separator works at {MIN_RATE} to {MAX_RATE} Hz, not at {rate}; "
            "resample the audio first"
        )
    longest = int(rate * DELAY_SECONDS) // DELAY_HOPS
    return next(n for n in range(longest - longest % 2, 0, -2) if _is_smooth(n))


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
    return number == 1


def low_delay_windows(hop: int) -> tuple[Samples, Samples]:
    """Analysis window of `SPREAD * hop` frames and synthesis window of `2 * hop`, float32.

    The synthesis window belongs to the newest two hops of the analysis window.
    """
    long = (SPREAD - 1) * hop
    rise = np.sin(np.pi / 2 * (np.arange(long) + 0.5) / long)
    fall = np.cos(np.pi / 2 * (np.arange(hop) + 0.5) / hop)
    hann_half = np.sin(np.pi / 2 * (np.arange(hop) + 0.5) / hop) ** 2
    synthesis = np.concatenate([hann_half / rise[-hop:], fall])
    return np.concatenate([rise, fall]).astype(np.float32), synthesis.astype(np.float32)


class Analysis:
    """Turns hops of samples into spectra; keeps the samples that the next window still needs."""

    def __init__(self, hop: int, channels: int) -> None:
        self._hop = hop
        # NumPy makes the transform of single precision in double unless it has to scale it.
        self._window = low_delay_windows(hop)[0] * np.float32(SPREAD * hop)
        self._past = np.zeros((channels, (SPREAD - 1) * hop), np.float32)

    def push(self, block: Samples) -> Spectra:
        """Spectra of shape (n, C, F), complex64, of a block of shape (C, n * hop), float32.

        F = 2 * hop + 1 bins; spectrum k ends at the last frame of the block's hop k.
        """
        hop, size = self._hop, SPREAD * self._hop
        line = np.concatenate([self._past, block], axis=1)
        self._past = line[:, block.shape[1] :]
        row, step = line.strides
        shape = (block.shape[1] // hop, line.shape[0], size)
        frames = np.ndarray(shape, np.float32, line, strides=(hop * step, row, step))
        spectra: Spectra = np.fft.rfft(frames * self._window, norm="forward")
        return spectra


class Synthesis:
    """Overlap-adds spectra into samples; keeps the half window that the next spectrum completes."""

    def __init__(self, hop: int, signals: int) -> None:
        self._hop = hop
        _, self._window = low_delay_windows(hop)
        self._tail = np.zeros((signals, hop), np.float32)

    def push(self, spectra: Spectra) -> Samples:
        """Samples of shape (J, n * hop), float32, of spectra of shape (n, J, F), complex64.

        They start one hop before the newest hop of the first spectrum.
        """
        hop = self._hop
        size = SPREAD * hop
        waves: Samples = np.fft.irfft(spectra, size)[..., size - 2 * hop :] * self._window
        out = np.empty((self._tail.shape[0], spectra.shape[0] * hop), np.float32)
        for index, wave in enumerate(waves):
            np.add(wave[:, :hop], self._tail, out=out[:, index * hop : (index + 1) * hop])
            self._tail = wave[:, hop:]
        self._tail = self._tail.copy()
        return out
