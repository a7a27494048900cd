"""How long one run of a model takes: runs are timed one by one, between those of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.core.traits import LONG

ENOUGH_RUNS = 1000
"""As many runs must be seen before the one in a thousand that takes longest says something."""

RUNS = 8
"""Runs that are timed at least."""

_WARM_UP_RUNS = 2
_STALL_US, _STALL_FACTOR = 5000, 5
"""A longest run of as much, and so many times the 99th percentile, is a stall of the machine."""


class Measured(NamedTuple):
    """How far a measurement is, in microseconds, and the runs; at the end done == total.

    long: runs with a long hop, where there are any.
    """

    done_us: int
    total_us: int
    seen: Durations
    long: Durations | None = None

    @property
    def cost(self) -> Cost:
        """1.25 times the 99th percentile, the longest of fewer than 100 runs, and the longest.

        It is only looked for on demand, as that takes about as long as a run of a quick model. A
        run with a long hop takes no longer than in proportion, whatever a stall made of one.
        """
        nearly_us, worst_us = with_margin(self.seen.percentile(990)), with_margin(self.seen.max)
        long_us = with_margin(self.long.percentile(990)) if self.long else 0
        return Cost(nearly_us, worst_us, min(long_us, LONG * nearly_us))


def measuring(
    step: Callable[[], object],
    *,
    runs: int = RUNS,
    seconds: float = 20.0,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> Iterator[Measured]:
    """Run `step` again and again, one run for each turn, so that others can run in between.

    The cost is that of at least `runs` runs that take `seconds` together. Two runs before them warm
    up and do not count. Where one run of very many stood out, a stall that the machine may have
    once an hour or once a second, as many are measured again, and the calmer half counts. clock:
    nanoseconds.
    """
    least_us = max(1, int(seconds * 1_000_000))
    for _ in range(_WARM_UP_RUNS):
        warm = Durations()
        warm.add(taken := timed(step, clock))
        yield Measured(0, max(least_us, runs * taken), warm)
    first = Durations()
    yield from _half(step, first, (runs, least_us), clock)
    if _stalled(first):
        second = Durations()
        for measured in _half(step, second, (runs, least_us), clock):
            yield measured._replace(seen=min(first, second, key=lambda half: half.max))


def _half(
    step: Callable[[], object], seen: Durations, least: tuple[int, int], clock: Callable[[], int]
) -> Iterator[Measured]:
    """Add runs to `seen` until there are as many, and they took as long, as `least` says."""
    runs, least_us = least
    spent = 0
    while seen.count < runs or spent < least_us:
        seen.add(taken := timed(step, clock))
        spent += taken
        yield Measured(spent, max(least_us, spent, -(-spent * runs // seen.count)), seen)


def _stalled(seen: Durations) -> bool:
    """Whether the longest run has nothing to do with the others."""
    rare = seen.count >= ENOUGH_RUNS and seen.max >= _STALL_US
    return rare and seen.max > _STALL_FACTOR * seen.percentile(990)


def timed(step: Callable[[], object], clock: Callable[[], int] = time.perf_counter_ns) -> int:
    """Microseconds, rounded up, and at least one, so that a measurement ends with any clock."""
    began = clock()
    step()
    return max(1, -(-(clock() - began) // 1000))


def with_margin(time_us: int) -> int:
    """A quarter more than was seen."""
    return -(-time_us * 5 // 4)
