"""The latency function against the event simulation: never late, and no frame more than that."""

from dataclasses import replace
from itertools import product
from math import gcd

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.latency import Allowances, latency
from tests.core.latency_simulation import (
    Stream,
    attack,
    can_be_late,
    late_calls,
    regular,
    restless,
)


def stream_of(host, model, **values):
    """A stream walked for a whole period of the two rates after its first, shortened runs."""
    waited = values["outgoing_half"] + -(-values.get("effects", 0) * model // host)
    first, period = waited // values["hop"], model // gcd(host, model)
    return Stream(host, model, **values, runs=first + period + 8)


def latency_of(stream):
    return latency(
        stream.plan,
        stream.block,
        burst=stream.burst,
        guard=stream.guard,
        allowance_us=stream.allowance_us,
        effects=stream.effects,
    )


@st.composite
def small_streams(draw):
    """Streams so small that every state of every host can be visited; rates of a few Hz."""
    host = draw(st.integers(1, 7))
    return stream_of(
        host,
        draw(st.integers(1, 5)),
        hop=draw(st.integers(1, 4)),
        lookahead=draw(st.integers(0, 4)),
        incoming_half=draw(st.integers(0, 4)),
        outgoing_half=draw(st.integers(0, 4)),
        block=draw(st.integers(1, 4)),
        burst=draw(st.integers(0, 2)),
        guard=draw(st.integers(0, 3)),
        effects=draw(st.integers(0, 4)),
        allowance_us=draw(st.integers(1, 3_500_000 // host)),
    )


@st.composite
def real_streams(draw, hops):
    """Streams of real hosts into a model at 44.1 kHz; short hops make a short period."""
    host = draw(st.sampled_from([22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]))
    block = draw(st.sampled_from([1, 16, 64, 441, 512, 1024, 8192]) | st.integers(1, 8192))
    return stream_of(
        host,
        44_100,
        hop=draw(st.integers(*hops)),
        lookahead=draw(st.integers(0, 5000)),
        incoming_half=draw(st.integers(0, 400)),
        outgoing_half=draw(st.integers(0, 100)),
        block=block,
        burst=draw(st.sampled_from([0, 2 * block]) | st.integers(0, 20_000)),
        guard=draw(st.integers(0, 300)),
        effects=draw(st.sampled_from([0, 73]) | st.integers(0, 2000)),
        allowance_us=draw(st.integers(1, 60_000)),
    )


def check_exact(stream):
    """No sequence of calls is late, and one is with one frame less."""
    frames = latency_of(stream)
    assert not can_be_late(stream, frames)
    assert can_be_late(stream, frames - 1)


# A hop of three model frames always lies alike against the host's, and never in the worst way.
EVEN = Stream(1, 3, 3, 0, 0, 1, 2, 1, 1, 2_500_000, runs=12)


@settings(max_examples=60)
@given(small_streams())
@example(EVEN)
def test_no_host_at_all_is_late_and_one_is_with_a_frame_less(stream):
    check_exact(stream)


@settings(max_examples=30)
@given(small_streams())
@example(EVEN)
def test_a_guard_in_time_comes_to_the_same_as_one_in_frames(stream):
    frames = latency_of(stream)
    assert not can_be_late(stream, frames, guard_is_time=True)
    assert can_be_late(stream, frames - 1, guard_is_time=True)


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(1, 1), (3, 2), (2, 3), (1, 2), (2, 1), (5, 4), (4, 7), (9, 5)])
def test_every_small_stream_is_exact(rates):
    names = ("incoming_half", "outgoing_half", "lookahead", "hop", "block", "burst", "guard")
    grid = product(*[(0, 2)] * 3, (1, 2, 3), (1, 3), (0, 1), (0, 1))
    for frames, values in product((1, 3), grid):
        allowance = frames * 1_000_000 // rates[0]
        check_exact(
            stream_of(*rates, **dict(zip(names, values, strict=True)), allowance_us=allowance)
        )


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(160, 147), (147, 160), (320, 147), (80, 147)])
def test_the_ratios_of_real_rates_are_exact(rates):
    shape = {"lookahead": 5, "incoming_half": 3, "outgoing_half": 2}
    calls = {"block": 3, "burst": 1, "guard": 1, "allowance_us": 2_000_000 // rates[0]}
    for hop in (7, 10):
        check_exact(stream_of(rates[0], rates[1], hop=hop, **shape, **calls))


def check_hosts(stream, seed):
    """None of many hosts is late, nor one that means it, who is with one frame less."""
    frames = latency_of(stream)
    blocks = {1, stream.block, (stream.block + 1) // 2}
    for host in (
        *(regular(stream, frames, block) for block in blocks),
        restless(stream, frames, seed),
    ):
        assert late_calls(stream, frames, host) == 0
    runs = range(stream.givers[-1])
    worst = stream.worst_run()
    for attacked in (runs, runs[1::2], [worst]):
        assert late_calls(stream, frames, attack(stream, frames, attacked)) == 0
    assert late_calls(stream, frames - 1, attack(stream, frames - 1, [worst])) == 1


SPECTRAL = Stream(48_000, 48_000, 540, 1080, 0, 0, 128, 256, 64, 10_000, runs=40)
ALIKE = Stream(48_000, 44_100, 882, 4096, 97, 89, 512, 1024, 64, 50_000, runs=40)  # 6 times 147


@settings(max_examples=25)
@given(real_streams((1, 200)), st.integers(0, 2**32))
@example(SPECTRAL, 0)
@example(ALIKE, 0)
def test_real_hosts_are_never_late_and_one_is_with_a_frame_less(stream, seed):
    check_hosts(stream, seed)


@pytest.mark.slow
@settings(max_examples=40)
@given(real_streams((200, 3000)), st.integers(0, 2**32))
def test_real_hosts_and_longer_hops(stream, seed):
    check_hosts(stream, seed)


@pytest.mark.slow
@pytest.mark.parametrize("host", [44_056, 47_952, 44_101])
def test_odd_rates_whose_period_is_long(host):
    shape = {"hop": 2, "lookahead": 31, "incoming_half": 90, "outgoing_half": 89}
    calls = {"block": 100, "burst": 200, "guard": 16, "allowance_us": 1234}
    check_hosts(stream_of(host, 44_100, **shape, **calls), 0)


@pytest.mark.parametrize("host", [44_100, 48_000, 96_000, 8_000, 44_056, 11_025])
@given(
    hop=st.integers(1, 400_000) | st.sampled_from([441, 882, 44_100, 147_000]),
    lookahead=st.integers(0, 20_000),
    halves=st.tuples(st.integers(0, 500), st.integers(0, 500)),
    data=st.data(),
)
@settings(max_examples=8)
def test_long_hops_keep_the_bound_in_every_run(host, hop, lookahead, halves, data):
    shape = {"hop": hop, "lookahead": lookahead}
    calls = {"block": 1, "burst": 0, "guard": 0, "allowance_us": 1}
    taps = {"incoming_half": halves[0], "outgoing_half": halves[1]}
    plan = stream_of(host, 44_100, **shape, **taps, **calls).plan
    period = 44_100 // gcd(host, 44_100) // gcd(hop, 44_100 // gcd(host, 44_100))
    start = data.draw(st.integers(-(-halves[1] // hop), 10**6))
    widths = [
        plan.host_needed(run) - plan.host_final(run - 1) for run in range(start, start + period)
    ]
    assert latency(plan, 1, burst=0, guard=0, allowance_us=1) == max(widths)


@given(small_streams() | real_streams((1, 200)), st.integers(1, 10_000))
def test_block_burst_guard_and_effects_count_frame_by_frame(stream, more):
    frames = latency_of(stream)
    assert frames >= 1
    for name in ("block", "burst", "guard", "effects"):
        longer = replace(stream, **{name: getattr(stream, name) + more})
        assert latency_of(longer) == frames + more


@given(real_streams((1, 200)), st.integers(1, 10**6))
def test_an_allowance_counts_in_frames_that_are_begun(stream, frames):
    least = latency_of(replace(stream, allowance_us=1))
    most_us = frames * 1_000_000 // stream.host  # that `frames` frames last
    assert latency_of(replace(stream, allowance_us=most_us)) == least + frames - 1
    assert latency_of(replace(stream, allowance_us=most_us + 1)) == least + frames


def test_fades_and_past_context_cost_nothing():
    plan = SPECTRAL.plan
    wide = replace(plan, window=plan.window + 100_000, fade=500)
    values = {"burst": 0, "guard": 0, "allowance_us": 1}
    assert latency(wide, 64, **values) == latency(plan, 64, **values)


@pytest.mark.parametrize(
    ("block", "values"),
    [
        (0, {"burst": 0, "guard": 0, "allowance_us": 1}),
        (1, {"burst": -1, "guard": 0, "allowance_us": 1}),
        (1, {"burst": 0, "guard": -1, "allowance_us": 1}),
        (1, {"burst": 0, "guard": 0, "allowance_us": 0}),
        (1, {"burst": 0, "guard": 0, "allowance_us": 1, "effects": -1}),
    ],
)
def test_what_no_host_and_no_run_can_do_is_refused(block, values):
    with pytest.raises(ValueError, match=f"blocks of {block}.*use at least 1 frame"):
        latency(SPECTRAL.plan, block, **values)


def test_allowances_add_up_and_are_not_negative():
    assert Allowances(1, 20, 300, 4000).total_us == 4321
    assert Allowances(0, 0, 0, 0).total_us == 0
    for place in range(4):
        values = [0, 0, 0, 0]
        values[place] = -1
        with pytest.raises(ValueError, match=r"-1.*use 0 µs or more"):
            Allowances(*values)
