"""One call at a time, here or in a thread."""

import threading
from functools import partial

import pytest

from bridge.runtime.slot import Slot


def collect(slot, woken):
    """Wait until the call has ended, as the loop that was woken does."""
    assert woken.wait(60)
    woken.clear()
    slot.collect()


def test_without_a_thread_a_call_is_done_at_once():
    slot = Slot("here", None)
    found = []
    slot.start(threading.get_ident, lambda result: found.append(result()))
    assert found == [threading.get_ident()]
    assert not slot.busy
    slot.collect()
    assert len(found) == 1


def test_in_a_thread_the_result_comes_with_collect():
    woken, go = threading.Event(), threading.Event()
    slot = Slot("there", woken.set)
    found = []

    def call():
        assert go.wait(60)
        return threading.get_ident()

    slot.start(call, lambda result: found.append((result(), threading.get_ident())))
    slot.collect()
    assert found == []
    go.set()
    collect(slot, woken)
    assert not slot.busy
    (ran, told), *rest = found
    assert rest == []
    assert ran != threading.get_ident()
    assert told == threading.get_ident()


def test_calls_follow_each_other():
    woken = threading.Event()
    slot = Slot("there", woken.set)
    found = []
    for number in range(50):
        slot.start(partial(int, number), lambda result: found.append(result()))
        collect(slot, woken)
    assert found == list(range(50))


@pytest.mark.parametrize("threaded", [False, True])
def test_an_error_is_given_to_whoever_asks_for_the_result(threaded):
    woken = threading.Event()
    slot = Slot("errors", woken.set if threaded else None)
    found = []

    def call():
        raise ZeroDivisionError

    def then(result):
        with pytest.raises(ZeroDivisionError):
            result()
        found.append(True)

    slot.start(call, then)
    if threaded:
        collect(slot, woken)
    assert found == [True]
    assert not slot.busy


def test_the_next_call_may_be_started_by_the_result_of_one():
    woken = threading.Event()
    slot = Slot("chain", woken.set)
    found = []

    def then(result):
        found.append(result())
        if len(found) < 3:
            slot.start(lambda: len(found), then)

    slot.start(lambda: "first", then)
    for _ in range(3):
        collect(slot, woken)
    assert found == ["first", 1, 2]
