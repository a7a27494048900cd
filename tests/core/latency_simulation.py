"""Live streams as events on a clock: the oracle for `core/latency.py`, with no formula of its own.

Which host frames a run waits for, and which run completes a stem frame, is found by walking from
frame to frame. A host then calls with blocks of any size, early within its burst or as late as it
may, and each call looks whether its stems are there.

A call is (end, time): it hands over the host frames up to `end`. Time is in ticks, of which a host
frame lasts a million, so that a microsecond lasts `host` of them and everything is whole.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bridge.core.conversion import Conversion
from bridge.core.live_plan import LivePlan

FRAME = 1_000_000
"""Ticks that a host frame lasts."""


@dataclass(frozen=True)
class Stream:
    """Everything that latency depends on, and how many runs to walk."""

    host: int
    model: int
    hop: int
    lookahead: int
    incoming_half: int
    outgoing_half: int
    block: int
    burst: int
    guard: int
    allowance_us: int
    runs: int
    effects: int = 0

    @property
    def plan(self):
        incoming = Conversion(self.host, self.model, self.incoming_half)
        outgoing = Conversion(self.model, self.host, self.outgoing_half)
        return LivePlan(incoming, outgoing, self.hop, self.lookahead, self.hop + self.lookahead)

    @cached_property
    def begins(self):
        """Of each run the host frames that must be in before it can begin."""
        begins, frames = [], 0
        for run in range(self.runs):
            newest = (run + 1) * self.hop + self.lookahead - 1  # model frame that the run reads
            reach = newest * self.host + self.incoming_half * self.model
            while frames * self.model <= reach:  # host frame `frames` is still in reach of a tap
                frames += 1
            begins.append(frames)
        return begins

    @cached_property
    def givers(self):
        """Of each stem frame, at the host's rate, the run after which it is final."""
        givers, run, newest = list[int](), 0, -1
        while run < self.runs:
            newest_read = len(givers) + self.effects  # stem frame that effects wait for
            reach = newest_read * self.model + self.outgoing_half * self.host
            while (newest + 1) * self.host <= reach:
                newest += 1  # model frame in reach of a tap
                run += newest == (run + 1) * self.hop
            givers.append(run)
        return givers[:-1]

    def first_of(self, run):
        """First stem frame that is not final before run `run`."""
        return bisect_left(self.givers, run)

    def worst_run(self):
        """The run with most host frames from the first that it gives to the last that it needs."""
        return max(range(self.givers[-1]), key=lambda run: self.begins[run] - self.first_of(run))


def late_calls(stream: Stream, latency: int, calls: Iterable[tuple[int, int]]) -> int:
    """How many calls miss stems: those `latency` before their own end, and the guard after them."""
    late, last, clock, there = 0, 0, -stream.burst * FRAME, list[int]()
    for end, time in calls:
        assert last < end <= last + stream.block, "the host announced smaller blocks"
        assert max(clock, (end - stream.burst) * FRAME) <= time <= end * FRAME, "not at that time"
        last, clock = end, time
        while len(there) < stream.runs and stream.begins[len(there)] <= end:
            there.append(time + stream.allowance_us * stream.host)
        newest = end - latency + stream.guard - 1
        if newest >= 0:
            run = stream.givers[newest]
            late += run >= len(there) or there[run] > time
    return late


def can_be_late(stream: Stream, latency: int, *, guard_is_time: bool = False) -> bool:
    """Whether any sequence of calls whatever, at whole and half frames of time, has a late one.

    Visits every state that a host can bring about: how far it is, when that was, and when the
    runs that are still under way will be done. `guard_is_time` reads the guard in the other way:
    a call's own stems must have been there for as long as `guard` frames last.
    """
    allowance = stream.allowance_us * stream.host
    early, ahead = (stream.guard * FRAME, 0) if guard_is_time else (0, stream.guard)
    limit = len(stream.givers) + latency - ahead
    start: tuple[int, int, tuple[int, ...]] = (0, -stream.burst * FRAME, ())
    seen, waiting = {start}, [start]
    while waiting:
        last, clock, under_way = waiting.pop()
        for end in range(last + 1, min(last + stream.block, limit) + 1):
            begun = bisect_right(stream.begins, end)
            new = begun - bisect_right(stream.begins, last)
            newest = end - latency + ahead - 1
            earliest = max(clock, (end - stream.burst) * FRAME)
            for time in range(earliest, end * FRAME + 1, FRAME // 2):
                done_at = (*under_way, *[time + allowance] * new)
                missing = tuple(done for done in done_at if done > time - early)
                if newest >= 0 and stream.givers[newest] >= begun - len(missing):
                    return True
                state = (end, time, missing)
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
    return False


def regular(stream: Stream, latency: int, block: int) -> Iterator[tuple[int, int]]:
    """A host that always hands over `block` frames, always at the same time."""
    for end in range(block, _limit(stream, latency), block):
        yield end, end * FRAME


def restless(stream: Stream, latency: int, seed: int) -> Iterator[tuple[int, int]]:
    """A host of random blocks at random times."""
    random = np.random.default_rng(seed)
    end, time, limit = 0, -stream.burst * FRAME, _limit(stream, latency)
    while end < limit - stream.block:
        end += int(random.integers(1, stream.block, endpoint=True))
        time = max(time, end * FRAME - int(random.integers(0, stream.burst * FRAME, endpoint=True)))
        yield end, time


def attack(stream: Stream, latency: int, runs: Iterable[int]) -> Iterator[tuple[int, int]]:
    """A host that means it: of each run it can, the input comes last and the stems are due first.

    A block as large as may be begins with the last frame that the run waits for and comes on
    time; from then on every block comes as early as it may, up to the one that asks for the run.
    """
    end, time = 0, -stream.burst * FRAME
    for run in runs:
        last_needed = stream.begins[run] - 1
        asks = stream.first_of(run) + latency - stream.guard + 1
        if last_needed < end:
            continue
        while end < asks:
            late = end <= last_needed
            goal = last_needed if end < last_needed else max(asks, last_needed + stream.block)
            end = min(end + stream.block, goal)
            time = end * FRAME if late else max(time, (end - stream.burst) * FRAME)
            yield end, time


def _limit(stream: Stream, latency: int) -> int:
    """End of the last call whose stems are among the frames that were walked."""
    return len(stream.givers) + latency - stream.guard
