"""Which latency a plan has on this device, from how long its runs took in a study."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bridge.core.choose import Conditions, Wish, choose
from bridge.core.conversion import Conversion
from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.core.latency import MICROSECONDS
from bridge.core.live_plan import LivePlan
from bridge.core.rates import RateMap
from bridge.core.study import Case
from bridge.core.traits import Traits
from bridge.engine.base import Audio
from bridge.runtime.measuring import with_margin
from bridge.runtime.planning import BURST_BLOCKS, GUARD_US, MARGIN_US, POLLING_US, SHORTEST_HOP_US
from bridge.runtime.session_cost import beside_others

BLOCK = 512
"""Frames of the host's largest block."""

TRANSPORT_US = 1000
"""Both ways between a host and a sidecar on one machine."""


class Latencies:
    """Latencies for a host at the model's rate that hands over blocks of `BLOCK`.

    shares: whether the device does other things as well, as a CPU does.
    """

    def __init__(self, traits: Traits, rate: int, *, shares: bool) -> None:
        self._traits, self._rate, self._shares = traits, rate, shares
        self._same = Conversion(rate, rate)
        guard = RateMap(MICROSECONDS, rate).frames(GUARD_US)
        self._conditions = Conditions(
            BLOCK, BURST_BLOCKS * BLOCK, guard, TRANSPORT_US, MARGIN_US, POLLING_US
        )
        self._seen: dict[int, Durations] = {}

    def timed(self, window: int, run: Callable[[Any], Audio]) -> Callable[[Any], Audio]:
        """The same `run`, of windows of so many frames; what it takes is remembered.

        The first one is not: it warms up.
        """
        seen = self._seen.setdefault(window, Durations())
        warm = False

        def run_timed(context: Any) -> Audio:
            nonlocal warm
            began = time.perf_counter_ns()
            stems = run(context)
            if warm:
                seen.add(-(-(time.perf_counter_ns() - began) // 1000))
            warm = True
            return stems

        return run_timed

    def cost(self, window: int) -> Cost | None:
        """What a session would count with: times as `measuring` has them; None without any."""
        seen = self._seen.get(window)
        if seen is None or not seen.max:
            return None
        cost = Cost(with_margin(seen.percentile(990)), with_margin(seen.max))
        cost = beside_others(cost) if self._shares else cost
        return Cost(
            *(max(time_us, SHORTEST_HOP_US) for time_us in (cost.typical_us, cost.worst_us))
        )

    def of(self, case: Case) -> float | None:
        """Latency of this plan in ms; None where runs take longer than its hop lasts."""
        cost = self.cost(case.window)
        if cost is None or self._traits.lasting(cost.typical_us, self._rate) > case.hop:
            return None
        plan = LivePlan(self._same, self._same, case.hop, case.lookahead, case.window, case.fade)
        return self._ms(self._conditions.latency(plan, self._conditions.allowances(cost.worst_us)))

    def smallest(self, window: int, lookahead: int) -> float | None:
        """Smallest latency in ms with the hop that suits this device; None where none does."""
        cost = self.cost(window)
        if cost is None:
            return None
        wish = Wish(0, window, lookahead)
        try:
            _, _, frames = choose(
                self._same, self._same, self._traits, cost, self._conditions, wish
            )
        except ValueError:
            return None  # the window does not hold a hop as long as a run
        return self._ms(frames)

    def _ms(self, frames: int) -> float:
        return 1000 * frames / self._rate
