"""When a device that runs one thing at a time can keep every deadline: the arithmetic.

Runs are never interrupted, and of those that wait the earliest deadline goes first. Each session
is a sporadic task: its runs become ready at least a period apart, at any time.

No deadline is ever missed if and only if the load is at most 1 and for every t > 0

    demand(t) + blocked(t) <= t

where demand(t) is the cost of all runs that can both become ready and be due within t, and
blocked(t) what can be left of a run that began one tick earlier and is due later. K. Jeffay,
D. Stanat, C. Martel, "On non-preemptive scheduling of periodic and sporadic tasks", RTSS 1991;
for any deadlines L. George, N. Rivierre, M. Spuri, INRIA report 2966, 1996. It is exact for
integer times, whichever of two equal deadlines goes first. Runs that take less than their cost,
come later, or begin early while their deadline stays where it was, make nothing worse; nor does
a longer deadline, which adds less to what is blocked than it takes from the demand.

A device may also stall: it does nothing for some time, in the middle of a run or between two, as
an operating system takes the core away. A stall, counted once in a stretch without a pause, is
added to the left side for every t. Unlike a run in progress it needs not have begun before, and it
comes on top of one; so it is no part of blocked(t), which is 0 for a session alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from itertools import accumulate
from math import lcm

CHECKED_RUNS = 2000
"""Most runs that are looked at, so that an answer takes milliseconds.

A set of which more can matter, at a load of some 99 %, counts as too much.
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One live session on one worker, times in microseconds.

    cost_us: longest run, but for a stall. period_us: shortest time between two runs becoming ready
    (the hop).
    deadline_us: time from being ready to being due (the compute allowance), of any length.
    Raises ValueError for times below 1.
    """

    cost_us: int
    period_us: int
    deadline_us: int

    def __post_init__(self) -> None:
        if min(self.cost_us, self.period_us, self.deadline_us) < 1:
            raise ValueError(f"{self} has a time below 1 us; measure it again")


def overloaded(tasks: Sequence[Task]) -> bool:
    """True when the tasks need more than all the time there is."""
    return _used(tasks, _cycle(tasks)) > _cycle(tasks)


def schedulable(tasks: Sequence[Task], blocking_us: int = 0, stall_us: int = 0) -> bool:
    """True when no run can ever be late.

    blocking_us: longest run without a deadline, which begins only when nothing else waits.
    stall_us: longest time for which the device may do nothing, once in a busy stretch.
    """
    once = (blocking_us, stall_us)
    until = _until(tasks, *once)
    return until is not None and all(late <= 0 for late, _ in _lateness(tasks, once, until))


def latest(
    tasks: Sequence[Task], blocking_us: int = 0, stall_us: int = 0
) -> tuple[int, int] | None:
    """Index of a task whose runs can be late by most, and their longest time from ready to done.

    In microseconds, exact. None where nobody is late, in overload, and where more than
    CHECKED_RUNS runs can matter. Runs that are due by t are done by `t + late` at the latest, with
    `late` what the criterion lacks at t, and that happens; so where most is lacking, one that is
    due at t itself is late by it: the last to become ready, as it may go last of those.
    """
    once = (blocking_us, stall_us)
    until = _until(tasks, *once)
    if until is None:
        return None
    late, t = max(_lateness(tasks, once, until), default=(0, 0))
    if late <= 0:
        return None
    at_once = (
        (-task.deadline_us, index)
        for index, task in enumerate(tasks)
        if task.deadline_us <= t and (t - task.deadline_us) % task.period_us == 0
    )
    _, index = max(at_once)
    return index, tasks[index].deadline_us + late


def busy_stretch(tasks: Sequence[Task], blocking_us: int = 0, stall_us: int = 0) -> int | None:
    """Longest time without a pause, in microseconds: beyond it nothing new can happen.

    It begins with what a run without a deadline leaves, and a stall. At a load of exactly 1 there
    may be no pause, and one cycle of all periods is looked at. None in overload and beyond
    CHECKED_RUNS.
    """
    left = max(0, blocking_us - 1) + stall_us
    cycle = _cycle(tasks)
    used = _used(tasks, cycle)
    if used > cycle:
        return None
    if used == cycle and left:
        stretch = cycle + max(task.deadline_us for task in tasks)
        return stretch if _runs(tasks, stretch) <= CHECKED_RUNS else None
    stretch = left + sum(task.cost_us for task in tasks)
    coming = [(task.period_us, task.period_us, task.cost_us) for task in tasks]
    heapify(coming)
    for _ in range(len(tasks), CHECKED_RUNS + 1):
        if not coming or coming[0][0] >= stretch:
            return stretch
        ready, period, cost = coming[0]
        stretch += cost
        heapreplace(coming, (ready + period, period, cost))
    return None


def _until(tasks: Sequence[Task], blocking_us: int, stall_us: int) -> int | None:
    """From when on nothing can be late; None where that is never, or too far off."""
    until = busy_stretch(tasks, blocking_us, stall_us)
    if until is None:
        until = _horizon(tasks, max(0, blocking_us - 1) + stall_us)
    if until is None:
        return None
    due = sum(max(0, until - task.deadline_us) // task.period_us for task in tasks)
    return until if due <= CHECKED_RUNS else None


def _lateness(
    tasks: Sequence[Task], once: tuple[int, int], until: int
) -> Iterator[tuple[int, int]]:
    """What the criterion lacks, and t, for each run that is due at some t, in order of t.

    Of several that are due at the same t the last counts them all. once: the longest run without
    a deadline, and the stall.
    """
    blocking_us, stall_us = once
    patient = sorted(tasks, key=lambda task: task.deadline_us)
    deadlines = [task.deadline_us for task in patient]
    # longest[n]: of the runs that may be in progress when those of n tasks count as demand.
    costs = (task.cost_us for task in reversed(patient))
    longest = list(accumulate(costs, max, initial=max(1, blocking_us)))[::-1]
    runs = sorted(
        (t, task.cost_us)
        for task in tasks
        for t in range(task.deadline_us, until + 1, task.period_us)
    )
    taken = stall_us
    for t, cost in runs:
        taken += cost
        yield taken + longest[bisect_right(deadlines, t)] - 1 - t, t


def _horizon(tasks: Sequence[Task], left: int) -> int | None:
    """A time from which on nothing is late, however long the device is busy; None for none.

    From the last first deadline on, demand(t) is at most the sum of `cost * (t - deadline +
    period) / period`, and only `left` is blocked and stalled: t outgrows them, by what is unused.
    """
    cycle = _cycle(tasks)
    unused = cycle - _used(tasks, cycle)
    ahead = left * cycle + sum(
        task.cost_us * (cycle // task.period_us) * (task.period_us - task.deadline_us)
        for task in tasks
    )
    if unused < 0 or (unused == 0 and ahead > 0):
        return None
    return max(ahead // max(1, unused), *(task.deadline_us for task in tasks))


def _cycle(tasks: Sequence[Task]) -> int:
    return lcm(*(task.period_us for task in tasks))


def _used(tasks: Sequence[Task], cycle: int) -> int:
    return sum(task.cost_us * (cycle // task.period_us) for task in tasks)


def _runs(tasks: Sequence[Task], stretch: int) -> int:
    return sum(-(-stretch // task.period_us) for task in tasks)
