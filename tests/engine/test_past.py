"""Rows that are kept, against one long array of all that went by."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.past import Past


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
