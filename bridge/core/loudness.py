"""Integrated loudness by ITU-R BS.1770-4, block by block.

The K-weighting filters are given there as coefficients for 48 kHz. For other rates they are made
from the analogue prototypes that give these coefficients (B. De Man, Evaluation of implementations
of the EBU R128 loudness measurement, AES 2018), and applied as one finite impulse response. It
ends after 0.1 s, where they have died out to 5e-11; so its frequency response is theirs to 1e-9.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
_Biquad = tuple[tuple[float, float, float], tuple[float, float]]

MIN_RATE = 4000  # Hz; below it the filters do not exist
_ABSOLUTE_GATE = -70.0  # LUFS
_RELATIVE_GATE = -10.0  # LU below the mean of what passes the absolute gate
_STEPS_A_SECOND = 10  # gating blocks of 400 ms begin every 100 ms
_STEPS_A_BLOCK = 4
_RESPONSE_SECONDS = 0.1


def shelf(rate: int) -> _Biquad:
    """Feed-forward and feedback coefficients of the first stage, the head's high shelf."""
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    norm = 1 + k / q + k * k
    forward = (high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k)
    b0, b1, b2 = (value / norm for value in forward)
    return (b0, b1, b2), (2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm)


def highpass(rate: int) -> _Biquad:
    """The coefficients of the second stage, the RLB weighting."""
    k = math.tan(math.pi * 38.13547087602444 / rate)
    q = 0.5003270373238773
    norm = 1 + k / q + k * k
    return (1.0, -2.0, 1.0), (2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm)


class LoudnessMeter:
    """Measures a signal of `channels` (1 or 2) at `rate` Hz. It holds 80 bytes a second.

    Raises ValueError for a rate at which the filters do not exist.
    """

    def __init__(self, rate: int, channels: int) -> None:
        if rate < MIN_RATE:
            raise ValueError(f"loudness needs at least {MIN_RATE} Hz, and this has {rate}")
        self._rate = rate
        self._response = _response(rate)
        self._past = np.zeros((channels, len(self._response) - 1))
        self._frames = 0
        self._energy: list[float] = [0.0]

    def push(self, block: Audio) -> None:
        """Take the next frames, of shape (C, n)."""
        if not block.shape[1]:
            return
        squares = (self._weighted(block) ** 2).sum(axis=0)
        start = 0
        while start < len(squares):
            end = self._step_end(len(self._energy)) - self._frames
            self._energy[-1] += float(squares[start:end].sum())
            if end > len(squares):
                break
            self._energy.append(0.0)
            start = end
        self._frames += len(squares)

    def integrated(self) -> float:
        """LUFS of everything so far; minus infinity where no 400 ms pass the gates."""
        whole = np.array(self._energy[:-1])  # the last step is not full
        if len(whole) < _STEPS_A_BLOCK:
            return -math.inf
        frames = self._rate * _STEPS_A_BLOCK / _STEPS_A_SECOND
        power = np.convolve(whole, np.ones(_STEPS_A_BLOCK), "valid") / frames
        power = power[power > _power(_ABSOLUTE_GATE)]
        if not len(power):
            return -math.inf
        gate = power.mean() * 10 ** (_RELATIVE_GATE / 10)
        return float(-0.691 + 10 * math.log10(power[power > gate].mean()))

    def _step_end(self, steps: int) -> int:
        return round(steps * self._rate / _STEPS_A_SECOND)

    def _weighted(self, block: Audio) -> NDArray[np.float64]:
        signal = np.concatenate([self._past, block], axis=1)
        taps = len(self._response)
        size = 1 << (signal.shape[1] - 1).bit_length()
        spectrum = np.fft.rfft(signal, size) * np.fft.rfft(self._response, size)
        self._past = signal[:, signal.shape[1] - taps + 1 :]
        weighted: NDArray[np.float64] = np.fft.irfft(spectrum, size)[:, taps - 1 : signal.shape[1]]
        return weighted


def _power(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))


def _response(rate: int) -> NDArray[np.float64]:
    samples = [1.0] + [0.0] * (math.ceil(rate * _RESPONSE_SECONDS) - 1)
    for (b0, b1, b2), (a1, a2) in (shelf(rate), highpass(rate)):
        one = two = 0.0  # transposed direct form II
        out = []
        for sample in samples:
            result = b0 * sample + one
            one = b1 * sample - a1 * result + two
            two = b2 * sample - a2 * result
            out.append(result)
        samples = out
    return np.array(samples)
