"""The criterion and the longest responses against a worker in ticks to which everything happens."""

from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.demand import (
    CHECKED_RUNS,
    Task,
    busy_stretch,
    latest,
    overloaded,
    schedulable,
)
from tests.core.edf_simulation import can_be_late, explore

SMALL = st.builds(Task, st.integers(1, 3), st.integers(1, 7), st.integers(1, 9))
OFFLINE = st.integers(0, 5)


def agree(tasks, offline, stall=0, **freedom):
    """Never a tick too strict or too lax, and the longest responses are those that happen."""
    happens = explore(tasks, offline, stall=stall, **freedom)
    told = latest(tasks, offline, stall)
    assert schedulable(tasks, offline, stall) == (happens is not None)
    assert (told is None) == (happens is not None or overloaded(tasks))


def later(tasks, lack):
    return [Task(task.cost_us, task.period_us, task.deadline_us + lack) for task in tasks]


@settings(max_examples=200)
@given(st.lists(SMALL, min_size=1, max_size=3), OFFLINE, st.integers(0, 3))
def test_the_one_that_is_late_by_most_is_named_with_what_its_runs_take(tasks, offline, stall):
    told = latest(tasks, offline, stall)
    if told is None:
        return
    index, response = told
    lack = response - tasks[index].deadline_us  # as much more for everybody leaves their order
    assert lack > 0
    happens = explore(later(tasks, lack), offline, stall=stall)
    assert happens is not None
    assert happens[index] == response
    assert explore(later(tasks, lack - 1), offline, stall=stall) is None


def sets(count, costs, periods, deadlines):
    one = [Task(*numbers) for numbers in product(costs, periods, deadlines)]
    return combinations_with_replacement(one, count)


@pytest.mark.parametrize("offline", [0, 1, 2, 4])
def test_every_single_session_of_small_numbers(offline):
    for tasks in sets(1, range(1, 5), range(1, 6), range(1, 10)):
        agree(tasks, offline)


@pytest.mark.slow
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
def test_somebody_is_late_if_and_only_if_one_is_named(tasks, offline, stall):
    if busy_stretch(tasks, offline, stall) is None:
        return
    told = latest(tasks, offline, stall)
    assert (told is None) == schedulable(tasks, offline, stall)
    if told:
        index, response = told
        lack = response - tasks[index].deadline_us
        assert schedulable(later(tasks, lack), offline, stall)
        assert not schedulable(later(tasks, lack - 1), offline, stall)


@given(realistic(), st.sampled_from([0, 900, 15_000]), st.integers(1, 9000))
def test_a_stall_takes_as_much_from_every_deadline(tasks, offline, stall):
    patient = later(tasks, stall)
    if busy_stretch(patient, offline, stall) is not None:
        assert schedulable(patient, offline, stall) == schedulable(tasks, offline)


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
    assert latest(almost, 5_000) is None
    last = [Task(CHECKED_RUNS - 1, CHECKED_RUNS, CHECKED_RUNS), Task(1, 10**6, 10**6)]
    assert busy_stretch(last) is not None


def test_nobody_is_never_late():
    assert schedulable([], 10**9)
    assert latest([], 10**9, 5) is None
    assert not overloaded([])


@pytest.mark.parametrize("times", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 5, 5)])
def test_times_below_a_microsecond_are_refused(times):
    with pytest.raises(ValueError, match="below 1 us"):
        Task(*times)
