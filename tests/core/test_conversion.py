"""Conversions against looking at every frame there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.conversion import Conversion

RATES = st.sampled_from([8000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000]) | st.integers(
    1, 400_000
)
SMALL = st.builds(Conversion, st.integers(1, 9), st.integers(1, 9), st.integers(0, 6))
ANY = st.builds(Conversion, RATES, RATES, st.integers(0, 1000))
COUNTS = st.integers(0, 10**10)


def taps(conversion, frame):
    """Source frames that target frame `frame` is made from, where the signal is (from 0 on).

    Source frame n is at n / source seconds, and within reach when it is at most `half` frames
    away. Without a filter the rates are equal; the frame at or before the instant stands for it.
    """
    source, target, half = conversion.source, conversion.target, conversion.half
    everything = range(frame * source // target + half + 3)
    reached = [n for n in everything if n * target <= frame * source + half * target]
    return [n for n in reached if half == 0 or n * target >= frame * source - half * target]


@given(SMALL, st.integers(0, 40))
def test_needed_frames_are_those_that_the_taps_of_every_frame_reach(conversion, count):
    reached = [n for frame in range(count) for n in taps(conversion, frame)]
    assert conversion.needed(count) == max(reached, default=-1) + 1


@given(SMALL, st.integers(0, 40))
def test_ready_frames_are_those_whose_taps_are_all_there(conversion, count):
    ready = 0
    while all(n < count for n in taps(conversion, ready)):
        ready += 1
    assert conversion.ready(count) == ready


@given(ANY, COUNTS)
def test_ready_is_the_most_that_needs_no_more(conversion, count):
    ready = conversion.ready(count)
    assert conversion.needed(ready) <= count < conversion.needed(ready + 1)


@given(ANY, COUNTS, st.integers(0, 10**6))
def test_more_frames_never_need_or_give_less(conversion, count, more):
    assert conversion.needed(count) <= conversion.needed(count + more)
    assert conversion.ready(count) <= conversion.ready(count + more)


@given(RATES, COUNTS)
def test_equal_rates_without_a_filter_change_nothing(rate, count):
    conversion = Conversion(rate, rate)
    assert conversion.needed(count) == conversion.ready(count) == count
    assert conversion.phases == 1


@given(SMALL)
def test_phases_are_the_places_between_two_source_frames(conversion):
    places = {frame * conversion.source % conversion.target for frame in range(100)}
    assert conversion.phases == len(places)


def test_a_resampler_waits_half_its_taps():
    up, down = Conversion(44_100, 48_000, 89), Conversion(48_000, 44_100, 97)
    assert (up.phases, down.phases) == (160, 147)
    assert (up.needed(0), up.needed(1), up.needed(161)) == (0, 90, 147 + 90)
    assert (up.ready(89), up.ready(90), up.ready(147 + 89), up.ready(147 + 90)) == (0, 2, 160, 162)
    assert (down.needed(148), down.ready(160 + 98)) == (160 + 98, 148)


@pytest.mark.parametrize("values", [(0, 1, 0), (1, 0, 0), (-1, 1, 0), (1, 1, -1)])
def test_impossible_conversions_are_refused(values):
    with pytest.raises(ValueError, match=f"from {values[0]} to {values[1]} Hz with {values[2]} "):
        Conversion(*values)
