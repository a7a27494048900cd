"""Rate maps against counting by whole numbers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.rates import RateMap

RATES = st.one_of(
    st.sampled_from([8000, 11025, 22050, 44100, 48000, 88200, 96000, 192000]),
    st.integers(1, 400_000),
)
COUNTS = st.integers(0, 10**10)


@given(RATES, RATES, COUNTS)
def test_frames_is_the_smallest_count_that_lasts_as_long(source, target, count):
    frames = RateMap(source, target).frames(count)
    assert frames * source >= count * target  # as long, in seconds times both rates
    assert (frames - 1) * source < count * target


@given(RATES, RATES, COUNTS)
def test_there_and_back_is_never_shorter_and_never_a_target_frame_longer(source, target, count):
    rates = RateMap(source, target)
    back = rates.inverse.frames(rates.frames(count))
    assert back >= count
    assert Fraction(back - count - 1, source) < Fraction(1, target)


@given(RATES, RATES, COUNTS, COUNTS)
def test_a_longer_signal_never_maps_to_fewer_frames(source, target, one, other):
    rates = RateMap(source, target)
    assert (rates.frames(one) <= rates.frames(other)) or one > other


@given(RATES, RATES, st.integers(1, 10**10))
def test_one_frame_or_more_gives_one_frame_or_more(source, target, count):
    assert RateMap(source, target).frames(count) >= 1


@given(RATES, RATES, st.integers(-(10**9), 10**9))
def test_position_is_the_first_frame_not_before_the_instant(source, target, frame):
    position = RateMap(source, target).frames(frame)
    instant = Fraction(frame, source)
    assert Fraction(position, target) >= instant > Fraction(position - 1, target)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(-15, 15))
def test_position_equals_a_search_over_all_frames(source, target, frame):
    reached = [
        t for t in range(-200, 201) if t * source >= frame * target
    ]  # both instants times both rates
    assert RateMap(source, target).frames(frame) == min(reached)


@given(RATES, COUNTS)
def test_equal_rates_change_nothing(rate, count):
    rates = RateMap(rate, rate)
    assert rates.frames(count) == rates.frames(count) == count
    assert rates.ratio == 1


def test_a_whole_second_maps_to_a_whole_second():
    assert RateMap(44100, 48000).frames(44100) == 48000
    assert RateMap(44100, 48000).frames(44101) == 48002
    assert RateMap(48000, 44100).inverse == RateMap(44100, 48000)


@pytest.mark.parametrize("rates", [(0, 44100), (44100, 0), (-1, 1)])
def test_a_rate_below_one_is_refused(rates):
    with pytest.raises(ValueError, match=f"sample rate of {min(rates)} Hz"):
        RateMap(*rates)
