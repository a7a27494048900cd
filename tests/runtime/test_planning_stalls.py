"""Sessions whose runs are short but for a rare one, next to each other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.runtime.planning import SHORTEST_HOP_US, Refused, plan_session
from bridge.runtime.session_cost import task
from tests.runtime.test_planning import hop_by_hop, network, wanted

QUICK = replace(hop_by_hop(cost_us=300), worst_us=6000)
STALL_US = 5700


def compute(saved, compute_us):
    return replace(saved, compute_us=compute_us)


@given(st.integers(1, 1_000_000), st.integers(0, 1_000_000))
def test_the_smallest_plan_is_let_in_alone(cost_us, stall_us):
    model = network(cost_us=cost_us, worst_us=cost_us + stall_us)
    saved, _ = plan_session(wanted(), model, (), 0)
    assert saved.compute_us == max(cost_us + stall_us, SHORTEST_HOP_US)
    assert saved.hop * 1_000_000 >= cost_us * model.model_rate


def test_sixteen_sessions_with_a_rare_long_run_are_let_in():
    smallest, _ = plan_session(wanted(), QUICK, (), 0)
    saved = compute(smallest, 20_000)
    assert (saved.hop * 1_000_000 // saved.model_rate, smallest.compute_us) == (11_250, 6000)
    others = [task(saved, QUICK)] * 15
    assert plan_session(wanted(saved=saved), QUICK, others, 0, 0, STALL_US)[0] == saved
    honest = replace(QUICK, cost_us=1000)
    with pytest.raises(Refused, match="together too much"):
        plan_session(wanted(saved=saved), honest, [task(saved, honest)] * 15, 0, 0, STALL_US)


def test_the_stall_of_another_session_counts_for_a_newcomer_without_one():
    steady = hop_by_hop(cost_us=300)
    smallest, _ = plan_session(wanted(), steady, (), 0)
    others = [task(compute(smallest, 20_000), steady)]
    with pytest.raises(Refused, match=r"its run may take 6\.3 ms.*but has 1.0 ms"):
        plan_session(wanted(saved=compute(smallest, 1000)), steady, others, 0, 0, STALL_US)
    patient = compute(smallest, 2 * 300 + STALL_US)
    plan_session(wanted(saved=patient), steady, others, 0, 0, STALL_US)


def test_a_run_that_is_not_live_may_be_in_progress_and_stall():
    smallest, _ = plan_session(wanted(), QUICK, (), 0)
    for compute_us, fits in ((8999 + 6000, True), (8998 + 6000, False)):
        wish = wanted(saved=compute(smallest, compute_us))
        if fits:
            plan_session(wish, QUICK, (), 9000)
        else:
            with pytest.raises(Refused, match="at least 1 ms longer"):
                plan_session(wish, QUICK, (), 9000)
