"""Lines against an array that keeps everything."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.line import Line

STEPS = st.lists(st.tuples(st.integers(0, 400), st.integers(-50, 900)), max_size=40)


def memory(line):
    """All that a line occupies."""
    owner: Any = line.view(line.start, line.start).base
    return owner


def numbered(start, count):
    """Frames of two rows that hold their own index, positive and negative."""
    index = np.arange(start, start + count, dtype=np.float32)
    return np.stack([index, -index])


@given(st.integers(-1000, 10**12), STEPS)
def test_every_frame_that_is_held_is_found_under_its_index(start, steps):
    line = Line(2, start)
    first = 0
    for count, forgotten in steps:
        line.append(numbered(line.stop - start, count))
        line.forget(start + forgotten)
        first = max(first, min(forgotten, line.stop - start))
        assert line.start == start + first
        held = line.stop - line.start
        np.testing.assert_array_equal(line.view(line.start, line.stop), numbered(first, held))
    assert line.stop == start + sum(count for count, _ in steps)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=20), st.integers(0, 700))
def test_frames_written_in_place_are_frames_appended(counts, kept):
    appended, grown = Line(2), Line(2)
    for count in counts:
        frames = numbered(appended.stop, count)
        appended.append(frames)
        grown.grow(count)[...] = frames
        for line in (appended, grown):
            line.forget(line.stop - kept)
    assert (appended.start, appended.stop) == (grown.start, grown.stop)
    one, other = (line.view(line.start, line.stop) for line in (appended, grown))
    np.testing.assert_array_equal(one, other)


def test_what_is_not_held_cannot_be_seen():
    line = Line(1, 100)
    line.append(np.zeros((1, 50), np.float32))
    line.forget(110)
    assert line.view(150, 150).shape == (1, 0)
    for start, stop in ((109, 120), (140, 151), (130, 120)):
        with pytest.raises(ValueError, match=f"{start} to {stop} is not within 110 to 150"):
            line.view(start, stop)


def test_an_endless_line_takes_no_more_than_twice_what_it_held_at_most():
    rng = np.random.default_rng(0)
    line, most, moved = Line(2), 0, 0
    for _ in range(5000):
        before = memory(line)
        line.append(numbered(0, int(rng.integers(1, 600))))
        most = max(most, line.stop - line.start)
        line.forget(line.stop - 3000)
        assert memory(line).shape[1] <= max(256, 2 * most)
        moved += memory(line) is not before
    assert most < 3600
    assert moved <= 10  # else what is in memory would be copied again and again
