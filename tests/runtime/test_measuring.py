"""How long a run takes: measured on a clock of the tests, and corrected by later sessions."""

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.core.traits import LONG
from bridge.engine.base import Ensemble, Member
from bridge.engine.live_model import live_model
from bridge.engine.spectral import SpectralSeparator
from bridge.protocol.messages_worker import Load
from bridge.runtime import trial
from bridge.runtime.calibration import refined
from bridge.runtime.measuring import Measured, measuring, with_margin


def seen(*durations):
    counted = Durations()
    for duration in durations:
        counted.add(duration)
    return counted


@pytest.mark.slow
@given(
    st.integers(1, 10**9),
    st.integers(0, 10**9),
    st.lists(st.integers(0, 10**9), max_size=30),
    st.integers(1, 200),
)
def test_refining_stays_within_its_bounds_and_settles(typical, stall, durations, repeats):
    session = seen(*durations * repeats, 10)
    stored = Cost(typical, typical + stall)
    after = first = refined(stored, session)
    for _ in range(400):
        after = refined(after, session)
    nearly = session.percentile(990)
    for before, once, settled, most in (
        (stored.typical_us, first.typical_us, after.typical_us, nearly),
        (stored.worst_us, first.worst_us, after.worst_us, session.max),
    ):
        longest = -(-most * 5 // 4)
        assert before - before // 8 - 1 <= once <= 2 * before
        assert once >= before or session.count >= 1000
        assert settled >= most or (before == settled and session.count < 100)
        assert settled <= (longest + 8 if session.count >= 1000 else max(before, longest))


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_on_its_way_up_a_cost_is_never_left_below_what_was_seen(stored, longest):
    session, cost = seen(*[longest] * 2000), Cost(stored, stored)
    for _ in range(30):
        cost = refined(cost, session)
    assert cost.worst_us >= cost.typical_us >= longest


def test_a_run_with_a_long_hop_is_refined_with_the_others():
    assert refined(Cost(400, 4000, 900), seen(*[400] * 200)).long_us == pytest.approx(1125, abs=20)
    assert refined(Cost(400, 4000), seen(*[400] * 200)).long_us == 0


def test_fewer_than_a_hundred_runs_say_nothing_of_what_is_typical():
    interrupted = seen(90_000, *[200] * 98)
    cost = refined(Cost(300, 6000), interrupted)
    assert (cost.typical_us, cost.worst_us) == (300, 12_000)


def test_a_single_long_run_keeps_what_is_stored_above_it():
    rare = seen(900, *[100] * 5000)
    stored, costs = Cost(2000, 2000), []
    for _ in range(100):
        stored = refined(stored, rare)
        costs.append(stored.worst_us)
    assert stored.typical_us <= 125 + 7  # an eighth of less is nothing
    assert sorted(costs[:4], reverse=True) == costs[:4]
    assert min(costs) > 900
    assert max(costs[20:]) == 1125


class Clock:
    """A clock that only `step` moves, by the next of some durations in nanoseconds."""

    def __init__(self, durations):
        self._durations = cycle(durations)
        self._now = 10**15
        self.steps = 0

    def __call__(self):
        return self._now

    def step(self):
        self.steps += 1
        self._now += next(self._durations)


def measure(step, progress=None, **options):
    """The cost at the end of a measurement."""
    for measured in measuring(step, **options):
        if progress:
            progress(measured)
    return measured.cost


SLOW = st.lists(st.integers(10**8, 10**10), min_size=1, max_size=20)


@given(SLOW, st.integers(1, 12), st.integers(0, 5))
def test_the_cost_is_that_of_the_longest_run_but_the_first_two(durations, runs, seconds):
    clock = Clock(durations)
    cost = measure(clock.step, runs=runs, seconds=seconds, clock=clock).worst_us
    counted = [-(-ns // 1000) for ns in islice(cycle(durations), 2, clock.steps)]
    longest = max(counted)
    assert longest * 5 <= cost * 4 < longest * 5 + 4
    assert len(counted) >= runs
    assert sum(counted) >= seconds * 10**6
    short = counted[:-1]
    assert len(short) < runs or sum(short) < seconds * 10**6  # and not one run more


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=400))
def test_what_is_typical_is_what_all_but_one_in_a_hundred_take(durations):
    clock = Clock(durations)
    cost = measure(clock.step, runs=len(durations), seconds=0, clock=clock)
    counted = sorted(-(-ns // 1000) for ns in islice(cycle(durations), 2, clock.steps))
    nearly = counted[-(-99 * len(counted) // 100) - 1]
    assert nearly * 5 <= cost.typical_us * 4 <= nearly * 5 * 65 // 64 + 4
    if len(counted) < 100:
        assert cost.typical_us == cost.worst_us


def test_a_core_that_was_taken_away_once_is_no_typical_run():
    clock = Clock([250_000] * 999 + [5_000_000])
    cost = measure(clock.step, runs=1000, seconds=0, clock=clock)
    assert cost.worst_us == 6250
    assert 313 <= cost.typical_us <= 320


def test_a_lone_stall_is_measured_again_and_counts_only_if_it_comes_back():
    """Once in twice as many runs, in the first half or in the second; or in both."""
    calm, stall = [250_000] * 1999, [40_000_000]
    once = 3 + len(calm) // 2
    for where in (once, once + 1000):
        clock = Clock([*calm[:where], *stall, *calm[where:]])
        cost = measure(clock.step, runs=1000, seconds=0, clock=clock)
        assert cost.worst_us < 400
    twice = Clock([*calm[:500], *stall])
    cost = measure(twice.step, runs=1000, seconds=0, clock=twice)
    assert cost.worst_us == 50_000
    assert twice.steps == 2 + 2 * 1000


@pytest.mark.parametrize(("longest_ms", "steps"), [(5, 1000), (6, 2000)])
def test_a_run_that_took_five_times_as_long_as_nearly_all_is_a_stall(longest_ms, steps):
    calm = [1_000_000] * 999
    clock = Clock([*calm, longest_ms * 1_000_000, *calm])
    cost = measure(clock.step, runs=1000, seconds=0, clock=clock)
    assert clock.steps == 2 + steps
    assert cost.worst_us == (1250 if steps == 2000 else 6250)


def test_runs_of_spectral_are_timed_with_two_hops():
    model = live_model(Ensemble("spectral", (Member(SpectralSeparator(48_000), (1.0,) * 4),)))
    wanted = Load("k", "spectral", "exact", 48_000, 2, 0, -1, 300_000)
    told = list(trial.measure(model, wanted))
    long = told[-1].long
    assert long is not None
    # Of sixteen turns one is with the long hop, which has four times as much to do. Each of those
    # is told twice. There are more turns than runs that count: some warm up, a half may be measured
    # again.
    turns = len(told) - long.count
    assert long.count == -(-turns // 16)
    assert turns > told[-1].seen.count
    assert 1.5 * told[-1].seen.percentile(0) < long.percentile(0)
    cost = told[-1].cost
    assert cost.long_us == min(with_margin(long.percentile(990)), LONG * cost.typical_us) > 0


@given(SLOW)
def test_progress_goes_one_way_and_ends(durations):
    clock = Clock(durations)
    told: list[Measured] = []
    cost = measure(clock.step, seconds=20, clock=clock, progress=told.append)
    shares = [one.done_us / one.total_us for one in told]
    assert shares == sorted(shares)
    assert shares[:2] == [0, 0]
    assert shares[-1] == 1 > shares[-2]
    assert told[-1].cost == cost
    assert len(told) == clock.steps


def test_others_may_run_between_two_runs_without_being_counted():
    clock = Clock([10**9] * 99)
    costs = []
    for measured in measuring(clock.step, runs=8, seconds=0, clock=clock):
        costs.append(measured.cost)
        clock._now += 10**12
    assert clock.steps == 10
    assert costs == [Cost(1_250_000, 1_250_000)] * 10


def test_a_clock_that_stands_still_ends_all_the_same():
    assert measure(lambda: None, runs=3, seconds=0.001, clock=lambda: 0) == Cost(2, 2)


def test_real_runs_are_measured():
    calls = []
    cost = measure(lambda: calls.append(sum(range(1000))), seconds=0.01)
    assert cost.worst_us >= cost.typical_us >= 2
    assert len(calls) >= 10


def test_runs_with_less_to_do_only_raise_what_is_stored():
    stored = Cost(700, 2000)
    assert refined(stored, seen(*[300] * 2000), lower=False) == stored
    raised = refined(stored, seen(*[600] * 2000, 3000), lower=False)
    assert raised.typical_us >= 750
    assert raised.worst_us == 3750


def test_a_stall_of_a_run_with_a_long_hop_counts_for_no_more_than_in_proportion():
    cost = Measured(1, 1, seen(*[400] * 20), seen(900, 60_000_000)).cost
    assert cost.long_us == LONG * cost.typical_us
    assert Measured(1, 1, seen(*[400] * 20), seen(900)).cost.long_us == pytest.approx(1125, abs=20)
