import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.median import PIECE, WINDOW, RunningMedian, median_along


def medians(values):
    """The oracle: NumPy's medians of every WINDOW neighbours along the first axis."""
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=0)
    return np.median(windows, axis=-1)


@pytest.mark.parametrize("count", [2, 4, 30, PIECE, PIECE + 2, 2 * PIECE + 78])
def test_medians_along_a_line(count):
    line = np.random.default_rng(count).standard_normal(count + WINDOW - 1).astype(np.float32)
    np.testing.assert_array_equal(median_along(line), medians(line))


@given(st.lists(st.integers(-2, 2), min_size=WINDOW + 1, max_size=40))
def test_medians_of_equal_values(values):
    line = np.array(values[: len(values) // 2 * 2], np.float32)
    np.testing.assert_array_equal(median_along(line), medians(line))


@pytest.mark.parametrize("count", [1, 3, PIECE + 1])
def test_an_odd_count_of_medians_is_refused(count):
    with pytest.raises(ValueError, match="two at a time"):
        median_along(np.zeros(count + WINDOW - 1, np.float32))


def test_medians_of_a_line_that_is_too_short_are_refused():
    with pytest.raises(ValueError, match="negative"):
        median_along(np.zeros(WINDOW - 3, np.float32))


def test_running_medians_begin_with_zeros():
    lines = np.random.default_rng(3).standard_normal((60, 7)).astype(np.float32)
    running = RunningMedian(7)
    found = np.array([running.push(line) for line in lines])
    before = np.zeros((WINDOW - 1, 7), np.float32)
    np.testing.assert_array_equal(found, medians(np.concatenate([before, lines])))


@pytest.mark.parametrize("spoilt", [20, 21])
def test_running_medians_forget_what_is_no_number(spoilt):
    lines = np.random.default_rng(4).standard_normal((60, 2)).astype(np.float32)
    lines[spoilt, 0] = np.nan
    running = RunningMedian(2)
    found = np.array([running.push(line) for line in lines])[WINDOW - 1 :]
    right = medians(lines)
    np.testing.assert_array_equal(found[:, 1], right[:, 1])
    np.testing.assert_array_equal(found[spoilt + 1 :], right[spoilt + 1 :])
