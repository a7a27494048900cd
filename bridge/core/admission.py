"""Who may use a device, and whose run goes next. The arithmetic is in core/demand.py.

Offline runs come after all live ones: all that they do to a live session is that one of them may
be in progress when its run becomes ready. They are let in where that makes nobody late.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from bridge.core.demand import Task, latest, overloaded, schedulable

__all__ = ["Run", "Task", "Verdict", "admit", "admit_offline", "choose_next", "fitting_deadline"]

_EVER_US = 1 << 62
"""A period that does not come round again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a newcomer may join the open sessions of a device.

    reason: empty when it is admitted, else why not and what to do, in one line.
    """

    admitted: bool
    reason: str


def admit(
    tasks: Sequence[Task], newcomer: Task, blocking_us: int = 0, stall_us: int = 0
) -> Verdict:
    """Whether `newcomer` can join `tasks` so that nobody's run is ever late.

    blocking_us: the longest offline run on this worker, 0 without one. stall_us: by how much one
    run of all, live or not, may take longer than it costs before the device pauses again.
    """
    once = (blocking_us, stall_us)
    if schedulable((*tasks, newcomer), *once):
        return Verdict(True, "")
    return Verdict(False, _reason(tasks, newcomer, once, fitting_deadline(tasks, newcomer, *once)))


def admit_offline(
    tasks: Sequence[Task], cost_us: int, blocking_us: int = 0, stall_us: int = 0
) -> Verdict:
    """Whether a newcomer whose runs have no deadline leaves those of `tasks` in time.

    cost_us: how long its runs take. blocking_us, stall_us: as for `admit`.
    """
    longest_us = max(blocking_us, cost_us)
    if schedulable(tasks, longest_us, stall_us):
        return Verdict(True, "")
    wait = "close a session, or come back when fewer play"
    late = latest(tasks, longest_us, stall_us)
    if late is None:
        return Verdict(False, f"{_in_use(tasks)}, and leave no time for anything else; {wait}")
    index, response = late
    return Verdict(
        False,
        f"{_in_use(tasks)}, and an open session's run may take {_tenths(-(-response // 100))} with "
        f"a run of this one, of {_tenths(-(-cost_us // 100))}, in progress, but has "
        f"{_tenths(tasks[index].deadline_us // 100)}; {wait}",
    )


def fitting_deadline(
    tasks: Sequence[Task], newcomer: Task, blocking_us: int = 0, stall_us: int = 0
) -> int | None:
    """The smallest deadline with which a newcomer that is refused fits, None if none does.

    By halving, since what fits with one deadline fits with every longer one.

    From `most` on a longer one changes nothing: at t >= most, the demand, which is at most the
    sum of `cost * (t - deadline + period) / period`, the longest run and the stall together do not
    pass t.
    """
    everybody = (*tasks, newcomer)
    if overloaded(everybody):
        return None
    costs = [task.cost_us for task in everybody]
    work = sum(costs) + max(blocking_us, *costs) + stall_us
    most = max(
        -(-work * newcomer.period_us // newcomer.cost_us),
        *(task.deadline_us for task in everybody),
    )

    def fits(deadline_us: int) -> bool:
        patient = replace(newcomer, deadline_us=deadline_us)
        return schedulable((*tasks, patient), blocking_us, stall_us)

    if not fits(most):
        return None
    low, high = newcomer.deadline_us, most  # it fits with `high`, not with `low`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _reason(
    tasks: Sequence[Task], newcomer: Task, once: tuple[int, int], fitting: int | None
) -> str:
    blocking_us, stall_us = once
    close = ", or close a session" if tasks else ""
    if overloaded((*tasks, newcomer)):
        late = None
    elif fitting is None:
        # However patient it is, one of its runs can be in progress; who is late even then?
        late = latest(tasks, max(blocking_us, newcomer.cost_us), stall_us)
    else:
        late = latest((*tasks, newcomer), blocking_us, stall_us)
    if late is None:
        return (
            f"{_in_use(tasks)}, and this one needs {_percent([newcomer])}, together too much; "
            f"ask for a longer latency, with which it runs less often{close}"
        )
    index, response = late
    task = (*tasks, newcomer)[index]
    whose = "its" if index == len(tasks) else "an open session's"
    trouble = (
        f"{_in_use(tasks)}, and {whose} run may take {_tenths(-(-response // 100))} with what "
        f"else may be in progress, but has {_tenths(task.deadline_us // 100)}"
    )
    if fitting is None:
        way_out = "close a session, or give an open one more latency"
        return f"{trouble}, however long the latency of this one is; {way_out}"
    longer = -((newcomer.deadline_us - fitting) // 1000)
    return f"{trouble}; ask for a latency at least {longer} ms longer{close}"


def _in_use(tasks: Sequence[Task]) -> str:
    match len(tasks):
        case 0:
            return "no other session uses this worker"
        case 1:
            return f"1 session already uses {_percent(tasks)} of this worker"
        case count:
            return f"{count} sessions already use {_percent(tasks)} of this worker"


def _load_ppm(tasks: Sequence[Task]) -> int:
    """Rounded up for each session, so that it never looks smaller than it is."""
    return sum(-(-task.cost_us * 1_000_000 // task.period_us) for task in tasks)


def _percent(tasks: Sequence[Task]) -> str:
    return f"{-(-_load_ppm(tasks) // 10_000)} %"


def _tenths(count: int) -> str:
    """Tenths of a millisecond, in words."""
    return f"{count // 10}.{count % 10} ms"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is ready on a worker.

    key: runs of equal keys can be computed as one batch. deadline_us: on the clock of `now_us`.
    realtime: False for offline runs, whose deadline only orders them.
    costs_us: how long 1, 2, 3 ... such runs take as one batch; one number where none are made.
    """

    key: Hashable
    deadline_us: int
    realtime: bool
    costs_us: tuple[int, ...]


def choose_next(
    runs: Sequence[Run], now_us: int, coming: Sequence[Task], stall_us: int = 0
) -> list[int]:
    """Indices of the runs to begin now as one batch; `runs` must not be empty.

    The live run with the earliest deadline goes, without one the offline run with the earliest.
    Runs of the same key join it in that order, as many as leave everybody in time: the members
    are done together by their deadlines, and all that is ready or may come keeps its own, by the
    criterion of core/demand.py with the batch as the run in progress. So a batch never breaks what
    admission promised. A run that would be late even if it began now asks for nothing any more,
    which lets batches make up for a pause.

    coming: of each live session the first run that is not among `runs`, also of those that have
    one there, at the earliest that it can become ready; its `deadline_us` counts from now.
    stall_us: as for `admit`; a batch leaves room for it.
    """
    order = sorted(range(len(runs)), key=lambda i: (not runs[i].realtime, runs[i].deadline_us))
    first = runs[order[0]]
    alike = [i for i in order if runs[i].key == first.key][: len(first.costs_us)]
    hopeful = {
        i
        for i, run in enumerate(runs)
        if run.realtime and not _is_late(run, run.costs_us[0], now_us)
    }
    for size in range(len(alike), 1, -1):
        members, joint = alike[:size], first.costs_us[size - 1]
        others = [runs[i] for i in hopeful.difference(members)]
        last_us = joint + stall_us
        punctual = not any(
            _is_late(runs[i], last_us, now_us) for i in hopeful.intersection(members)
        )
        if punctual and _leaves_in_time(others, (joint, stall_us), now_us, coming):
            return members
    return order[:1]


def _is_late(run: Run, taking_us: int, now_us: int) -> bool:
    return run.deadline_us < now_us + taking_us


def _leaves_in_time(
    others: Sequence[Run], taking: tuple[int, int], now_us: int, coming: Sequence[Task]
) -> bool:
    joint_us, stall_us = taking
    once = (Task(run.costs_us[0], _EVER_US, run.deadline_us - now_us) for run in others)
    return schedulable((*coming, *once), joint_us + 1, stall_us)
