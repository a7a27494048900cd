"""Plans against brute force over every frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.plan import Plan
from bridge.core.window import triangle


@st.composite
def plans(draw):
    segment = draw(st.integers(1, 60))
    stride = draw(st.integers(1, segment))
    return Plan(draw(st.integers(1, 250)), segment, stride, -draw(st.integers(0, 80)))


def demucs_weights(plan):
    """Weight of every window at every frame, (windows, frames), as demucs' apply_model has them."""
    half = plan.segment // 2
    weight = np.array([*range(1, half + 1), *range(plan.segment - half, 0, -1)], float)
    weight /= weight.max()
    starts = range(plan.origin, plan.length, plan.stride)
    weights = np.zeros((len(starts), plan.length))
    for row, start in zip(weights, starts, strict=True):
        for offset in range(plan.segment):
            if 0 <= start + offset < plan.length:
                row[start + offset] = weight[offset]
    return weights


@given(plans())
def test_windows_step_by_the_stride_and_cover_every_frame(plan):
    emits = [plan.emit(index) for index in range(plan.count)]
    assert [emit.start for emit in emits] == [
        plan.origin + index * plan.stride for index in range(plan.count)
    ]
    assert set(range(plan.length)) <= set().union(
        *(set(range(emit.start, emit.stop)) for emit in emits)
    )
    assert all(0 < emit.length <= plan.segment and emit.stop <= plan.length for emit in emits)
    assert all(e.length == plan.segment or e.stop == plan.length for e in emits)


@pytest.mark.slow
@given(plans())
def test_fades_are_the_normalised_weights_of_demucs_and_sum_to_one(plan):
    weights = demucs_weights(plan)
    expected = weights / weights.sum(axis=0)
    total = np.zeros(plan.length)
    assert plan.count == len(weights)
    for index in range(plan.count):
        emit, fade = plan.emit(index), plan.fade(index)
        assert fade.shape == (emit.length,)
        assert fade.dtype == np.float32
        skipped = max(0, -emit.start)  # before the signal nothing is promised but finite weights
        assert np.isfinite(fade).all()
        inside = slice(emit.start + skipped, max(0, emit.stop))
        np.testing.assert_allclose(fade[skipped:], expected[index, inside], rtol=1e-6)
        total[inside] += fade[skipped:]
    np.testing.assert_allclose(total, 1, atol=1e-6)


@settings(max_examples=20)
@given(st.integers(1, 400_000), st.floats(0, 0.95), st.integers(-22_050, 0))
def test_fades_of_real_sizes_sum_to_one(length, overlap, origin):
    plan = Plan.overlapping(length, 34_398, overlap, origin)
    total = np.zeros(length)
    for index in range(plan.count):
        emit = plan.emit(index)
        skipped = max(0, -emit.start)
        total[emit.start + skipped : max(0, emit.stop)] += plan.fade(index)[skipped:]
    assert np.abs(total - 1).max() < 1e-6


@pytest.mark.parametrize(
    ("overlap", "stride"), [(0, 343_980), (0.25, 257_985), (0.1, 309_582), (0.999_999_9, 1)]
)
def test_overlap_is_rounded_to_a_stride_as_demucs_does(overlap, stride):
    plan = Plan.overlapping(44100, 343_980, overlap)
    assert (plan.segment, plan.stride) == (343_980, stride)
    assert Plan.overlapping(44100, 11, 0.5).stride == 5


@pytest.mark.parametrize("length", [1, 2, 3, 10, 11])
def test_the_triangle_is_positive_symmetric_and_highest_in_the_middle(length):
    weights = triangle(length)
    assert weights.shape == (length,)
    assert (weights > 0).all()
    assert weights.max() == weights[length // 2] == 1
    np.testing.assert_array_equal(weights, weights[::-1])
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 2


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0, 4, 2), "at least one frame, not 0"),
        ((9, 4, 0), "stride of 0 frames"),
        ((9, 4, 5), "stride of 5 frames does not fit segments of 4"),
        ((9, 4, 2, 1), "origin of 1"),
    ],
)
def test_a_plan_that_would_leave_frames_out_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        Plan(*values)
