"""Admission and the next run, against a worker in ticks to which everything happens."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.core.admission import Run, admit, admit_offline, choose_next, fitting_deadline
from bridge.core.demand import Task, overloaded, schedulable
from tests.core.edf_simulation import can_be_late, explore, in_batches

SMALL = st.builds(Task, st.integers(1, 3), st.integers(2, 8), st.integers(1, 9))
SPECTRAL = Task(1_200, 21_333, 30_000)
NETWORK = Task(1_200_000, 2_000_000, 1_400_000)


def patient(task, deadline):
    return Task(task.cost_us, task.period_us, deadline)


STALL = st.just(0) | st.integers(1, 3)


@given(st.lists(SMALL, max_size=2), SMALL, st.integers(0, 4), STALL)
def test_a_newcomer_is_let_in_if_and_only_if_nobody_can_be_late(tasks, newcomer, offline, stall):
    verdict = admit(tasks, newcomer, offline, stall)
    happens = explore([*tasks, newcomer], offline, stall=stall)
    assert verdict.admitted == (happens is not None)
    assert verdict.admitted == (verdict.reason == "")


@given(st.lists(SMALL, max_size=2), SMALL, st.integers(0, 4), STALL)
def test_the_deadline_that_a_refusal_names_is_the_smallest_that_fits(
    tasks, newcomer, offline, stall
):
    assume(not admit(tasks, newcomer, offline, stall).admitted)
    fitting = fitting_deadline(tasks, newcomer, offline, stall)
    if overloaded([*tasks, newcomer]):
        assert fitting is None
        return
    tried = (
        deadline
        for deadline in range(newcomer.deadline_us + 1, 60)
        if not can_be_late([*tasks, patient(newcomer, deadline)], offline, stall)
    )
    assert fitting == next(tried, None)


def test_equal_sessions_fit_up_to_the_last_microsecond():
    tasks = [Task(1_200, 20_000, 19_200)] * 15
    offline = 19_200 - 16 * 1_200 + 1
    assert admit(tasks, tasks[0], offline).admitted
    assert not admit(tasks, tasks[0], offline + 1).admitted
    assert fitting_deadline(tasks[:0], tasks[0], 19_300) == 20_499


def test_sixteen_spectral_sessions_and_one_too_many():
    assert admit([SPECTRAL] * 15, SPECTRAL).admitted
    assert admit([SPECTRAL] * 16, SPECTRAL).admitted
    assert not admit([SPECTRAL] * 17, SPECTRAL).admitted
    assert fitting_deadline([SPECTRAL] * 17, SPECTRAL) is None


def test_many_sessions_share_the_patience_for_one_long_run():
    quick = Task(300, 11_250, 20_000)
    assert admit([quick] * 15, quick, 0, 5_700).admitted
    assert admit([quick] * 15, quick, 0, 20_000 - 16 * 300).admitted
    assert not admit([quick] * 15, quick, 0, 20_000 - 16 * 300 + 1).admitted
    assert not admit([quick] * 37, quick, 0, 5_700).admitted  # more than all the time there is
    refused = admit([], Task(300, 11_250, 5_000), 0, 5_700)
    assert fitting_deadline([], Task(300, 11_250, 5_000), 0, 5_700) == 6_000
    assert "may take 6.0 ms with what else may be in progress, but has 5.0 ms" in refused.reason


@pytest.mark.parametrize(
    ("tasks", "newcomer", "offline", "reason"),
    [
        (
            [SPECTRAL] * 17,
            SPECTRAL,
            0,
            (
                "17 sessions already use 96 % of this worker, and this one needs 6 %, together too "
                "much; ask for a longer latency, with which it runs less often, or close a session"
            ),
        ),
        (
            [NETWORK],
            NETWORK,
            0,
            (
                "1 session already uses 60 % of this worker, and this one needs 60 %, together too "
                "much; ask for a longer latency, with which it runs less often, or close a session"
            ),
        ),
        (
            [],
            Task(30, 20, 100),
            0,
            (
                "no other session uses this worker, and this one needs 150 %, together too much; "
                "ask for a longer latency, with which it runs less often"
            ),
        ),
        (
            [],
            NETWORK,
            900_000,
            (
                "no other session uses this worker, and its run may take 2100.0 ms with what else "
                "may be in progress, but has 1400.0 ms; ask for a latency at least 700 ms longer"
            ),
        ),
        (
            [SPECTRAL] * 3,
            Task(500, 10_000, 850),
            0,
            (
                "3 sessions already use 17 % of this worker, and its run may take 1.7 ms with what "
                "else may be in progress, but has 0.8 ms; ask for a latency at least 1 ms longer, "
                "or close a session"
            ),
        ),
        (
            [SPECTRAL],
            NETWORK,
            0,
            (
                "1 session already uses 6 % of this worker, and an open session's run may take "
                "1201.2 ms with what else may be in progress, but has 30.0 ms, however long the "
                "latency of this one is; close a session, or give an open one more latency"
            ),
        ),
        (
            [Task(10_000, 100_000, 50_000)],
            Task(45_000, 100_000, 50_000),
            0,
            (
                "1 session already uses 10 % of this worker, and an open session's run may take "
                "55.0 ms with what else may be in progress, but has 50.0 ms, however long the "
                "latency of this one is; close a session, or give an open one more latency"
            ),
        ),
        (
            [Task(400_000, 2_000_000, 900_000)],
            Task(600_000, 1_900_000, 700_000),
            0,
            (
                "1 session already uses 20 % of this worker, and an open session's run may take "
                "1000.0 ms with what else may be in progress, but has 900.0 ms, however long the "
                "latency of this one is; close a session, or give an open one more latency"
            ),
        ),
        (
            [Task(10_000, 100_000, 15_000)],
            Task(5_000, 100_000, 10_000),
            0,
            (
                "1 session already uses 10 % of this worker, and its run may take 15.0 ms with "
                "what else may be in progress, but has 10.0 ms; ask for a latency at least 5 ms "
                "longer, or close a session"
            ),
        ),
    ],
)
def test_a_refusal_says_why_in_numbers_and_what_to_do(tasks, newcomer, offline, reason):
    assert admit(tasks, newcomer, offline).reason == reason


def test_a_latency_that_a_refusal_asks_for_is_enough():
    assert fitting_deadline([SPECTRAL] * 3, Task(500, 10_000, 850)) == 1_699
    assert admit([SPECTRAL] * 3, Task(500, 10_000, 1_699)).admitted
    assert not admit([SPECTRAL] * 3, Task(500, 10_000, 1_698)).admitted


def test_a_load_too_close_to_all_is_refused_in_words():
    open_already = [Task(999_000, 1_000_000, 1_004_000)]
    refused = admit(open_already, Task(1_000, 1_000_003, 1_004_000), 5_000)
    assert not refused.admitted
    assert "99.9" not in refused.reason
    assert "together too much" in refused.reason


def run(deadline, key="a", costs=(10, 12, 14, 16), *, realtime=True):
    return Run(key, deadline, realtime, costs)


def test_the_earliest_live_deadline_goes_first_and_offline_after_live():
    runs = [run(5, realtime=False), run(40), run(30), run(30), run(1, realtime=False)]
    alone = [Run(r.key, r.deadline_us, r.realtime, (10,)) for r in runs]
    assert choose_next(alone, 0, []) == [2]
    assert choose_next([alone[0], alone[4]], 0, []) == [1]
    assert choose_next(alone[:1], 99, []) == [0]


def test_all_runs_of_a_kind_go_together_when_there_is_time():
    runs = [run(90), run(95, "b"), run(80), run(0, realtime=False), run(85)]
    assert choose_next(runs, 0, []) == [2, 4, 0, 3]
    assert choose_next([run(90), *runs], 0, []) == [3, 5, 0, 1]  # the largest batch there is


@pytest.mark.parametrize(
    ("runs", "coming", "expected"),
    [
        ([run(14), run(50), run(60)], [], [0, 1, 2]),
        ([run(13), run(50), run(60)], [], [0, 1]),  # a member has to be in time itself
        ([run(11), run(50), run(60)], [], [0]),
        ([run(9), run(50), run(60)], [], [0, 1, 2]),  # late anyway
        ([run(9), run(50), run(23, "b")], [], [0, 1]),
        ([run(9), run(50), run(21, "b")], [], [0]),
        ([run(9), run(-5), run(0)], [], [1, 2, 0]),  # after a pause, all at once
        ([run(20), run(50), run(24, "b")], [], [0, 1]),
        ([run(20), run(50), run(22, "b")], [], [0, 1]),
        ([run(20), run(50), run(21, "b")], [], [0]),  # another key has to be in time after it
        ([run(20), run(50), run(0, "b")], [], [2]),
        ([run(0), run(50), run(9, "b")], [], [0, 1]),
        ([run(20), run(50), run(0, "b", realtime=False)], [], [0, 1]),
        ([run(20), run(50)], [Task(10, 100, 22)], [0, 1]),
        ([run(20), run(50)], [Task(10, 100, 21)], [0]),  # one that may yet come too
        ([run(0, realtime=False)] * 3, [Task(10, 100, 24)], [0, 1, 2]),
        ([run(0, realtime=False)] * 3, [Task(10, 100, 23)], [0, 1]),
    ],
)
def test_a_batch_is_as_large_as_leaves_everybody_in_time(runs, coming, expected):
    assert choose_next(runs, 0, coming) == expected
    later = [Run(r.key, r.deadline_us + 10**12, r.realtime, r.costs_us) for r in runs]
    assert choose_next(later, 10**12, coming) == expected


@st.composite
def batched(draw):
    """Sessions that may stand side by side, and what batches of their runs cost."""
    tasks = draw(st.lists(SMALL, min_size=1, max_size=3))
    costs = {
        task.cost_us: [task.cost_us, *draw(st.lists(st.integers(1, 6), max_size=2).map(sorted))]
        for task in tasks
    }
    return tasks, [tuple(costs[task.cost_us]) for task in tasks]


@pytest.mark.slow
@settings(max_examples=200)
@given(batched(), st.booleans())
def test_batches_never_make_anybody_late_that_was_promised_to_be_in_time(job, background):
    tasks, costs = job
    offline: tuple[int, ...] = costs[0] if background else ()
    assume(schedulable(tasks, offline[0] if offline else 0))
    assert explore(tasks, start=in_batches(costs, offline)) is not None


def test_a_batch_leaves_room_for_a_stall():
    runs = [run(20), run(50), run(60)]
    assert [choose_next(runs, 0, [], stall) for stall in (6, 7, 8, 9)] == [
        [0, 1, 2],
        [0, 1],
        [0, 1],
        [0],
    ]


@pytest.mark.slow
@settings(max_examples=100)
@given(batched(), st.integers(1, 3))
def test_batches_never_break_a_promise_that_counts_with_a_stall(job, stall):
    tasks, costs = job
    assume(schedulable(tasks))
    tasks = [patient(task, task.deadline_us + stall) for task in tasks]
    assert schedulable(tasks, 0, stall)
    assert explore(tasks, stall=stall, start=in_batches(costs, (), stall)) is not None


OFFLINE_REASON = (
    "1 session already uses 6 % of this worker, and an open session's run may take 30.1 ms with a "
    "run of this one, of 28.9 ms, in progress, but has 30.0 ms; close a session, or come back when "
    "fewer play"
)


def test_an_offline_newcomer_is_refused_where_its_run_would_make_a_live_one_late():
    assert admit_offline([SPECTRAL], 28_801).reason == ""
    assert admit_offline([SPECTRAL], 28_802).admitted is False
    assert admit_offline([SPECTRAL], 28_850).reason == OFFLINE_REASON
    assert not admit_offline([SPECTRAL], 1, 28_802).admitted
    assert not admit_offline([SPECTRAL], 28_800, 0, 2).admitted
    assert admit_offline([], 10**9).admitted
    crowded = admit_offline([SPECTRAL] * 18, 1)
    assert "18 sessions already use 102 % of this worker, and leave no time" in crowded.reason


@given(st.lists(SMALL, min_size=1, max_size=2), st.integers(1, 4), st.integers(0, 4), STALL)
def test_an_offline_newcomer_is_let_in_if_and_only_if_nobody_can_be_late(
    tasks, cost, before, stall
):
    happens = explore(tasks, max(cost, before), stall=stall)
    assert admit_offline(tasks, cost, before, stall).admitted == (happens is not None)
