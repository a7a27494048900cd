"""The history against the whole signal, kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.history import History

LENGTHS = st.lists(st.integers(0, 40), max_size=12)


def signal(length):
    """Two channels in which every sample is different, and none is 0."""
    numbers = np.arange(1, length + 1, dtype=np.float32)
    return np.stack([numbers, -numbers])


@given(capacity=st.integers(1, 50), begin=st.integers(0, 10**12), lengths=LENGTHS, data=st.data())
def test_whatever_was_appended_is_read_back_and_was_silence_before(capacity, begin, lengths, data):
    history = History(2, capacity, begin)
    whole = signal(sum(lengths))
    at = 0
    for length in lengths:
        history.append(whole[:, at : at + length])
        at += length
    assert (history.start, history.stop) == (begin + at - capacity, begin + at)

    start = data.draw(st.integers(history.start, history.stop))
    stop = data.draw(st.integers(start, history.stop))
    padded = np.concatenate([np.zeros((2, capacity), np.float32), whole], axis=1)
    expected = padded[:, start - begin + capacity : stop - begin + capacity]
    np.testing.assert_array_equal(history.read(start, stop - start), expected)


@pytest.mark.parametrize(("start", "length"), [(4, 1), (9, 2), (15, 1), (4, 12)])
def test_frames_that_are_gone_or_not_here_yet_are_refused(start, length):
    history = History(1, 5, 0)
    history.append(np.ones((1, 10), np.float32))
    with pytest.raises(ValueError, match="5 kept before 10"):
        history.read(start, length)


def test_what_is_read_is_not_changed_by_what_comes_later():
    history = History(1, 4)
    history.append(np.ones((1, 4), np.float32))
    read = history.read(0, 4)
    history.append(np.zeros((1, 4), np.float32))
    assert read.tolist() == [[1, 1, 1, 1]]
