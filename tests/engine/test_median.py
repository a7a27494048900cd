import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.median import WINDOW, RunningMedian, median_across, median_along


def medians(values):
    """The oracle: NumPy's medians of every WINDOW neighbours along the first axis."""
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=0)
    return np.median(windows, axis=-1)


def along(line):
    found = np.empty(line.size - WINDOW + 1, np.float32)
    median_along(line, found)
    return found


def running(lines):
    median, found = RunningMedian(lines.shape[1]), np.empty_like(lines)
    for line, row in zip(lines, found, strict=True):
        median.push(line, row)
    return found


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 30, 2163])
def test_medians_along_a_line(count):
    line = np.random.default_rng(count).standard_normal(count + WINDOW - 1).astype(np.float32)
    np.testing.assert_array_equal(along(line), medians(line))


@given(st.lists(st.integers(-2, 2), min_size=WINDOW, max_size=40))
def test_medians_of_equal_values(values):
    line = np.array(values, np.float32)
    np.testing.assert_array_equal(along(line), medians(line))


@given(st.permutations(range(WINDOW)))
def test_the_order_does_not_matter(order):
    found = np.empty(1, np.float32)
    median_across(np.array(order, np.float32)[:, None], found)
    assert found == WINDOW // 2


def test_every_half_of_ones_is_told():
    """A network of minima and maxima that is right for all zeros and ones is right for all."""
    words = np.arange(2**WINDOW)
    lines = (words >> np.arange(WINDOW)[:, None] & 1).astype(np.float32)
    found = np.empty(words.size, np.float32)
    median_across(lines, found)
    np.testing.assert_array_equal(found, lines.sum(axis=0) > WINDOW // 2)


def test_running_medians_begin_with_zeros():
    lines = np.random.default_rng(3).standard_normal((60, 7)).astype(np.float32)
    before = np.zeros((WINDOW - 1, 7), np.float32)
    np.testing.assert_array_equal(running(lines), medians(np.concatenate([before, lines])))


@pytest.mark.parametrize("spoilt", [20, 21])
def test_running_medians_forget_what_is_no_number(spoilt):
    lines = np.random.default_rng(4).standard_normal((60, 2)).astype(np.float32)
    lines[spoilt, 0] = np.nan
    found = running(lines)[WINDOW - 1 :]
    right = medians(lines)
    np.testing.assert_array_equal(found[:, 1], right[:, 1])
    np.testing.assert_array_equal(found[spoilt + 1 :], right[spoilt + 1 :])
