"""The one latency function: how long after a host frame the same frame of the stems is due.

docs/LATENCY.md derives it step by step. It is a maximum over all runs of a stream, and small
enough to be written again in other languages: `tests/vectors/latency.json` ties them together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from bridge.core.live_plan import LivePlan
from bridge.core.rates import RateMap

MICROSECONDS = 1_000_000
"""In one second: allowances are told in them, so that they hold at every host rate."""


@dataclass(frozen=True, slots=True)
class Allowances:
    """Time that may pass from a run's last input frame to its stems being there, in microseconds.

    Attributes
    ----------
    compute_us: from the worker having the input to its having the stems.
    transport_us: both ways between host and worker.
    margin_us: the operating system's scheduling.
    polling_us: a thread that looks for work in steps rather than being woken.

    Raises ValueError for a negative one.
    """

    compute_us: int
    transport_us: int
    margin_us: int
    polling_us: int

    def __post_init__(self) -> None:
        if min(self.compute_us, self.transport_us, self.margin_us, self.polling_us) < 0:
            raise ValueError(f"{self} has a negative time; use 0 µs or more")

    @property
    def total_us(self) -> int:
        """All of it, in microseconds."""
        return self.compute_us + self.transport_us + self.margin_us + self.polling_us


def latency(
    plan: LivePlan, block: int, *, burst: int, guard: int, allowance_us: int, effects: int = 0
) -> int:
    """Fewest host frames by which stems must trail the input so that none is ever late.

    `block` is the most frames that the host hands over in one call (any smaller number may come
    at any time), `burst` how many frames it may run ahead of the clock, `guard` how many frames
    beyond a call's own must be there as well, `effects` how many frames after its own a stem frame
    waits for in what the stems pass through, all in host frames; `allowance_us` is what may pass
    from a run's last input frame to its stems, in microseconds. The result is at least 1.

    Raises ValueError for a block or an allowance below 1, or a burst, guard or effects below 0.
    """
    if block < 1 or min(burst, guard, effects) < 0 or allowance_us < 1:
        raise ValueError(
            f"no latency for blocks of {block}, a burst of {burst}, a guard of {guard} frames, "
            f"effects of {effects} and {allowance_us} µs; use at least 1 frame, 0, 0, 0 and 1 µs"
        )
    allowance = RateMap(MICROSECONDS, plan.incoming.source).frames(allowance_us)
    return _widest_run(plan) + block - 2 + allowance + burst + guard + effects


def _widest_run(plan: LivePlan) -> int:
    """Most host frames from the first stem frame of a run through the last input it needs.

    That is the maximum of `host_needed(j) - host_final(j - 1)` over all runs j. Where the grid of
    hops lies against the host's frames differs from run to run, by multiples of `step` in units
    of one host frame / `model`; the worst that occurs is `offset` away from the worst there is.
    """
    host, model = plan.incoming.source, plan.incoming.target
    common = gcd(host, model)
    host, model = host // common, model // common
    step = gcd(plan.hop, model)
    offset = plan.outgoing.half * host % step
    frames = plan.outgoing.half + plan.hop + plan.lookahead - 1  # at the model's rate
    return (frames * host - offset) // model + plan.incoming.half + 1
