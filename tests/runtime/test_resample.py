"""Changes of the sample rate against signals whose samples are known at every rate."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.rates import RateMap
from bridge.runtime.resample import rechunked, resampled

RATES = [8000, 11025, 22050, 44100, 48000, 88200, 96000, 192000]
PAIRS = list(permutations(RATES, 2))
EDGE = 0.02  # seconds in which a filter that starts from silence settles
MINUS_100_DB = 1e-5


def sines(rate, seconds):
    """Two channels of sines up to 2 kHz, where soxr is flat at each of RATES."""
    time = np.arange(round(seconds * rate)) / rate
    rows = [[(997.0, 0.0), (2000.0, 1.0)], [(50.0, 0.5), (1234.5, 2.0)]]
    return np.array(
        [sum(np.sin(2 * np.pi * hertz * time + phase) / 2 for hertz, phase in row) for row in rows]
    ).astype(np.float32)


def cut(signal, sizes):
    start, number = 0, 0
    while start < signal.shape[1]:
        yield signal[:, start : start + sizes[number % len(sizes)]]
        start += sizes[number % len(sizes)]
        number += 1


def convert(signal, rates, sizes=(5000,)):
    frames = rates.frames(signal.shape[1])
    return np.concatenate(list(resampled(cut(signal, sizes), rates, frames)), axis=1)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_length_is_exact_from_one_frame_on(source, target):
    rates = RateMap(source, target)
    for length in (1, 2, 3, 10, 999, 4410):
        ones = np.ones((2, length), np.float32)
        there = convert(ones, rates)
        assert there.shape == (2, rates.frames(length))
        assert there.dtype == np.float32
        back = list(resampled(iter([there]), rates.inverse, length))
        assert sum(block.shape[1] for block in back) == length


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_sine_stays_where_it_is(source, target):
    out = convert(sines(source, 0.3), RateMap(source, target))
    edge = round(EDGE * target)
    wanted = sines(target, 0.3)[:, edge:-edge]
    assert np.abs(out[:, edge : edge + wanted.shape[1]] - wanted).max() < MINUS_100_DB


@pytest.mark.parametrize(("source", "target"), [(44100, 48000), (48000, 44100), (44100, 96000)])
def test_there_and_back_is_the_same_signal(source, target):
    signal = sines(source, 0.3)
    rates = RateMap(source, target)
    there = convert(signal, rates)
    back = np.concatenate(list(resampled(iter([there]), rates.inverse, signal.shape[1])), axis=1)
    edge = round(EDGE * source)
    assert np.abs(back - signal)[:, edge:-edge].max() < MINUS_100_DB


@settings(max_examples=40)
@given(
    st.sampled_from([(44100, 48000), (48000, 44100), (8000, 192000), (192000, 8000)]),
    st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    st.integers(1, 5000),
)
def test_the_cut_into_blocks_makes_no_difference(pair, sizes, length):
    signal = np.random.default_rng(length).standard_normal((2, length)).astype(np.float32)
    rates = RateMap(*pair)
    np.testing.assert_array_equal(convert(signal, rates, sizes), convert(signal, rates, [10**6]))


def test_channels_do_not_mix():
    signal = np.zeros((8, 4410), np.float32)
    signal[5] = sines(44100, 0.1)[0]
    out = convert(signal, RateMap(44100, 48000))
    assert [bool(row.any()) for row in out] == [False] * 5 + [True] + [False] * 2


def test_without_a_change_of_rate_the_blocks_pass_untouched():
    blocks = [np.ones((2, 5), np.float32), np.zeros((2, 3), np.float32)]
    out = list(resampled(iter(blocks), RateMap(48000, 48000), 8))
    assert [id(block) for block in out] == [id(block) for block in blocks]


def test_no_more_is_held_than_the_filter_needs():
    pulled = 0

    def blocks():
        nonlocal pulled
        for _ in range(100):
            pulled += 1
            yield np.ones((2, 10_000), np.float32)

    first = next(resampled(blocks(), RateMap(44100, 48000), 10**6 * 48 // 44))
    assert pulled == 1
    assert first.shape[1] > 8000


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 25))
def test_rechunked_blocks_have_one_size_and_the_same_frames(sizes, size):
    signal = np.arange(2 * sum(sizes), dtype=np.float32).reshape(2, -1)
    edges = np.cumsum(sizes)[:-1].tolist() if sizes else []
    out = list(rechunked(iter(np.split(signal, edges, axis=1)), size))
    assert [block.shape[1] for block in out[:-1]] == [size] * (len(out) - 1)
    assert all(0 < block.shape[1] <= size for block in out)
    np.testing.assert_array_equal(np.concatenate([signal[:, :0], *out], axis=1), signal)
