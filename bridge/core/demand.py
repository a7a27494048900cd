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

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
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
    until = busy_stretch(tasks, blocking_us, stall_us)
    if until is None:
        until = _horizon(tasks, max(0, blocking_us - 1) + stall_us)
    if (
        until is None
        or sum(max(0, until - task.deadline_us) // task.period_us for task in tasks) > CHECKED_RUNS
    ):
        return False
    due = {t for task in tasks for t in range(task.deadline_us, until + 1, task.period_us)}
    return all(_demand(tasks, t) + _blocked(tasks, blocking_us, t) + stall_us <= t for t in due)


def worst_responses(
    tasks: Sequence[Task], blocking_us: int = 0, stall_us: int = 0
) -> tuple[int, ...] | None:
    """Longest time from ready to done of each task's runs, in microseconds; exact.

    None where there is none (overload) or the device never pauses within CHECKED_RUNS runs. All
    responses are within their deadlines if and only if the tasks are schedulable. The analysis is
    theorem 12 of George, Rivierre and Spuri. blocking_us, stall_us: as for `schedulable`.
    """
    stretch = busy_stretch(tasks, blocking_us, stall_us)
    if stretch is None:
        return None
    once = (blocking_us, stall_us)
    worst = {task: _worst_response(task, tasks, once, stretch) for task in set(tasks)}
    return tuple(worst[task] for task in tasks)


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
    while _runs(tasks, stretch) <= CHECKED_RUNS:
        longer = left + sum(-(-stretch // task.period_us) * task.cost_us for task in tasks)
        if longer == stretch:
            return stretch
        stretch = longer
    return None


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


def _demand(tasks: Sequence[Task], t: int) -> int:
    return sum(
        ((t - task.deadline_us) // task.period_us + 1) * task.cost_us
        for task in tasks
        if task.deadline_us <= t
    )


def _blocked(tasks: Sequence[Task], blocking_us: int, t: int) -> int:
    later = (task.cost_us for task in tasks if task.deadline_us > t)
    return max(chain((1, blocking_us), later)) - 1


def _worst_response(own: Task, tasks: Sequence[Task], once: tuple[int, int], stretch: int) -> int:
    """The worst is found among the runs that are due together with a run of some task.

    `after` is how long after the begin of the busy stretch such a run becomes ready. once: the
    longest run without a deadline, and the stall.
    """
    blocking_us, stall_us = once
    worst = own.cost_us + stall_us
    afters = {
        due - own.deadline_us
        for task in tasks
        for due in range(task.deadline_us, stretch + own.deadline_us, task.period_us)
        if due >= own.deadline_us
    }
    for after in afters:
        due = after + own.deadline_us
        held = _blocked(tasks, blocking_us, due) + stall_us
        if _demand(tasks, due) + held - after > worst:  # else when it begins is of no use
            begin = _latest_begin(own, after, tasks, held)
            worst = max(worst, begin + own.cost_us - after)
    return worst


def _latest_begin(own: Task, after: int, tasks: Sequence[Task], held_us: int) -> int:
    """When a run of `own` begins at the latest, once all that is due before it has gone first.

    Found by letting in, again and again, what becomes ready until then, up to the begin itself.
    """
    due = after + own.deadline_us
    others = list(tasks)
    others.remove(own)
    earlier = held_us + after // own.period_us * own.cost_us
    begin = 0
    while True:
        rivals = sum(
            (min(begin, due - task.deadline_us) // task.period_us + 1) * task.cost_us
            for task in others
            if task.deadline_us <= due
        )
        if earlier + rivals == begin:
            return begin
        begin = earlier + rivals
