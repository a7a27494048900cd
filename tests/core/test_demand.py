"""The criterion and the longest responses against a worker in ticks to which everything happens."""

from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.demand import (
    CHECKED_RUNS,
    Task,
    busy_stretch,
    overloaded,
    schedulable,
    worst_responses,
)
from tests.core.edf_simulation import can_be_late, explore

SMALL = st.builds(Task, st.integers(1, 3), st.integers(1, 7), st.integers(1, 9))
OFFLINE = st.integers(0, 5)


def agree(tasks, offline, stall=0, **freedom):
    """Never a tick too strict or too lax, and the longest responses are those that happen."""
    happens = explore(tasks, offline, stall=stall, **freedom)
    told = worst_responses(tasks, offline, stall)
    assert schedulable(tasks, offline, stall) == (happens is not None)
    if happens is not None:
        assert happens == told
    elif told is not None:
        assert any(r > task.deadline_us for r, task in zip(told, tasks, strict=True))


def sets(count, costs, periods, deadlines):
    one = [Task(*numbers) for numbers in product(costs, periods, deadlines)]
    return combinations_with_replacement(one, count)


@pytest.mark.parametrize("offline", [0, 1, 2, 4])
def test_every_single_session_of_small_numbers(offline):
    for tasks in sets(1, range(1, 5), range(1, 6), range(1, 10)):
        agree(tasks, offline)


def test_every_pair_of_sessions_of_small_numbers():
    for tasks in sets(2, (1, 2, 3), (2, 3, 4, 5), (1, 2, 3, 4, 6, 9)):
        for offline in (0, 3):
            agree(tasks, offline)


@given(st.lists(SMALL, min_size=1, max_size=3), st.integers(0, 3), st.integers(1, 4))
def test_a_stall_adds_to_whatever_else_happens(tasks, offline, stall):
    agree(tasks, offline, stall)


@pytest.mark.slow
def test_every_three_sessions_of_small_numbers():
    for tasks in sets(3, (1, 2), (3, 4, 6), (2, 3, 4, 5, 8)):
        for offline in (0, 3):
            agree(tasks, offline)


@given(st.lists(SMALL, min_size=2, max_size=3), OFFLINE)
def test_two_or_three_sessions_and_an_offline_one(tasks, offline):
    agree(tasks, offline)


@settings(max_examples=50)
@given(st.lists(SMALL, min_size=1, max_size=3), OFFLINE)
def test_shorter_runs_make_nothing_worse(tasks, offline):
    agree(tasks, offline, shorter=True)


TINY = st.builds(Task, st.integers(1, 3), st.integers(2, 5), st.integers(1, 6))


@settings(max_examples=50)
@given(st.lists(TINY, min_size=1, max_size=2), OFFLINE, st.integers(1, 4))
def test_runs_that_begin_before_their_time_make_nobody_late(tasks, offline, early):
    happens = explore(tasks, offline, early=early)
    assert schedulable(tasks, offline) == (happens is not None)


@st.composite
def realistic(draw):
    """Sessions in microseconds, some 100 % of a device in all, at deadlines that are just kept."""
    count = draw(st.integers(1, 16))
    tasks = []
    for _ in range(count):
        period = draw(st.sampled_from([8000, 10_667, 12_000, 21_333, 48_000, 96_000]))
        cost = max(1, period * draw(st.integers(300, 1100)) // count // 1000)
        tasks.append(Task(cost, period, cost + period * draw(st.integers(0, 1500)) // 1000))
    return tasks


STALL = st.sampled_from([0, 0, 1, 900, 6000])


@given(realistic(), st.sampled_from([0, 1, 2, 900, 15_000]), STALL)
def test_large_numbers_against_the_worst_patterns(tasks, offline, stall):
    if overloaded(tasks):
        assert not schedulable(tasks, offline, stall)
    elif busy_stretch(tasks, offline, stall) is not None:
        assert schedulable(tasks, offline, stall) == (not can_be_late(tasks, offline, stall))


@given(realistic(), st.sampled_from([0, 900, 15_000]), STALL)
def test_everybody_is_in_time_if_and_only_if_the_longest_responses_are(tasks, offline, stall):
    responses = worst_responses(tasks, offline, stall)
    if responses is not None:
        late = any(r > task.deadline_us for r, task in zip(responses, tasks, strict=True))
        assert late != schedulable(tasks, offline, stall)


@given(realistic(), st.sampled_from([0, 900, 15_000]), st.integers(1, 9000))
def test_a_stall_takes_as_much_from_every_deadline(tasks, offline, stall):
    later = [Task(t.cost_us, t.period_us, t.deadline_us + stall) for t in tasks]
    if busy_stretch(later, offline, stall) is not None:
        assert schedulable(later, offline, stall) == schedulable(tasks, offline)


@given(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_session_alone_needs_its_worst_run_and_no_more(cost, rest, stall):
    worst = cost + stall
    assert schedulable([Task(cost, cost + rest, worst)], 0, stall)
    if worst > 1:
        late = Task(cost, cost + rest, worst - 1)
        assert not schedulable([late], 0, stall)


def test_a_load_of_exactly_one_is_possible():
    full = [Task(1, 2, 4), Task(2, 4, 5)]
    assert not overloaded(full)
    assert schedulable(full)
    assert schedulable(full, 2)
    assert not schedulable(full, 4)
    assert overloaded([*full, Task(1, 10**9, 10**9)])


def test_a_stretch_that_is_too_long_to_look_at_counts_as_too_much():
    almost = [Task(999_999, 1_000_000, 1_004_997), Task(1, 1_000_003, 1_100_000)]
    assert not overloaded(almost)
    assert busy_stretch(almost, 5_000) is None
    assert not schedulable(almost, 5_000)
    assert worst_responses(almost, 5_000) is None
    last = [Task(CHECKED_RUNS - 1, CHECKED_RUNS, CHECKED_RUNS), Task(1, 10**6, 10**6)]
    assert busy_stretch(last) is not None


def test_nobody_is_never_late():
    assert schedulable([], 10**9)
    assert worst_responses([]) == ()
    assert not overloaded([])


@pytest.mark.parametrize("times", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 5, 5)])
def test_times_below_a_microsecond_are_refused(times):
    with pytest.raises(ValueError, match="below 1 us"):
        Task(*times)
