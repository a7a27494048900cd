"""From what a client asks for and what a model can do to a plan that fits beside the others.

Admission counts with what runs typically take, and with one run that takes as long as the worst of
any session: more than one at a time is rare, and many sessions of short runs fit only this way. By
how much that one exceeds a typical one is no part of what blocks, of which only the longest counts:
it comes on top of a run in progress, and of nothing for a session alone, which so fits with a
compute allowance of its worst run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.core.admission import Task, admit, admit_offline
from bridge.core.choose import Conditions, TooShort, Wish, choose
from bridge.core.conversion import Conversion
from bridge.core.demand import schedulable
from bridge.core.latency import MICROSECONDS, Allowances, latency
from bridge.core.live_plan import LivePlan
from bridge.core.rates import RateMap
from bridge.protocol import limits
from bridge.protocol.codes import Code
from bridge.protocol.messages import Configure, SavedPlan
from bridge.protocol.messages_worker import Loaded
from bridge.runtime.session_cost import cost, run_us, task, traits
from bridge.runtime.session_cost import stall_us as stall_of

MARGIN_US = 4000
"""What the operating system's scheduler may take from a thread that could run: three processes in
a row have to be woken for each hop."""

POLLING_US = 1000
"""A plugin's link thread looks for work each millisecond, as its audio thread cannot wake it."""

GUARD_US = 1500
"""How early stems have to arrive: what a fade into a gap takes."""

BURST_BLOCKS = 2
"""Blocks that a host hands over ahead of the clock, unless it is said otherwise."""


CREDIT_SECONDS, CREDIT_BLOCKS = 1, 4
"""Input that may be on its way to a worker: bounds every queue between, and outlasts a hiccup."""

AHEAD = 2
"""Runs beyond the next one whose input a stream takes: see engine/live.py."""

SLOWER = 8
"""A machine may be so many times as slow as the one that a plan was saved on. With shorter hops,
which nobody was ever given, a session that waits would keep its worker busy for good."""

SHORTEST_HOP_US = 5000
"""Each hop costs client, server and worker a message, and none is woken to the millisecond."""

HELD_BYTES = 4 << 30
"""Audio in one worker: 64 sessions of htdemucs at 48 kHz, and no more memory than a GPU has."""


class Refused(Exception):  # noqa: N818 - it is an answer, and no fault
    """A configuration that cannot be had; `code` is that of the ERROR message."""

    def __init__(self, code: str, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.hint = hint


def plan_session(
    wanted: Configure,
    model: Loaded,
    others: Sequence[Task],
    blocking_us: int,
    held: int = 0,
    stall_us: int = 0,
) -> tuple[SavedPlan, int]:
    """The plan for a client and its latency in host frames, beside the live sessions `others`.

    blocking_us: what the longest run of a session that is not live takes typically, 0 without one.
    held, stall_us: bytes that the streams of the other sessions may hold, live or not, and by how
    much one of their runs may exceed a typical one.

    Raises Refused, in words and with numbers, when there is none.
    """
    try:
        if wanted.saved:
            _check(wanted.saved, wanted, model)
        saved = wanted.saved or _choose(wanted, model)
        frames = _latency(saved, wanted.rate, model)
    except TooShort as error:
        raise Refused(Code.LATENCY, str(error)) from None
    except ValueError as error:
        raise Refused(Code.PLAN, str(error)) from None
    longest = limits.DURATION_US // MICROSECONDS
    if frames > longest * wanted.rate:
        text = f"the latency would be {-(-frames // wanted.rate)} s, and {longest} s are the most"
        raise Refused(Code.LATENCY, text, "use smaller blocks, a smaller burst or a shorter hop")
    if (most := held_bytes(saved, wanted)) + held > HELD_BYTES:
        text = (
            f"this session may hold {most >> 20} MB of audio, and others have {held >> 20} of "
            f"{HELD_BYTES >> 20} MB"
        )
        raise Refused(Code.LOAD, text, "use a shorter context, or close a session")
    stall_us = max(stall_us, stall_of(saved, model))
    if wanted.realtime:
        verdict = admit(others, task(saved, model), blocking_us, stall_us)
    else:
        verdict = admit_offline(others, run_us(saved, model), blocking_us, stall_us)
    if not verdict.admitted:
        hint = _way_out(wanted, model, others, (blocking_us, stall_us)) if wanted.realtime else ""
        raise Refused(Code.LOAD, verdict.reason, hint)
    return saved, frames


def _way_out(
    wanted: Configure, model: Loaded, others: Sequence[Task], once: tuple[int, int]
) -> str:
    """Which latency would be let in, in words; empty where there is none.

    An allowance longer by what is lacking takes more than that, as hops get a share of a latency.
    """

    def fits(ms: int) -> bool:
        try:
            plan = _choose(replace(wanted, latency_us=1000 * ms), model)
        except ValueError:
            return False
        return schedulable((*others, task(plan, model)), *once)

    low, high = 0, limits.DURATION_US // 1000
    if wanted.saved or not fits(high):
        return ""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return f"{high} ms would be enough"


def credit(wanted: Configure) -> int:
    """Host frames of input that may be on their way to the worker."""
    return max(CREDIT_SECONDS * wanted.rate, CREDIT_BLOCKS * wanted.block)


def held_bytes(plan: SavedPlan, wanted: Configure) -> int:
    """Most that the epochs of a session hold in their worker.

    Each has twice its window; and, at both rates and with as much room to grow, the input of the
    runs ahead, of a window after a late start, and what credit lets in.
    """
    to_model = RateMap(wanted.rate, plan.model_rate)
    read = plan.window + (1 + AHEAD) * plan.hop + plan.lookahead + to_model.frames(credit(wanted))
    frames = 2 * plan.window + 2 * (read + to_model.inverse.frames(read))
    return limits.EPOCHS * limits.CHANNELS * 4 * frames


def _conversions(rate: int, model: Loaded) -> tuple[Conversion, Conversion]:
    return (
        Conversion(rate, model.model_rate, model.half_in),
        Conversion(model.model_rate, rate, model.half_out),
    )


def _choose(wanted: Configure, model: Loaded) -> SavedPlan:
    burst = BURST_BLOCKS * wanted.block if wanted.burst < 0 else wanted.burst
    guard = RateMap(MICROSECONDS, wanted.rate).frames(GUARD_US)
    conditions = Conditions(
        wanted.block,
        burst,
        guard,
        wanted.transport_us,
        MARGIN_US,
        POLLING_US,
        model.effects,
    )
    wish = Wish(wanted.latency_us, wanted.context, wanted.lookahead)
    there, back = _conversions(wanted.rate, model)
    takes = cost(model)
    slow = replace(
        takes,
        typical_us=max(takes.typical_us, SHORTEST_HOP_US),
        worst_us=max(takes.worst_us, SHORTEST_HOP_US),
    )
    plan, allowances, _ = choose(there, back, traits(model), slow, conditions, wish)
    return SavedPlan(
        plan.hop,
        plan.lookahead,
        plan.window,
        plan.fade,
        model.model_rate,
        allowances.compute_us,
        wanted.transport_us,
        MARGIN_US,
        POLLING_US,
        guard,
        burst,
        wanted.block,
        model.effects,
    )


def _check(saved: SavedPlan, wanted: Configure, model: Loaded) -> None:
    """Raises ValueError for a saved plan that was not chosen for this model, here or elsewhere."""
    if saved.block < wanted.block:
        raise ValueError(
            f"the saved plan is for blocks of at most {saved.block} frames, and {wanted.block} may "
            "come; leave it out"
        )
    if saved.effects < model.effects:
        raise ValueError(
            f"the saved plan waits {saved.effects} frames for effects, and those of this preset "
            f"take {model.effects}; leave it out"
        )
    if saved.model_rate != model.model_rate or saved.hop % model.grid:
        raise ValueError(
            f"the saved plan is for a model at {saved.model_rate} Hz with other hops; leave it out"
        )
    window, lookahead = saved.window, saved.lookahead
    read = (window, lookahead)
    if window > model.window or (model.fixed and read != (model.window, model.lookahead)):
        raise ValueError(
            f"the saved plan has a window of {window} frames and a look-ahead of {lookahead}, and "
            f"this model has {model.window} and {model.lookahead}; leave it out"
        )
    shortest_us = max(model.cost_us, SHORTEST_HOP_US)
    shortest = RateMap(SLOWER * MICROSECONDS, model.model_rate).frames(shortest_us)
    longest = traits(model).longest_hop(window, lookahead)
    if not shortest <= saved.hop <= longest:
        raise ValueError(
            f"the saved plan has hops of {saved.hop} frames, and here {shortest} to {longest} can "
            "be; leave it out"
        )
    most = min(saved.hop, (lookahead - model.edge) // 2)
    if saved.fade > most or saved.compute_us < 1:
        raise ValueError(
            f"the saved plan has a fade of {saved.fade} frames, where {most} can be, and "
            f"{saved.compute_us} us to compute; leave it out"
        )


def _latency(saved: SavedPlan, rate: int, model: Loaded) -> int:
    there, back = _conversions(rate, model)
    plan = LivePlan(there, back, saved.hop, saved.lookahead, saved.window, saved.fade)
    allowances = Allowances(saved.compute_us, saved.transport_us, saved.margin_us, saved.polling_us)
    return latency(
        plan,
        saved.block,
        burst=saved.burst,
        guard=saved.guard,
        allowance_us=allowances.total_us,
        effects=saved.effects,
    )
