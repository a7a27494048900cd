"""The choice of a plan against every plan there is."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.choose import TooShort, Wish
from bridge.core.cost import Cost
from bridge.core.latency import Allowances
from bridge.core.traits import Traits
from tests.core.choices import ALL, NETWORK, SEVENTHS, SPECTRAL, THIRDS, Case


@settings(max_examples=300)
@given(ALL)
@example(THIRDS)
def test_without_a_wish_no_plan_at_all_is_quicker(case):
    plan, allowances, frames = case.choose()
    allowed = case.allowed()
    assert frames == min(allowed.values()) == allowed[plan.hop]
    assert plan.hop == min(hop for hop, latency in allowed.items() if latency == frames)
    assert allowances.compute_us == case.cost.worst_us
    assert case.latency(plan, allowances) == frames


@settings(max_examples=300)
@given(ALL, st.integers(0, 3000) | st.integers(0, 50))
@example(SEVENTHS, 8)
def test_a_wish_is_met_and_shared_between_hop_and_patience(case, over):
    first, _, smallest = case.choose()
    wish_us = -(-(smallest + over) * 1_000_000 // case.host)
    plan, allowances, frames = case.choose(latency_us=wish_us)
    assert case.latency(plan, allowances) == frames == smallest + over
    # The hop is the longest there is that takes no more than its share of what is left over.
    allowed, share = case.allowed(), over * 2 // 3 if case.traits.fixed else over // 2
    assert plan.hop == max(
        hop for hop in allowed if hop >= first.hop and allowed[hop] <= smallest + share
    )
    # Computing has the rest, to the microsecond: one more costs a frame.
    assert allowances.compute_us >= case.worst_us(plan.hop)
    more = replace(allowances, compute_us=allowances.compute_us + 1)
    assert case.latency(plan, more) == frames + 1


@given(ALL)
def test_a_wish_below_the_smallest_names_one_that_works(case):
    _, _, smallest = case.choose()
    wish_us = (smallest * 1_000_000 - 1) // case.host
    if wish_us == 0:
        return  # at rates near 1 MHz; nothing shorter can be wished
    with pytest.raises(TooShort) as refused:
        case.choose(latency_us=wish_us)
    assert refused.value.smallest_frames == smallest
    wish, offer = (
        int(number.replace(".", "")) * 100  # tenths of ms to µs
        for number in re.findall(r"(\d+\.\d) ms", str(refused.value))
    )
    assert wish <= wish_us < wish + 100
    plan, _, frames = case.choose(latency_us=offer)
    assert smallest <= frames <= offer * case.host // 1_000_000
    assert plan.hop in case.allowed()
    if offer > 100:  # or the tenth of a millisecond below is 0, which is no wish
        with pytest.raises(TooShort):
            case.choose(latency_us=offer - 100)


@given(ALL, st.integers(1, 500), st.integers(1, 500))
def test_longer_wishes_never_get_shorter_hops_or_less_latency(case, over, more):
    _, _, smallest = case.choose()
    results = [
        case.choose(latency_us=(smallest + extra) * 1_000_000 // case.host + 1)
        for extra in (over, over + more)
    ]
    assert results[0][0].hop <= results[1][0].hop
    assert results[0][2] <= results[1][2]


@given(ALL, st.sampled_from(["block", "burst", "guard", "transport_us", "margin_us", "polling_us"]))
def test_harder_conditions_never_make_the_smallest_latency_smaller(case, name):
    _, _, easy = case.choose()
    worse = {name: getattr(case.conditions, name) + 7}
    case.conditions = replace(case.conditions, **worse)
    assert case.choose()[2] >= easy


@given(ALL, st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_slower_device_never_makes_the_smallest_latency_smaller(case, more, stall):
    _, _, quick = case.choose()
    case.cost = Cost(case.cost.typical_us + more, case.cost.worst_us + more + stall)
    if case.allowed():
        assert case.choose()[2] >= quick
    else:
        with pytest.raises(ValueError, match="need hops of"):
            case.choose()


@given(ALL, st.integers(0, 60))
def test_fades_take_all_that_can_be_used_of_several_hops_or_the_older_half(case, lookahead):
    edge, window = case.traits.edge, case.traits.window
    case.traits = Traits(1, edge, edge, max(window, edge + lookahead + 60), 0, fixed=False)
    case.cost = Cost(1, 1)
    plan, *_ = case.choose(lookahead=edge + lookahead)
    assert plan.lookahead == edge + lookahead
    newest = plan.reach(0).stop
    usable = plan.read(0).stop - edge
    if lookahead > plan.hop:
        assert newest == usable
    else:
        assert plan.fade == plan.hop or newest + plan.fade <= usable < newest + plan.fade + 2


def test_a_network_gets_a_hop_as_long_as_a_run_takes():
    plan, allowances, frames = NETWORK.choose()
    assert (plan.hop, plan.lookahead, plan.window, plan.fade) == (88_200, 4096, 343_980, 2048)
    assert allowances == Allowances(2_000_000, 500, 2000, 1000)
    assert frames == NETWORK.choose(latency_us=frames * 1_000_000 // 48_000 + 1)[2]


def test_a_run_that_is_seldom_as_long_costs_patience_and_no_hop():
    rare = replace(SPECTRAL, cost=Cost(300, 5000))
    assert rare.choose() == SPECTRAL.choose()
    quick = replace(NETWORK, cost=Cost(1_000_000, 2_000_000))
    plan, allowances, frames = quick.choose()
    assert (plan.hop, allowances.compute_us) == (44_100, 2_000_000)
    assert frames == NETWORK.choose()[2] - 48_000


def test_what_a_wish_leaves_over_is_shared():
    _, _, smallest = NETWORK.choose()
    seconds = smallest // 48_000 + 3
    plan, allowances, frames = NETWORK.choose(latency_us=seconds * 1_000_000)
    assert frames == seconds * 48_000
    half_us = (frames - smallest) * 1_000_000 // 48_000 // 2
    assert plan.hop - 88_200 == pytest.approx(half_us * 44_100 // 1_000_000, abs=2)
    assert allowances.compute_us - 2_000_000 == pytest.approx(half_us, abs=50)


@pytest.mark.parametrize("stall_us", [0, 5000, 15_000])
@pytest.mark.parametrize("latency_us", [80_000, 100_000, 150_000, 250_000])
def test_a_wish_leaves_room_for_as_many_equal_sessions_as_any_other_hop(stall_us, latency_us):
    """But for steps of the grid: sessions that share a device, whose server is as busy as it."""
    case = replace(SPECTRAL, cost=Cost(900, 900 + stall_us, 1800))

    def fitting(hop, allowance_us):
        cost_us = case.traits.run_us(hop, case.cost, case.model)
        return min(hop * 1_000_000 // case.model // 2, allowance_us - stall_us) // cost_us

    plan, allowances, _ = case.choose(latency_us=latency_us)
    left_us = plan.hop * 1_000_000 // case.model + allowances.compute_us
    hops = range(case.traits.grid, 20 * case.traits.grid, case.traits.grid)
    most = max(fitting(hop, left_us - hop * 1_000_000 // case.model) for hop in hops)
    assert fitting(plan.hop, allowances.compute_us) >= 0.9 * most


def test_spectral_steps_along_its_grid_and_never_fades():
    plan, allowances, smallest = SPECTRAL.choose()
    assert (plan.hop, plan.fade, allowances.compute_us) == (540, 0, 5000)
    # Runs were measured with two steps, and each further one asks for half of that again.
    for over, hop in ((809, 540), (810, 1080), (1799, 1080), (1800, 1620), (10_000, 540 * 11)):
        plan, _, frames = SPECTRAL.choose(latency_us=(smallest + over) * 1_000_000 // 48_000 + 1)
        assert (plan.hop, frames) == (hop, smallest + over)


def test_a_hop_ends_where_the_window_does():
    plan, allowances, frames = NETWORK.choose(latency_us=60_000_000)
    assert (plan.hop, frames) == (343_980 - 4096 - 42_997, 60 * 48_000)
    assert allowances.compute_us > 50_000_000
    plan, *_ = NETWORK.choose(latency_us=60_000_000, context=110_000, lookahead=2000)
    past = 42_997 * 110_000 // 343_980  # as much of the window as of a full one
    assert (plan.hop, plan.lookahead, plan.window) == (108_000 - past, 2000, 110_000)
    plan, *_ = SPECTRAL.choose(latency_us=60_000_000)
    assert (plan.hop, plan.window) == (64 * 540, 144_720)


@pytest.mark.parametrize(
    ("case", "wish", "words"),
    [
        (NETWORK, {"context": 343_981}, "window of 343981 frames at 44100 Hz.*at most 343980"),
        (NETWORK, {"context": 105_479}, "runs of 2000 ms need hops of 88200 .* window of 105479"),
        (NETWORK, {"lookahead": 300_000}, "look-ahead of 300000 and .* not hold.*shorten"),
        (SPECTRAL, {"context": 144_720}, "always reads the same past.* 144720 .*context at 0"),
        (SPECTRAL, {"lookahead": 1079}, "look-ahead of 1079 frames at 48000 .*use exactly 1080"),
        (SPECTRAL, {"lookahead": 1620}, "look-ahead of 1620 .*use exactly 1080"),
        (
            Case(3, 2, (0, 0), Traits(1, 9, 5, 20, 0, fixed=False), Cost(1, 1), NETWORK.conditions),
            {"lookahead": 4},
            "look-ahead of 4 frames.*use 5 or more, such as its own 9",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(case, wish, words):
    with pytest.raises(ValueError, match=words) as refused:
        case.choose(**wish)
    assert "\n" not in str(refused.value)
    assert not isinstance(refused.value, TooShort)


def test_the_edges_of_what_fits_are_taken():
    plan, *_ = NETWORK.choose(context=105_480)
    assert (plan.window, plan.hop) == (105_480, 88_200)
    assert NETWORK.choose(lookahead=0)[0].fade == 0
    assert SPECTRAL.choose(lookahead=1080) == SPECTRAL.choose()


def test_a_refusal_for_latency_says_what_to_ask_for():
    with pytest.raises(TooShort, match=r"of 20\.0 ms is too short.*smallest possible is 51\.6 ms"):
        SPECTRAL.choose(latency_us=20_000)


@pytest.mark.parametrize("values", [{"latency_us": -1}, {"context": -1}, {"lookahead": -2}])
def test_less_than_nothing_cannot_be_wished(values):
    with pytest.raises(ValueError, match="use 0 or more"):
        Wish(**values)


@pytest.mark.parametrize(
    "values",
    [
        (0, 0, 0, 9, 0, False),
        (1, 2, 3, 9, 0, False),
        (1, 9, 0, 9, 0, False),
        (3, 7, 0, 9, 0, False),
        (1, 2, -1, 9, 0, False),
        (1, -1, -1, 9, 0, False),
        (1, 2, 0, 9, 7, False),
        (1, 2, 0, 9, -1, False),
    ],
)
def test_traits_that_contradict_each_other_are_refused(values):
    with pytest.raises(ValueError, match="does not fit together"):
        Traits(*values)


@pytest.mark.parametrize("times", [(0, 0), (0, 5), (-1, 5), (6, 5)])
def test_a_run_takes_time_and_at_worst_no_less(times):
    with pytest.raises(ValueError, match=r"cannot take .* measure it again"):
        Cost(*times)
    assert Cost(5, 5).stall_us == 0
    assert Cost(1, 5).stall_us == 4
    with pytest.raises(ValueError, match="measure it again"):
        Cost(1, 1, -1)
