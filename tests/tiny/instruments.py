"""Sounds for the synthetic songs: oscillators, filters, drums, strings, keys and a voice.

Mono signals are float arrays of shape (T,), stereo ones (2, T); times are in seconds, `rate` in
frames a second. Nothing here keeps state: randomness comes from the generator that is passed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[np.floating[Any]]
FRAME, HOP = 1024, 256

# First three formants of sung vowels in Hz, for a voice of middle size.
VOWELS = np.array(
    [
        (730, 1090, 2440),  # father
        (530, 1840, 2480),  # bed
        (300, 2250, 3000),  # see
        (570, 840, 2410),  # law
        (320, 900, 2240),  # moon
        (500, 1500, 2500),  # about
    ],
    dtype=np.float64,
)


def hertz(midi: Array | float) -> Any:
    """Frequency of a MIDI note number (69 is 440 Hz)."""
    return 440.0 * 2.0 ** ((np.asarray(midi, dtype=np.float64) - 69.0) / 12.0)


def smooth(curve: Array, length: int) -> Array:
    """Moving average over `length` frames, twice, so that steps become soft ramps."""
    for _ in range(2):
        padded = np.pad(curve, (length // 2, length - length // 2), mode="edge")
        total = np.cumsum(padded, dtype=np.float64)
        curve = (total[length:] - total[:-length]) / length
    return curve


def saw(hz: Array | float, length: int, rate: int, start: float = 0.0) -> Array:
    """Band-limited saw (polyBLEP); `hz` is a number or a curve of shape (length,)."""
    step = np.broadcast_to(np.asarray(hz, dtype=np.float64) / rate, (length,))
    phase = (np.cumsum(step) + start) % 1.0
    wave = 2.0 * phase - 1.0
    early, late = phase < step, phase > 1.0 - step
    x = phase[early] / step[early]
    wave[early] -= 2.0 * x - x * x - 1.0
    x = (phase[late] - 1.0) / step[late]
    wave[late] -= x * x + 2.0 * x + 1.0
    return wave


def shape_spectrum(signal: Array, rate: int, gain: Callable[[Array, Array], Array]) -> Array:
    """Filter `signal` (T,) by `gain(times (F, 1), hz (1, K))`, which may change over time."""
    frames = -(-signal.size // HOP) + FRAME // HOP
    padded = np.zeros((frames - 1) * HOP + FRAME)
    padded[FRAME - HOP : FRAME - HOP + signal.size] = signal
    window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(FRAME) + 0.5) / FRAME))
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP] * window
    times = (np.arange(frames) * HOP + HOP - FRAME // 2) / rate
    hz = np.fft.rfftfreq(FRAME, 1 / rate)
    shaped = np.fft.rfft(cut) * gain(times[:, None], hz[None, :])
    blocks = np.fft.irfft(shaped) * (window * HOP * 2 / FRAME)
    joined = np.zeros((frames + FRAME // HOP, HOP))
    for part in range(FRAME // HOP):
        joined[part : part + frames] += blocks[:, part * HOP : (part + 1) * HOP]
    return joined.reshape(-1)[FRAME - HOP : FRAME - HOP + signal.size]


def low_pass(signal: Array, rate: int, cutoff: float, sweep: float = 0.0, hz: float = 0.2) -> Array:
    """Low-pass of 24 dB an octave whose cutoff (Hz) moves by `sweep` octaves at `hz`."""

    def gain(times: Array, freqs: Array) -> Array:
        corner = cutoff * 2.0 ** (sweep * np.sin(2 * np.pi * hz * times))
        return np.asarray(1.0 / (1.0 + (freqs / corner) ** 4))

    return shape_spectrum(signal, rate, gain)


def room(stereo: Array, rate: int, rng: np.random.Generator, seconds: float, wet: float) -> Array:
    """Add a diffuse reverberation whose tail falls by 60 dB in `seconds`."""
    length = int(seconds * rate)
    fall = 10.0 ** (-3.0 * np.arange(length) / length)
    tail = smooth(rng.standard_normal(2 * length), 3).reshape(2, length) * fall
    tail *= wet / np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    size = 1 << (stereo.shape[1] + length - 1).bit_length()
    spectrum = np.fft.rfft(stereo, size) * np.fft.rfft(tail, size)
    return stereo + np.fft.irfft(spectrum, size)[:, : stereo.shape[1]]


def pan(mono: Array, position: float) -> Array:
    """Place (T,) in the stereo field at equal power; -1 is left, 1 is right. Gives (2, T)."""
    angle = (position + 1.0) * np.pi / 4
    return np.stack([np.cos(angle) * mono, np.sin(angle) * mono])


def add_at(track: Array, frame: int, sound: Array) -> None:
    """Add `sound` to `track` along the last axis at `frame`, cut at the end of the track."""
    length = min(sound.shape[-1], track.shape[-1] - frame)
    if length > 0:
        track[..., frame : frame + length] += sound[..., :length]


def seconds_of(length: int, rate: int) -> Array:
    return np.arange(length) / rate


def edges(sound: Array, rate: int, attack: float, release: float) -> Array:
    """Fade a note (T,) in over `attack` and out over `release` seconds."""
    t = np.arange(sound.size) / rate
    left = sound.size / rate - t
    return sound * np.minimum(1.0, (t + 1e-4) / attack) * np.minimum(1.0, left / release)


def kick(rng: np.random.Generator, rate: int) -> Array:
    """A sine that sweeps down, with a click: (T,)."""
    t = seconds_of(int(rng.uniform(0.25, 0.5) * rate), rate)
    low, fall = rng.uniform(42, 62), rng.uniform(25, 60)
    high = rng.uniform(2.5, 6.0) * low
    phase = 2 * np.pi * (low * t + high / fall * (1 - np.exp(-fall * t)))
    body = np.sin(phase) * np.exp(-t * rng.uniform(7, 16))
    click = rng.standard_normal(t.size) * np.exp(-t * 400) * rng.uniform(0.05, 0.4)
    return edges(np.tanh(rng.uniform(1, 2.5) * body) + click, rate, 0.0005, 0.02)


def snare(rng: np.random.Generator, rate: int) -> Array:
    """Two falling tones below a burst of noise: (T,)."""
    t = seconds_of(int(0.35 * rate), rate)
    tone = rng.uniform(150, 240)
    body = np.sin(2 * np.pi * tone * t) + 0.6 * np.sin(2 * np.pi * 1.62 * tone * t)
    noise = rng.standard_normal(t.size)
    noise = noise - low_pass(noise, rate, rng.uniform(400, 1500))
    mixed = body * np.exp(-t * rng.uniform(18, 35)) * rng.uniform(0.3, 0.9)
    return edges(mixed + noise * np.exp(-t * rng.uniform(10, 28)) * 0.5, rate, 0.0005, 0.02)


def hat(rng: np.random.Generator, rate: int, seconds: float) -> Array:
    """High noise with inharmonic square partials, falling over `seconds`: (T,)."""
    t = seconds_of(int(seconds * 1.6 * rate), rate)
    partials = rng.uniform(3200, 8200, 6)[:, None]
    metal = np.sign(np.sin(2 * np.pi * partials * t)).sum(axis=0) / 6
    mixed = rng.standard_normal(t.size) + metal * rng.uniform(0.2, 1.5)
    bright = mixed - low_pass(mixed, rate, rng.uniform(5000, 8000))
    return edges(bright * np.exp(-t * 5 / seconds) * 0.6, rate, 0.0005, 0.01)


def tom(rng: np.random.Generator, rate: int, hz: float) -> Array:
    """A tuned drum that falls a little in pitch: (T,)."""
    t = seconds_of(int(0.4 * rate), rate)
    phase = 2 * np.pi * hz * (t + 0.02 * (1 - np.exp(-t * 30)))
    skin = rng.standard_normal(t.size) * np.exp(-t * 90) * 0.15
    return edges(np.sin(phase) * np.exp(-t * 9) + skin, rate, 0.0005, 0.03)


def string(hz: float, length: int, rate: int, bright: float, decay: float) -> Array:
    """Plucked string of `length` frames; `bright` from 0 to 1, `decay` in 1/s: (T,)."""
    t = seconds_of(length, rate)
    count = int(min(24, 0.45 * rate / hz))
    k = np.arange(1, count + 1)[:, None]
    level = np.sin(np.pi * k * 0.19) / k ** (2.0 - bright)
    fall = np.exp(-t * decay * (0.6 + 0.4 * k * (1.3 - bright)))
    stretched = k * np.sqrt(1 + 2e-4 * k * k)
    return np.asarray((level * fall * np.sin(2 * np.pi * hz * stretched * t)).sum(axis=0))


def electric_piano(hz: float, length: int, rate: int, bright: float) -> Array:
    """Two frequency-modulated sines, the struck tine and its bell: (T,)."""
    t = seconds_of(length, rate)
    index = (0.4 + 2.0 * bright) * np.exp(-t * 3.5)
    tine = np.sin(2 * np.pi * hz * t + index * np.sin(2 * np.pi * hz * t))
    bell = np.sin(2 * np.pi * hz * t + 0.5 * np.exp(-t * 8) * np.sin(2 * np.pi * 14 * hz * t))
    return np.asarray((tine + 0.3 * bell) * np.exp(-t * 1.3))


def organ(hz: float, length: int, rate: int, bright: float) -> Array:
    """Drawbars: octaves and fifths of sines with a slow tremulant: (T,)."""
    t = seconds_of(length, rate)
    bars = zip((0.5, 1, 1.5, 2, 3, 4, 6, 8), (0.6, 1, 0.5, 0.6, 0.4, 0.3, 0.2, 0.2), strict=True)
    wave = sum(
        level * (0.4 + 0.6 * bright) ** max(0, ratio - 1) * np.sin(2 * np.pi * hz * ratio * t)
        for ratio, level in bars
    )
    return np.asarray(wave * (1 + 0.15 * np.sin(2 * np.pi * 6.1 * t)))


def sing(hz: Array, breath: float, rate: int, rng: np.random.Generator) -> Array:
    """What leaves the vocal cords: pulses at `hz` (T,) and `breath` noise. Gives (T,)."""
    return saw(hz, hz.size, rate) + breath * rng.standard_normal(hz.size)


def tract(source: Array, formants: Array, rate: int) -> Array:
    """Shape a voice (T,) by `formants` (3, T) in Hz. Gives (T,)."""
    clock = np.arange(source.size) / rate

    def gain(times: Array, freqs: Array) -> Array:
        tilt = 1.0 / (1.0 + (freqs / 2600.0) ** 2)
        mouth = 0.02 + 0.12 / (1.0 + ((freqs - 3600.0) / 300.0) ** 2)
        for curve, width, height in zip(formants, (70, 100, 140), (1.0, 0.6, 0.35), strict=True):
            centre = np.interp(times[:, 0], clock, curve)[:, None]
            mouth = mouth + height / (1.0 + ((freqs - centre) / width) ** 2)
        return np.asarray(mouth * tilt)

    return shape_spectrum(source, rate, gain)
