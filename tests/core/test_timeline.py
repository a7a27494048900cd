"""Spans against sets of frame numbers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core.timeline import Span, subtract

FRAMES = st.integers(-20, 20)
SPANS = st.builds(Span, FRAMES, st.integers(0, 12))


def frames_of(span):
    return set(range(span.start, span.start + span.length))


@given(FRAMES, FRAMES)
def test_between_holds_the_frames_from_start_up_to_stop(start, stop):
    assert frames_of(Span.between(start, stop)) == set(range(start, stop))


@given(SPANS, FRAMES)
def test_membership_length_and_truth_are_those_of_the_set(span, frame):
    assert (frame in span) == (frame in frames_of(span))
    assert bool(span) == bool(frames_of(span))
    assert span.length == len(frames_of(span))
    if span:
        assert span.stop == max(frames_of(span)) + 1


@given(SPANS, SPANS)
def test_covers_and_intersect_are_those_of_the_sets(one, other):
    assert one.covers(other) == (frames_of(one) >= frames_of(other))
    assert frames_of(one.intersect(other)) == frames_of(one) & frames_of(other)


@given(SPANS, FRAMES)
def test_shift_moves_every_frame(span, by):
    assert frames_of(span.shift(by)) == {frame + by for frame in frames_of(span)}


@given(SPANS, st.integers(0, 5), st.integers(0, 5))
def test_extend_adds_neighbours_on_both_sides(span, before, after):
    wider = span.extend(before, after)
    assert (span.start - wider.start, wider.stop - span.stop) == (before, after)
    assert wider.covers(span)


@given(SPANS, SPANS)
def test_slice_in_picks_the_same_frames_from_an_array(outer, inner):
    array = np.arange(outer.start, outer.stop)
    if frames_of(inner) <= frames_of(outer):
        assert set(array[inner.slice_in(outer)].tolist()) == frames_of(inner)
    else:
        with pytest.raises(ValueError, match="is not inside"):
            inner.slice_in(outer)


@given(st.builds(Span, FRAMES, st.integers(0, 40)), st.lists(SPANS, max_size=6))
@example(Span(0, 12), [Span(0, 10), Span(2, 3)])  # one inside another
def test_subtract_leaves_the_difference_as_ordered_runs(span, taken):
    left = subtract(span, taken)
    expected = frames_of(span).difference(*map(frames_of, taken))
    assert set().union(*map(frames_of, left)) == expected
    assert sum(part.length for part in left) == len(expected)
    assert all(left)
    assert all(one.stop < next_one.start for one, next_one in pairwise(left))


def test_a_negative_length_is_refused_in_words():
    with pytest.raises(ValueError, match=r"-1 frames; use a length of 0 or more"):
        Span(0, -1)
