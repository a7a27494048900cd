"""Loudness: the figures of ITU-R BS.1770-4, and pyloudnorm as an independent measurement."""

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.loudness import LoudnessMeter, _response, highpass, shelf

RATES = (8000, 22050, 44100, 48000, 96000)


def measured(song, rate, size=10_000):
    meter = LoudnessMeter(rate, song.shape[0])
    for at in range(0, song.shape[1], size):
        meter.push(song[:, at : at + size])
    return meter.integrated()


def tone(rate, seconds, decibels, hertz=997.0, channels=1):
    wave = np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[None] * 10 ** (decibels / 20), channels, axis=0).astype(np.float32)


def song(rate, seconds=6, channels=2):
    """Noise in bars from loud to nearly silent, so that both gates have something to do."""
    random = np.random.default_rng(3)
    noise = random.standard_normal((channels, rate * seconds)) * 0.2
    return (noise * np.repeat([1, 0.3, 0.001, 0.7, 1e-5, 0.5], rate)).astype(np.float32)


def test_the_filters_at_48_khz_are_those_of_the_recommendation():
    (forward, back), (_, low) = shelf(48_000), highpass(48_000)
    expected = (1.53512485958697, -2.69169618940638, 1.19839281085285)
    assert forward == pytest.approx(expected, abs=1e-10)
    assert back == pytest.approx((-1.69065929318241, 0.73248077421585), abs=1e-10)
    assert low == pytest.approx((-1.99004745483398, 0.99007225036621), abs=1e-10)


@pytest.mark.parametrize("rate", [4000, *RATES, 192_000])
def test_the_response_that_ends_is_that_of_the_filters_to_1e_9(rate):
    angles = 2 * np.pi * np.concatenate([np.linspace(0, 400, 800), np.geomspace(400, rate / 2)])
    z = np.exp(-1j * angles / rate)
    exact = np.ones(len(z), complex)
    for (b0, b1, b2), (a1, a2) in (shelf(rate), highpass(rate)):
        exact *= (b0 + b1 * z + b2 * z * z) / (1 + a1 * z + a2 * z * z)
    heard = np.polynomial.polynomial.polyval(z, _response(rate))
    assert np.abs(heard - exact).max() <= 1e-9


@pytest.mark.parametrize("rate", RATES)
def test_a_full_scale_tone_of_997_hz_in_one_channel_has_3_01_below_zero(rate):
    limit = 0.02 if rate >= 44100 else 0.2  # the filters are bent near half the rate
    assert measured(tone(rate, 3, 0.0), rate) == pytest.approx(-3.01, abs=limit)
    assert measured(tone(rate, 3, -20.0, channels=2), rate) == pytest.approx(-20.0, abs=limit)


def test_the_gates_leave_out_what_is_silent_or_far_below():
    """Cases 3 and 4 of EBU Tech 3341: 1 kHz, stereo, three and five levels, -23 LUFS."""
    rate = 48_000
    for levels in ((-36, -23, -36), (-72, -36, -23, -36, -72)):
        seconds = [60 if level == -23 else 10 for level in levels]
        parts = [tone(rate, s, v, 1000, 2) for s, v in zip(seconds, levels, strict=True)]
        assert measured(np.concatenate(parts, axis=1), rate) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_pyloudnorm_measures_the_same(rate, channels):
    audio = song(rate, channels=channels)
    other = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(audio.T)
    assert measured(audio, rate) == pytest.approx(other, abs=0.01)
    usual = pyloudnorm.Meter(rate).integrated_loudness(audio.T)
    assert measured(audio, rate) == pytest.approx(usual, abs=0.1)


AUDIO = song(8000, 6)
WHOLE = measured(AUDIO, 8000, AUDIO.shape[1])


@given(st.lists(st.integers(0, AUDIO.shape[1]), max_size=8))
def test_how_the_signal_is_cut_changes_nothing(cuts):
    meter = LoudnessMeter(8000, 2)
    for piece in np.split(AUDIO, sorted(cuts), axis=1):
        meter.push(piece)
    assert meter.integrated() == pytest.approx(WHOLE, abs=1e-9)


@pytest.mark.parametrize("rate", [11_025, 44_100])
def test_without_400_ms_above_the_gate_there_is_no_loudness(rate):
    assert measured(np.zeros((2, rate), np.float32), rate) == -math.inf
    assert measured(tone(rate, 0.39, -10), rate) == -math.inf
    assert measured(tone(rate, 2, -80), rate) == -math.inf
    assert measured(tone(rate, 0.41, -10), rate) > -20


def test_a_rate_without_the_filters_is_refused():
    with pytest.raises(ValueError, match="at least 4000 Hz, and this has 2000"):
        LoudnessMeter(2000, 1)
