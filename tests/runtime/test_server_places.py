"""Where sessions go, against the rule in words: fill the first in part, then the least busy one."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.protocol.messages_worker import Load
from bridge.protocol.session import ServerSession
from bridge.runtime.planning import Refused
from bridge.runtime.server_grants import grant
from bridge.runtime.server_places import ROOMY, best_place, check_share, known, tasks
from bridge.runtime.server_session import Session
from bridge.runtime.workers import KINDS, kind_of, names
from tests.runtime.test_planning import hop_by_hop, network, wanted

LOAD = Load("k", "spectral", "exact", 48_000, 2, 0, -1, 0, "")


def session(token=1):
    return Session("test", b"", 0, ServerSession(), token)


def busy(sessions, worker):
    """For what share of its time a worker has promised to work, by what its sessions were told."""
    plans = [g for s in sessions for g in s.granted.values() if g.worker == worker]
    return sum(g.task.cost_us / g.task.period_us for g in plans if g.task)


def waiting(sessions, worker):
    """How many sessions there have no deadlines, and take what is left."""
    plans = [g for s in sessions for g in s.granted.values() if g.worker == worker]
    return sum(not g.wanted.realtime for g in plans)


def all_of(workers):
    return dict.fromkeys(workers, True)


def granted(one, worker, request, cost_us=4500):
    wish = replace(wanted(latency_us=0), request=request)
    one.grant(grant([], one, worker, LOAD, wish, hop_by_hop(cost_us=cost_us)))


def test_a_session_stays_where_it_is_while_there_is_room():
    one = session()
    granted(one, "spectral-2", 1)
    for workers in (["spectral", "spectral-2"], ["spectral-2", "spectral"]):
        assert best_place([one], one, all_of(workers)) == "spectral-2"


def test_a_worker_that_died_is_asked_last():
    assert best_place([], session(), {"spectral": False, "spectral-2": True}) == "spectral-2"
    assert best_place([], session(), {"spectral": False, "spectral-2": False}) == "spectral"


def test_a_session_counts_once_whichever_workers_it_has_plans_in():
    one, other = session(), session(2)
    granted(one, "spectral", 1)
    granted(one, "spectral-2", 2)
    granted(other, "spectral", 1)
    share = busy([other], "spectral")
    assert 2 * share <= 1 < 3 * share
    check_share([one], other, other.granted[1], ["spectral", "spectral-2"], 2)


@given(
    st.lists(st.tuples(st.integers(100, 4000), st.booleans()), max_size=40),
    st.integers(1, 4),
)
def test_each_goes_to_the_first_that_is_roomy_or_else_to_the_least_busy(asked, count):
    workers = [name for name in names(count) if name.startswith("spectral")]
    assert len(workers) == count
    sessions: list[Session] = []
    for number, (cost_us, live) in enumerate(asked, 1):
        newcomer = session(number)
        place = best_place(sessions, newcomer, all_of(workers))
        loads = [busy(sessions, worker) + waiting(sessions, worker) for worker in workers]
        roomy = [worker for worker, load in zip(workers, loads, strict=True) if load <= ROOMY]
        least = workers[loads.index(min(loads))]
        assert place == (roomy[0] if roomy else least)
        wish = replace(wanted(realtime=live, latency_us=300_000), request=number)
        with_room = hop_by_hop(cost_us=cost_us)
        try:
            newcomer.grant(grant(sessions, newcomer, place, LOAD, wish, with_room))
        except Refused:
            continue
        sessions.append(newcomer)


def test_a_session_that_asks_again_does_not_count_itself():
    asking = session()
    for request in (1, 2):
        wish = replace(wanted(latency_us=0), request=request)
        granted = grant([asking], asking, "spectral", LOAD, wish, hop_by_hop(cost_us=9000))
        asking.grant(granted)
    both = all_of(["spectral", "spectral-2"])
    assert best_place([asking], asking, both) == "spectral"
    assert best_place([asking], session(2), both) == "spectral-2"
    # It plays one of the two at a time.
    assert len(tasks(known([asking], session(2), "spectral"))) == 1


@given(st.lists(st.integers(100, 9000), min_size=1, max_size=30), st.integers(1, 16))
@example(30 * [9000], 2)
@example(30 * [9000], 3)
@example(30 * [9000], 4)
def test_together_they_leave_half_of_the_cores_to_others(asked, cores):
    workers = [name for name in names(cores) if name.startswith("spectral")]
    sessions: list[Session] = []
    for number, cost_us in enumerate(asked, 1):
        newcomer = session(number)
        place = best_place(sessions, newcomer, all_of(workers))
        wish = replace(wanted(latency_us=150_000), request=number)
        try:
            granted = grant(sessions, newcomer, place, LOAD, wish, hop_by_hop(cost_us=cost_us))
        except Refused:
            continue
        before = sum(busy([other], worker) for other in sessions for worker in workers)
        newcomer.grant(granted)
        after = before + busy([newcomer], place)
        if cores == 1 or after <= max(1, cores / 2):
            check_share(sessions, newcomer, granted, workers, cores)
            sessions.append(newcomer)
            continue
        many = (
            f"{len(sessions)} sessions already need" if sessions[1:] else "1 session already needs"
        )
        said = f"{many} {before:.2f} cores for network, and "
        with pytest.raises(Refused, match=re.escape(f"{said}{after:.2f} with this one")):
            check_share(sessions, newcomer, granted, workers, cores)


@pytest.mark.parametrize("count", [1, 2, 4, 96])
def test_names(count):
    found = names(count)
    assert len(found) == len(set(found)) == len(KINDS) + min(count, 4) - 1
    assert found[: len(KINDS)] == list(KINDS)
    assert {name.partition("-")[0] for name in found} == set(KINDS)
    assert kind_of("spectral") in found


def phases(sessions):
    return [found.granted[1].answer.phase for found in sessions]


def test_sessions_with_hops_as_long_take_turns():
    model = hop_by_hop(cost_us=300)
    sessions: list[Session] = []
    for number in range(1, 6):
        newcomer = session(number)
        worker = ("spectral", "spectral-2")[number % 2]
        newcomer.grant(grant(sessions, newcomer, worker, LOAD, wanted(latency_us=200_000), model))
        sessions.append(newcomer)
    hop = sessions[0].granted[1].answer.plan.hop
    assert hop >= 5 * model.grid
    assert phases(sessions)[0] == 0
    assert len(set(phases(sessions))) == 5
    assert all(at % model.grid == 0 <= at < hop for at in phases(sessions))
    # They play these plans, and are all given longer hops at once, as when a host changes its rate.
    for number, one in enumerate(sessions, 1):
        one.begin(number, 1)
    for number, one in enumerate(sessions, 1):
        worker = ("spectral", "spectral-2")[number % 2]
        wish = replace(wanted(latency_us=300_000), request=2)
        one.grant(grant(sessions, one, worker, LOAD, wish, model))
    assert len({one.granted[2].answer.phase for one in sessions}) == 5
    # It does not count itself, nor those whose hops are others.
    again = grant(sessions, sessions[0], "spectral-2", LOAD, wanted(latency_us=300_000), model)
    assert again.answer.phase not in {one.granted[2].answer.phase for one in sessions[1:]}
    shorter = grant(sessions, session(9), "spectral", LOAD, wanted(latency_us=200_000), model)
    assert shorter.answer.plan.hop == hop != again.answer.plan.hop
    assert shorter.answer.phase == 0


@pytest.mark.parametrize("model", [network(), replace(hop_by_hop(), model_rate=44_100)])
def test_where_a_phase_would_change_the_stems_there_is_none(model):
    sessions: list[Session] = []
    for number in range(1, 4):
        newcomer = session(number)
        asked = wanted(latency_us=30_000_000)
        newcomer.grant(grant(sessions, newcomer, "networks", LOAD, asked, model))
        sessions.append(newcomer)
    assert phases(sessions) == [0, 0, 0]
