"""Percentiles of counted durations against numpy's over all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.figures import Durations

DURATIONS = st.one_of(
    st.integers(0, 300),
    st.integers(0, 2**36 - 1),
    st.builds(
        lambda octave, step: max(0, 2**octave + step), st.integers(0, 35), st.integers(-2, 2)
    ),
)
SOME = st.lists(DURATIONS, min_size=1, max_size=200)
PER_MILLE = st.one_of(st.sampled_from([0, 1, 500, 990, 999, 1000]), st.integers(0, 1000))


def counted(values):
    durations = Durations()
    for value in values:
        durations.add(value)
    return durations


@given(SOME, PER_MILLE)
def test_a_percentile_is_never_below_the_true_one_and_at_most_a_64th_above(values, per_mille):
    told = counted(values).percentile(per_mille)
    exact = np.array(sorted(values))[max(1, -(-len(values) * per_mille // 1000)) - 1]
    assert exact <= told <= exact + exact // 64
    assert told <= max(values)


@pytest.mark.parametrize("per_mille", [500, 900, 990, 999])
def test_a_percentile_is_that_of_numpy(per_mille):
    values = np.random.default_rng(0).lognormal(8, 2, 20_011).astype(int)
    exact = int(np.percentile(values, per_mille / 10, method="inverted_cdf"))
    assert exact <= counted(values.tolist()).percentile(per_mille) <= exact + exact // 64


@given(SOME)
def test_count_and_longest_are_exact(values):
    durations = counted(values)
    assert (durations.count, durations.max) == (len(values), max(values))
    assert durations.percentile(1000) == max(values)


def test_small_durations_are_exact():
    durations = counted(range(128))
    assert [durations.percentile(n) for n in (0, 500, 750, 1000)] == [0, 63, 95, 127]


def test_nothing_has_no_figures():
    durations = Durations()
    assert (durations.count, durations.max, durations.percentile(999)) == (0, 0, 0)


def test_what_is_longer_than_any_bin_is_counted_with_its_own_length():
    durations = counted([5, 2**50, 2**40])
    assert durations.max == 2**50
    assert durations.percentile(300) == 5
    assert durations.percentile(999) == 2**50


def test_a_clock_that_goes_back_is_refused():
    with pytest.raises(ValueError, match="-1 us"):
        Durations().add(-1)
