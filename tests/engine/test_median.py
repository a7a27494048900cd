import numpy as np
import pytest

from bridge.engine.median import median_network, sliding_median


@pytest.mark.parametrize("count", [1, 3, 5, 13, 17, 37])
@pytest.mark.parametrize("axis", [0, 1])
def test_sliding_median_is_the_median(count, axis):
    values = np.random.default_rng(count).standard_normal((50, 61)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(values, count, axis)
    np.testing.assert_array_equal(sliding_median(values, count, axis), np.median(windows, axis=-1))


@pytest.mark.parametrize("count", [0, 4, -1])
def test_medians_of_even_counts_are_refused(count):
    with pytest.raises(ValueError, match="odd"):
        median_network(count)
