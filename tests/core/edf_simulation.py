"""A worker in whole ticks, against which the arithmetic of admission is held.

`explore` tries everything that can happen: which sessions become ready at each tick, how long
each run takes, which of two equal deadlines goes first. States are met again, so that it ends.
`play` runs one given pattern, for numbers that are too large for that.
"""

from itertools import combinations
from math import lcm

from bridge.core.admission import Run, choose_next
from bridge.core.demand import Task


def explore(tasks, offline=0, *, shorter=False, early=0, stall=0, start=None):
    """Longest response of each task over all patterns, or None when some run can be late.

    offline: longest run without a deadline, any number of which wait. shorter: runs may take less
    than their cost. early: runs may be ready up to so long before their time, by which they are
    due. stall: for how long the worker does nothing, once, within a run or between two. start: what
    may be begun in a state, in place of the earliest deadline alone.
    """
    start = start or one_at_a_time(offline, shorter=shorter)
    worst = [0] * len(tasks)
    # Until ready again; what waits; what runs; the stall that is still to come.
    todo = [((0,) * len(tasks), (), None, stall)]
    seen = set(todo)
    while todo:
        waits, waiting, running, stall = todo.pop()
        for later, ready in arrivals(tasks, waits, waiting, early):
            begins = [(ready, running)] if running else start(tasks, later, ready)
            for rest, begun, left in stalled(begins, ready, running, stall):
                state = tick(tasks, later, rest, begun, worst)
                if state is None:
                    return None
                state = (*state, left)
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
    return tuple(worst)


def stalled(begins, ready, running, stall):
    """What begins or goes on, and each of it with the stall, which is then over."""
    for rest, begun in begins:
        yield rest, begun, stall
        if stall and begun:
            yield rest, (begun[0] + stall, begun[1]), 0
    if stall and not running:
        yield ready, (stall, ()), 0


def arrivals(tasks, waits, waiting, early):
    """Every choice of the runs that become ready now: (time until the next ones, what waits)."""
    yield waits, waiting
    able = [i for i, wait in enumerate(waits) if wait <= early]
    for count in range(1, len(able) + 1):
        for chosen in combinations(able, count):
            for moments in moments_of([range(waits[i], early + 1) for i in chosen]):
                due = [(m + tasks[i].deadline_us, i) for i, m in zip(chosen, moments, strict=True)]
                later = list(waits)
                for i, moment in zip(chosen, moments, strict=True):
                    later[i] = moment + tasks[i].period_us
                if early:  # several of one session may come at once
                    yield from arrivals(tasks, tuple(later), (*waiting, *due), early)
                else:
                    yield tuple(later), (*waiting, *due)


def moments_of(ranges):
    if not ranges:
        return [()]
    return [(first, *rest) for first in ranges[0] for rest in moments_of(ranges[1:])]


def one_at_a_time(offline, *, shorter):
    def start(tasks, _, ready):
        if not ready:
            yield ready, None
            for cost in range(1 if shorter else max(1, offline), offline + 1):
                yield ready, (cost, ())
            return
        for run in {run for run in ready if run[0] == min(ready)[0]}:
            rest = list(ready)
            rest.remove(run)
            cost = tasks[run[1]].cost_us
            for taken in range(1 if shorter else cost, cost + 1):
                yield tuple(rest), (taken, (run,))

    return start


def in_batches(costs, offline_costs, stall=0):
    """What `choose_next` begins; costs[i]: of 1, 2, ... runs of task i; equal costs, equal keys.

    Up to two offline runs wait or not, whose key is that of task 0.
    """

    def start(tasks, waits, ready):
        coming = [
            Task(task.cost_us, task.period_us, wait + task.deadline_us)
            for task, wait in zip(tasks, waits, strict=True)
        ]
        if not ready:
            yield ready, None
        for background in range(3 if offline_costs else 1):
            runs = [Run(costs[i], due, True, costs[i]) for due, i in ready]
            runs += [Run(costs[0], 0, False, offline_costs)] * background
            if not runs:
                continue
            chosen = choose_next(runs, 0, coming, stall)
            live = tuple(ready[i] for i in chosen if i < len(ready))
            rest = tuple(run for i, run in enumerate(ready) if i not in chosen)
            yield rest, (runs[chosen[0]].costs_us[len(chosen) - 1], live)

    return start


def tick(tasks, waits, waiting, running, worst):
    """One tick on: the next state, or None when a run is late."""
    waits = tuple(max(0, wait - 1) for wait in waits)
    waiting = tuple(sorted((due - 1, i) for due, i in waiting))
    if waiting and waiting[0][0] < 0:
        return None
    if running is None:
        return waits, waiting, None
    left, members = running
    members = tuple((due - 1, i) for due, i in members)
    if left > 1:
        return waits, waiting, (left - 1, members)
    for due, i in members:
        if due < 0:
            return None
        worst[i] = max(worst[i], tasks[i].deadline_us - due)
    return waits, waiting, None


def can_be_late(tasks, offline=0, stall=0):
    """The worst patterns there are, each played until the worker pauses."""
    count = range(len(tasks))
    patterns = [([0] * len(tasks), 0), ([1] * len(tasks), offline)]
    patterns += [([int(i != first) for i in count], 0) for first in count]
    return any(play(tasks, begins, left, stall) for begins, left in patterns)


def play(tasks, begins, offline, stall):
    """True when a run is late that becomes ready at `begins` and each period after that.

    offline: what runs without a deadline from 0 on. stall: for how long the first run stops.
    """
    end = 2 * lcm(*(task.period_us for task in tasks)) + 2 * max(t.deadline_us for t in tasks)
    now, waiting, nexts = offline, [], list(begins)
    if offline:
        now, stall = now + stall, 0
    while now <= end:
        for i, task in enumerate(tasks):
            while nexts[i] <= now:
                waiting.append((nexts[i] + task.deadline_us, i))
                nexts[i] += task.period_us
        if waiting:
            waiting.sort()
            due, i = waiting.pop(0)
            now += tasks[i].cost_us + stall
            stall = 0
            if now > due:
                return True
        elif now >= max(begins):
            return False
        else:
            now = min(nexts)
    return False
