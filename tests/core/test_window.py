"""Weights that join live runs, against the runs that meet in each frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.window import joining


@given(st.integers(1, 40), st.integers(0, 150))
def test_over_all_runs_the_weights_sum_to_one(hop, fade):
    weights = joining(hop, fade)
    assert weights.shape == (hop + fade,)
    assert weights.dtype == np.float32
    assert (weights > 0).all()
    runs = 3 + fade // hop
    total = np.zeros(runs * hop + fade)
    for run in range(runs):
        total[run * hop : (run + 1) * hop + fade] += weights
    np.testing.assert_allclose(total[fade : runs * hop], 1, atol=1e-6)


@given(st.integers(1, 40), st.data())
def test_up_to_a_hop_it_is_a_linear_cross_fade(hop, data):
    fade = data.draw(st.integers(0, hop))
    rising = np.arange(1, fade + 1) / (fade + 1)
    expected = np.concatenate([rising, np.ones(hop - fade), rising[::-1]])
    np.testing.assert_allclose(joining(hop, fade), expected, rtol=1e-6)


def test_beyond_it_is_a_triangle_that_is_highest_in_the_middle():
    weights = joining(10, 30)
    assert weights.argmax() in {19, 20}
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-6)
    assert weights[0] < weights[10] < weights[19] < 0.5


def test_weights_are_shared_and_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        joining(10, 5)[0] = 1
