"""Overlap-add against one direct sum of every piece."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.overlap import OverlapAdd
from bridge.core.timeline import Span

ROWS = (2, 3)


def piece_for(seed, span):
    """Whole numbers, so that the order of the sums makes no difference to the bits."""
    numbers = np.random.default_rng(seed).integers(-99, 99, (*ROWS, span.length))
    return numbers.astype(np.float32)


@st.composite
def jobs(draw):
    """Pieces in any order, and for each the frame before which all may be released after it."""
    spans = draw(
        st.lists(st.builds(Span, st.integers(-10, 60), st.integers(1, 25)), min_size=1, max_size=12)
    )
    stop = max(span.stop for span in spans)
    added, frontiers = 0, []
    for index, span in enumerate(spans):
        added = max(added, span.stop)
        later = min((other.start for other in spans[index + 1 :]), default=stop)
        frontiers.append(draw(st.integers(0, max(0, min(later, added)))))
    return spans, frontiers


@given(jobs())
def test_released_frames_are_the_sum_of_all_pieces_each_once_and_in_order(job):
    spans, frontiers = job
    stop = max(0, *(span.stop for span in spans))
    expected = np.zeros((*ROWS, stop), np.float32)
    output = OverlapAdd(ROWS)
    out = []
    for seed, (span, frontier) in enumerate(zip(spans, frontiers, strict=True)):
        piece = piece_for(seed, span)
        for frame in range(max(0, span.start), span.stop):
            expected[..., frame] += piece[..., frame - span.start]
        output.add(span, piece)
        before = output.start
        given_span, frames = output.release(frontier)
        assert given_span == Span.between(before, frontier)
        assert frames.shape == (*ROWS, given_span.length)
        assert output.start == max(before, frontier)
        out.append(frames)
    out.append(output.release(stop)[1])
    np.testing.assert_array_equal(np.concatenate(out, axis=-1), expected)
    assert output.pending.shape == (*ROWS, 0)


@given(jobs(), st.data())
def test_going_on_from_start_and_pending_changes_nothing(job, data):
    spans, frontiers = job
    cut = data.draw(st.integers(0, len(spans)))
    stop = max(0, *(span.stop for span in spans))
    ends = []
    for interrupted in (False, True):
        output = OverlapAdd(ROWS)
        released = []
        for seed, (span, frontier) in enumerate(zip(spans, frontiers, strict=True)):
            if interrupted and seed == cut:
                output = OverlapAdd(ROWS, output.start, output.pending)
            output.add(span, piece_for(seed, span))
            released.append(output.release(frontier)[1])
        ends.append(np.concatenate([*released, output.release(stop)[1]], axis=-1))
    np.testing.assert_array_equal(ends[0], ends[1])


def test_a_saved_state_is_not_changed_by_what_is_added_later():
    output = OverlapAdd((1,))
    output.add(Span(0, 4), np.ones((1, 4), np.float32))
    saved = output.pending
    output.add(Span(0, 4), np.ones((1, 4), np.float32))
    again = OverlapAdd((1,), 0, saved)
    again.add(Span(0, 4), np.ones((1, 4), np.float32))
    assert saved.tolist() == [[1, 1, 1, 1]]
    assert output.pending.tolist() == again.pending.tolist() == [[2, 2, 2, 2]]


def test_released_frames_are_not_changed_by_what_is_added_later():
    output = OverlapAdd((1,))
    output.add(Span(0, 4), np.ones((1, 4), np.float32))
    _, released = output.release(2)
    output.add(Span(0, 4), np.ones((1, 4), np.float32))
    assert released.tolist() == [[1, 1]]
    assert output.release(4)[1].tolist() == [[2, 2]]


def test_frames_that_were_never_added_cannot_be_released():
    output = OverlapAdd((1,), start=5)
    output.add(Span(3, 6), np.ones((1, 6), np.float32))
    with pytest.raises(ValueError, match="frames up to 10"):
        output.release(10)
    assert output.release(9)[0] == Span(5, 4)
