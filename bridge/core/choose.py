"""The choice of a live plan from what a model can do and what a user wishes.

The time that a wish leaves over the smallest latency buys two things: a longer hop, so that the
device is busy less of the time, and a longer compute allowance, so that a run may wait its turn.
Of equal sessions a device has time for as many as there are runs in a hop, and keeps the promises
to as many as there are runs in an allowance: most fit where both have the same. Where a run is so
short that the messages of a hop take as long elsewhere, most fit where the hop has twice as much.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.conversion import Conversion
from bridge.core.cost import Cost
from bridge.core.latency import MICROSECONDS, Allowances, latency
from bridge.core.live_plan import LivePlan
from bridge.core.rates import RateMap
from bridge.core.traits import Traits


@dataclass(frozen=True, slots=True)
class Conditions:
    """What latency depends on besides the model: the host, and the way there and back.

    `block`, `burst`, `guard` and `effects` are in host frames, the others in microseconds; see
    `latency.latency` and `latency.Allowances`, which refuse what is out of range.
    """

    block: int
    burst: int
    guard: int
    transport_us: int
    margin_us: int
    polling_us: int
    effects: int = 0

    def allowances(self, compute_us: int) -> Allowances:
        """All allowances together with that for computing."""
        return Allowances(compute_us, self.transport_us, self.margin_us, self.polling_us)

    def latency(self, plan: LivePlan, allowances: Allowances) -> int:
        """Host frames by which the stems of `plan` trail the input under these conditions."""
        return latency(
            plan,
            self.block,
            burst=self.burst,
            guard=self.guard,
            allowance_us=allowances.total_us,
            effects=self.effects,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for; the defaults leave everything to the model.

    Attributes
    ----------
    latency_us: the latency to come near to, in microseconds; 0 is the smallest possible.
    context: the window's length in model frames; 0 is the full window.
    lookahead: frames after a hop that a run reads, in model frames; -1 is the model's own number.

    Raises ValueError for numbers below these.
    """

    latency_us: int = 0
    context: int = 0
    lookahead: int = -1

    def __post_init__(self) -> None:
        if self.latency_us < 0 or self.context < 0 or self.lookahead < -1:
            raise ValueError(
                f"{self} is below what can be wished; use 0 or more, or -1 for the model's own "
                "look-ahead"
            )


class TooShort(ValueError):  # noqa: N818 - the name says which error it is
    """A wished latency below the smallest possible one, `smallest_frames` host frames."""

    def __init__(self, wish_us: int, smallest_frames: int, rate: int) -> None:
        self.smallest_frames = smallest_frames
        # Tenths of a millisecond, rounded so that asking for the number in the message works.
        wish, smallest = wish_us // 100, RateMap(rate, 10_000).frames(smallest_frames)
        super().__init__(
            f"a latency of {wish // 10}.{wish % 10} ms is too short for this model on this "
            f"device; the smallest possible is {smallest // 10}.{smallest % 10} ms: ask for that "
            "or more, or for auto"
        )


def choose(
    incoming: Conversion,
    outgoing: Conversion,
    traits: Traits,
    cost: Cost,
    conditions: Conditions,
    wish: Wish,
) -> tuple[LivePlan, Allowances, int]:
    """The plan, its allowances and its latency in host frames.

    `incoming` and `outgoing` lead from the host's rate to the model's and back. A hop lasts at
    least as long as runs typically take, so that they keep up; the compute allowance lasts at
    least as long as the worst one, which delays those after it for as long as there is time left.

    Without a wished latency it is the smallest that any such plan has. Otherwise it is the wished
    one, rounded down to frames (at host rates up to 1 MHz): of what that has over the smallest,
    the hop takes what it can of a half, or of two thirds if the model is `fixed`, on the grid,
    within the window and with the time that its own longer runs need; the compute allowance takes
    everything else.

    Raises TooShort for a wished latency below the smallest, and ValueError for a window or a
    look-ahead that is out of range or does not fit.
    """
    cuts = _cuts(incoming, outgoing, traits, cost, conditions, wish)
    hop = cuts.smallest()
    smallest = cuts.frames(hop)
    if wish.latency_us == 0:
        return cuts.plan(hop), conditions.allowances(cost.worst_us), smallest

    rate = incoming.source
    over = wish.latency_us * rate // MICROSECONDS - smallest
    if over < 0:
        raise TooShort(wish.latency_us, smallest, rate)
    hop = cuts.longest(hop, over * 2 // 3 if traits.fixed else over // 2)
    plan, worst_us = cuts.plan(hop), cuts.worst_us(hop)
    needed_us = conditions.allowances(worst_us).total_us
    left = smallest + over - cuts.frames(hop)
    total = RateMap(MICROSECONDS, rate).frames(needed_us) + left
    more_us = total * MICROSECONDS // rate - needed_us
    allowances = conditions.allowances(worst_us + more_us)
    return plan, allowances, conditions.latency(plan, allowances)


@dataclass(frozen=True, slots=True)
class _Cuts:
    """The plans to choose from: they differ in the hop, and a run has the time of its worst one."""

    incoming: Conversion
    outgoing: Conversion
    hops: range
    lookahead: int
    window: int
    traits: Traits
    cost: Cost
    conditions: Conditions

    def plan(self, hop: int) -> LivePlan:
        fade = self.traits.fade(hop, self.lookahead)
        return LivePlan(self.incoming, self.outgoing, hop, self.lookahead, self.window, fade)

    def worst_us(self, hop: int) -> int:
        """What the longest run with this hop takes."""
        typical_us = self.traits.run_us(hop, self.cost, self.incoming.target)
        return typical_us + self.cost.stall_us

    def frames(self, hop: int) -> int:
        allowances = self.conditions.allowances(self.worst_us(hop))
        return self.conditions.latency(self.plan(hop), allowances)

    def smallest(self) -> int:
        """The hop with the smallest latency; the shortest such."""
        # A hop that meets the host's frames more evenly may gain one frame on a shorter one, which
        # its own frames outweigh as soon as they last one host frame.
        within = self.incoming.target // self.incoming.source
        return min(self.hops[: within // self.hops.step + 1], key=self.frames)

    def longest(self, hop: int, more: int) -> int:
        """The longest hop that costs at most `more` frames of latency more than `hop` does."""
        # Rounding takes less than two host frames, so no longer hop can do.
        within = (more + 2) * self.incoming.target // self.incoming.source
        most = self.frames(hop) + more
        hops = range(hop, min(hop + within + 1, self.hops.stop), self.hops.step)
        return next(hop for hop in reversed(hops) if self.frames(hop) <= most)


def _cuts(
    incoming: Conversion,
    outgoing: Conversion,
    traits: Traits,
    cost: Cost,
    conditions: Conditions,
    wish: Wish,
) -> _Cuts:
    """The plans that `wish` leaves to choose from, at least one. Raises ValueError for none."""
    rate = incoming.target
    window = wish.context or traits.window
    if traits.fixed and wish.context:
        raise ValueError(
            f"this model always reads the same past, so that a window of {window} frames cannot "
            "be wished; leave the context at 0"
        )
    if window > traits.window:
        raise ValueError(
            f"a window of {window} frames at {rate} Hz is longer than what this model reads; "
            f"use at most {traits.window}, or 0 for all of it"
        )
    lookahead = traits.lookahead if wish.lookahead < 0 else wish.lookahead
    if lookahead < traits.edge or (traits.fixed and lookahead != traits.lookahead):
        allowed = "exactly" if traits.fixed else f"{traits.edge} or more, such as its own"
        raise ValueError(
            f"a look-ahead of {lookahead} frames at {rate} Hz does not suit this model; "
            f"use {allowed} {traits.lookahead}"
        )
    longest = traits.longest_hop(window, lookahead)
    shortest = traits.lasting(cost.typical_us, rate)
    if shortest > longest:
        raise ValueError(
            f"runs of {cost.typical_us // 1000} ms need hops of {shortest} frames at {rate} Hz, "
            f"which a window of {window} with a look-ahead of {lookahead} and its past context "
            "does not hold; lengthen the window, shorten the look-ahead or choose a faster model"
        )
    hops = range(shortest, longest + 1, traits.grid)
    return _Cuts(incoming, outgoing, hops, lookahead, window, traits, cost, conditions)
