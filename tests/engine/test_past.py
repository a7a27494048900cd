"""Rows that are kept, against one long array of all that went by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.past import Past, windows


@given(st.integers(0, 40), st.lists(st.integers(0, 60), max_size=30))
def test_what_is_kept_are_the_newest_rows_whatever_comes_at_once(frames, counts):
    past, everything = Past(frames, 3), np.zeros((frames, 3), np.float32)
    random = np.random.default_rng(len(counts))
    for count in counts:
        rows = random.random((count, 3)).astype(np.float32)
        everything = np.concatenate([everything, rows])
        extended = past.extend(rows)
        np.testing.assert_array_equal(extended, everything[len(everything) - frames - count :])
        assert extended.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_windows_are_all_neighbouring_rows(dtype):
    rows = np.arange(36).reshape(12, 3).astype(dtype)
    for length in (1, 5, 12):
        found = windows(rows, length)
        wanted = np.lib.stride_tricks.sliding_window_view(rows, length, axis=0)
        np.testing.assert_array_equal(found, wanted.transpose(0, 2, 1))
        assert found.shape == (13 - length, length, 3)
