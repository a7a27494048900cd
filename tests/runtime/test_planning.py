"""Plans for clients: what is asked against what comes out, plans given back, refusals in words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.admission import Task
from bridge.core.cost import Cost
from bridge.core.polyphase import design
from bridge.protocol import limits
from bridge.protocol.fields import Int
from bridge.protocol.messages import SavedPlan
from bridge.protocol.messages_worker import Loaded
from bridge.runtime.planning import (
    HELD_BYTES,
    SHORTEST_HOP_US,
    SLOWER,
    Refused,
    held_bytes,
    plan_session,
)
from bridge.runtime.session_cost import run_us, slower, task
from bridge.runtime.worker_models import with_more
from tests.server.raw import configuring

RATES = (44_100, 48_000, 96_000, 192_000)
MODEL_RATE = 44_100
MINUTE = limits.DURATION_US


def network(rate=48_000, cost_us=900_000, **changes):
    """A model as large as htdemucs."""
    window = 343_980
    model = Loaded(
        key="k",
        grid=1,
        lookahead=4096,
        edge=0,
        window=window,
        past=window // 8,
        fixed=False,
        model_rate=MODEL_RATE,
        half_in=design(rate, MODEL_RATE).half,
        half_out=design(MODEL_RATE, rate).half,
        cost_us=cost_us,
        worst_us=changes.get("worst_us", cost_us),
        sources=("drums", "other"),
        name="network",
        preview=False,
        licence="",
        warnings=(),
        device="cpu",
        batch=1,
    )
    return replace(model, **changes)


def hop_by_hop(rate=48_000, cost_us=700):
    """A model like spectral: its hops lie on a grid, and nothing can be wished."""
    grid = 540
    return network(
        rate,
        cost_us,
        grid=grid,
        lookahead=4 * grid,
        edge=4 * grid,
        window=212 * grid,
        past=200 * grid,
        fixed=True,
        model_rate=rate,
        half_in=0,
        half_out=0,
    )


def wanted(**wishes):
    return configuring(1, **({"realtime": True} | wishes))


def plan(wish, model, others=(), blocking_us=0, held=0):
    return plan_session(wish, model, others, blocking_us, held=held)


@given(
    st.sampled_from(RATES),
    st.integers(1, limits.BLOCK),
    st.integers(0, MINUTE),
    st.integers(1, 3_000_000),
)
def test_the_latency_is_what_was_asked_for_or_refused_in_numbers(rate, block, asked_us, cost_us):
    wish = wanted(rate=rate, block=block, latency_us=asked_us)
    model = network(rate, cost_us)
    try:
        saved, frames = plan(wish, model)
    except Refused as refused:
        found = refused.code
    else:
        found = ""
    if found:
        assert found in (("latency", "plan", "load") if asked_us else ("plan",))
        return
    if asked_us:
        assert frames == asked_us * rate // 1_000_000
    assert saved.compute_us >= cost_us
    assert saved.hop * 1_000_000 >= max(cost_us, SHORTEST_HOP_US) * MODEL_RATE
    again, same = plan(replace(wish, saved=saved, latency_us=1, block=1), model)
    assert (again, same) == (saved, frames)


@pytest.mark.parametrize("model", [network(), hop_by_hop()])
def test_a_plan_that_is_given_back_gives_the_same_on_a_slower_machine(model):
    saved, frames = plan(wanted(latency_us=5_000_000), model)
    slower = replace(model, cost_us=model.cost_us * 3 // 2, worst_us=model.cost_us * 3 // 2)
    assert plan(wanted(saved=saved, realtime=False), slower) == (saved, frames)
    assert plan(wanted(saved=saved), slower) == (saved, frames)


@given(
    st.sampled_from([network(), hop_by_hop()]),
    st.sampled_from([0, 3_000_000, 5_000_000]),
    st.integers(1, 700),
    st.integers(0, 200),
)
def test_an_open_plan_is_given_again_whatever_is_measured_later(model, wish_us, more, stall):
    saved, frames = plan(wanted(latency_us=wish_us), model)
    cost_us = model.cost_us + model.cost_us * more // 100
    found = replace(model, cost_us=cost_us, worst_us=cost_us + model.cost_us * stall // 100)
    assert plan(wanted(saved=saved), found) == (saved, frames)
    warned = slower(saved, found)
    assert bool(warned) >= (cost_us * 4 > 5 * saved.compute_us + 8)
    assert not slower(saved, model)


def test_too_short_a_latency_is_refused_with_one_that_can_be_had():
    model = network()
    with pytest.raises(Refused, match="smallest possible is") as caught:
        plan(wanted(latency_us=100_000), model)
    assert caught.value.code == "latency"
    text = str(caught.value)
    smallest = float(text.split("smallest possible is ")[1].split(" ms", maxsplit=1)[0])
    plan(wanted(latency_us=round(smallest * 1000)), model)
    with pytest.raises(Refused):
        plan(wanted(latency_us=round(smallest * 1000) - 1000), model)


def test_more_than_a_minute_is_refused():
    with pytest.raises(Refused, match=r"would be \d+ s, and 60 s are the most") as caught:
        plan(wanted(burst=limits.SPAN_FRAMES), network())
    assert caught.value.code == "latency"


def test_more_load_than_there_is_is_refused_with_numbers():
    model = network()
    saved, _ = plan(wanted(), model)
    with pytest.raises(Refused, match=r"\d+ %") as caught:
        plan(wanted(), model, [task(saved, model)])
    assert caught.value.code == "load"
    plan(wanted(realtime=False), model, [replace(task(saved, model), deadline_us=1_800_000)])


def test_an_offline_session_whose_runs_would_make_a_live_one_late_is_refused_with_numbers():
    model = network()
    live = [Task(700, 20_000, 20_000)]
    with pytest.raises(Refused, match=r"1 session already .* take 900\.7 ms .* has 20\.0 ms") as no:
        plan(wanted(realtime=False), model, live)
    assert no.value.code == "load"
    plan(wanted(realtime=False), replace(model, cost_us=19_300, worst_us=19_300), live)
    with pytest.raises(Refused, match="close a session"):
        plan(wanted(realtime=False), replace(model, cost_us=19_300, worst_us=19_302), live)


def test_a_long_run_that_cannot_be_interrupted_is_refused_with_numbers():
    with pytest.raises(Refused, match="ms"):
        plan(wanted(), hop_by_hop(), [Task(700, 20_000, 20_000)], blocking_us=10**6)


def test_more_memory_than_there_is_is_refused_with_numbers():
    model = network()
    saved, _ = plan(wanted(), model)
    needed = held_bytes(saved, wanted())
    assert saved.window * 2 * 4 * limits.EPOCHS < needed < HELD_BYTES // limits.CHANNELS
    plan(wanted(), model, held=HELD_BYTES - needed)
    with pytest.raises(Refused, match=rf"hold {needed >> 20} MB .* of 4096 MB") as caught:
        plan(wanted(realtime=False), model, held=HELD_BYTES - needed + 1)
    assert caught.value.code == "load"


def test_64_sessions_of_a_large_network_fit():
    saved, _ = plan(wanted(), network())
    assert 64 * held_bytes(saved, wanted()) <= HELD_BYTES


def test_a_saved_plan_for_smaller_blocks_than_may_come_is_refused():
    model = network()
    saved, _ = plan(wanted(block=512), model)
    plan(wanted(saved=saved, block=512), model)
    with pytest.raises(Refused, match="at most 512 frames, and 513 may come; leave it") as caught:
        plan(wanted(saved=saved, block=513), model)
    assert caught.value.code == "plan"


def test_a_run_of_a_long_hop_counts_as_much_as_the_short_ones_that_it_replaces():
    quick = hop_by_hop()
    short, _ = plan(wanted(), quick)
    assert run_us(short, quick) == quick.cost_us
    assert run_us(replace(short, hop=2 * quick.grid), quick) == quick.cost_us  # measured at two
    long = replace(short, hop=9 * quick.grid)
    assert run_us(long, quick) == -(-9 * quick.cost_us // 2)
    slow = replace(quick, cost_us=24_000, worst_us=24_000)
    assert run_us(long, slow) == 72_000  # measured at three steps
    assert run_us(replace(short, hop=7 * 540), network()) == network().cost_us


def test_between_two_hops_that_were_timed_a_run_takes_what_lies_between():
    quick = replace(hop_by_hop(), long_us=1000)  # 700 with two steps of the grid, 1000 with eight
    short, _ = plan(wanted(), quick)
    taken = [run_us(replace(short, hop=steps * quick.grid), quick) for steps in range(1, 11)]
    assert taken == [700, 700, 750, 800, 850, 900, 950, 1000, 1125, 1250]
    steep = replace(quick, long_us=10_000)  # noise: more than in proportion cannot be
    assert run_us(replace(short, hop=8 * quick.grid), steep) == 2800
    flat = replace(quick, long_us=1)
    assert run_us(replace(short, hop=8 * quick.grid), flat) == 700


def test_effects_take_longer_with_a_long_hop():
    assert with_more(Cost(700, 2000, 1000), 50) == Cost(750, 2050, 1200)
    assert with_more(Cost(700, 2000), 50) == Cost(750, 2050)


@given(st.integers(1, 60_000), st.integers(0, 5_000), st.integers(0, MINUTE))
def test_a_model_without_choices_is_let_in_alone_at_every_latency(cost_us, stall_us, asked_us):
    model = replace(hop_by_hop(cost_us=cost_us), worst_us=cost_us + stall_us)
    try:
        saved, _ = plan(wanted(latency_us=asked_us), model)
    except Refused as refused:
        assert refused.code in ("latency", "plan")  # noqa: PT017 - mostly there is none
    else:
        assert run_us(saved, model) + stall_us <= saved.compute_us


HOSTILE = {
    "hop": (1, 2, limits.SPAN_FRAMES),
    "window": (1, 400_000, limits.SPAN_FRAMES),
    "lookahead": (limits.SPAN_FRAMES, 343_979),
    "fade": (2049, 4096, limits.SPAN_FRAMES),
    "model_rate": (8000, 44_101, 384_000),
    "compute_us": (0,),
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name, values in HOSTILE.items() for value in values]
)
@pytest.mark.parametrize("realtime", [True, False])
def test_a_saved_plan_that_nobody_was_given_is_refused(field, value, realtime):
    model = network()
    saved, _ = plan(wanted(), model)
    changed = replace(saved, **{field: value})
    with pytest.raises(Refused, match="leave it out") as caught:
        plan(wanted(saved=changed, realtime=realtime), model)
    assert caught.value.code == "plan"


@pytest.mark.parametrize(("field", "value"), [("lookahead", 2159), ("window", 1080), ("fade", 1)])
def test_a_model_without_choices_keeps_to_its_plan(field, value):
    saved, _ = plan(wanted(), hop_by_hop())
    with pytest.raises(Refused, match="leave it out"):
        plan(wanted(saved=replace(saved, **{field: value})), hop_by_hop())


def test_hops_off_the_grid_are_refused():
    saved, _ = plan(wanted(), hop_by_hop())
    with pytest.raises(Refused, match="other hops; leave it out"):
        plan(wanted(saved=replace(saved, hop=saved.hop + 1)), hop_by_hop())


def test_a_saved_plan_may_wait_longer_for_effects_than_they_take_and_not_shorter():
    model = replace(hop_by_hop(), effects=240)
    dry, dry_latency = plan(wanted(), hop_by_hop())
    saved, latency = plan(wanted(), model)
    assert saved == replace(dry, effects=240)
    assert latency == dry_latency + 240
    assert plan(wanted(saved=saved), replace(model, effects=230)) == (saved, latency)
    with pytest.raises(Refused, match=r"240 frames for effects.* take 241; leave it out"):
        plan(wanted(saved=saved), replace(model, effects=241))


plans = st.builds(
    SavedPlan,
    **{
        name: st.one_of(st.integers(kind.low, kind.high), st.integers(kind.low, kind.low + 9000))
        for name, kind in SavedPlan.kinds.items()
        if isinstance(kind, Int)
    },
)


@given(plans, st.booleans(), st.sampled_from([network(), hop_by_hop()]))
def test_whatever_plan_comes_it_is_refused_in_words_or_kept(saved, realtime, model):
    saved = replace(saved, model_rate=model.model_rate)
    try:
        kept, frames = plan(wanted(saved=saved, realtime=realtime), model)
    except Refused:
        return
    assert kept == saved
    assert 1 <= frames <= 60 * 48_000
    runs_a_second = model.model_rate / kept.hop
    assert runs_a_second * max(model.cost_us, SHORTEST_HOP_US) <= SLOWER * 1_000_000


@pytest.mark.parametrize("block", [128, 512])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_runs_of_10_ms_make_a_latency_of_at_most_160_ms(rate, block):
    """As GPUs should have: 93 ms of it are look-ahead, and a run counts as hop and as wait."""
    cost_us = 10_000 * 5 // 4  # with the margin of a measurement
    wanted = configuring(7, rate=rate, block=block, transport_us=500, realtime=True)
    saved, frames = plan_session(wanted, network(rate, cost_us, device="cuda"), (), 0)
    assert saved.window == 343_980
    assert 93 + 2 * 12.5 < 1000 * frames / rate <= 160
