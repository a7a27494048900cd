"""Running ahead in a thread: order, errors, and an end to it."""

import threading
import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.runtime.prefetch import prefetched


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@given(st.lists(st.one_of(st.integers(), st.none(), st.booleans())), st.integers(1, 4))
def test_items_come_in_order_and_each_once(items, depth):
    with prefetched(iter(items), depth) as ahead:
        assert list(ahead) == items
    assert not threads()


def test_an_item_may_be_an_exception():
    items = [ValueError("first"), KeyError("second")]
    with prefetched(iter(items), 1) as ahead:
        assert list(ahead) == items


@pytest.mark.parametrize("error", [ValueError("torn"), MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("good", [0, 1, 5])
def test_an_exception_is_raised_after_the_items_before_it(error, good):
    def items():
        yield from range(good)
        raise error

    taken: list[int] = []
    with prefetched(items(), 2) as ahead, pytest.raises(type(error)) as caught:
        taken.extend(ahead)
    assert caught.value is error
    assert not threads()
    with prefetched(items(), 2) as ahead:
        assert [next(ahead) for _ in range(good)] == list(range(good))


@pytest.mark.parametrize("taken", [0, 1, 7])
def test_the_thread_has_ended_when_not_all_items_were_taken(taken):
    with prefetched(count(), 3) as ahead:
        assert [next(ahead) for _ in range(taken)] == list(range(taken))
        assert len(threads()) == 1
    assert not threads()


def test_the_thread_has_ended_when_the_taker_failed():
    with pytest.raises(KeyError), prefetched(count(), 3) as ahead:
        raise KeyError(next(ahead))
    assert not threads()


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_it_runs_ahead_as_far_as_told_and_no_further(depth):
    pulled = 0
    filled = threading.Event()

    def items():
        nonlocal pulled
        for number in count():
            pulled = number + 1
            if pulled == taken + depth + 1:  # those that wait, and one in the thread's hands
                filled.set()
            yield number

    taken = 0
    with prefetched(items(), depth) as ahead:
        for _ in range(3):
            assert filled.wait(30)  # though nobody takes anything
            time.sleep(0.02)
            assert pulled == taken + depth + 1
            filled.clear()
            taken += 1
            assert next(ahead) == taken - 1


def test_items_are_made_in_another_thread():
    with prefetched((threading.current_thread() for _ in range(3)), 2) as ahead:
        assert threading.current_thread() not in list(ahead)
