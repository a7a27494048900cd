"""Models behind hosts to choose plans for, each with a plain search over its plans."""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from hypothesis import strategies as st

from bridge.core.choose import Conditions, Wish, choose
from bridge.core.conversion import Conversion
from bridge.core.cost import Cost
from bridge.core.latency import Allowances, latency
from bridge.core.live_plan import LivePlan
from bridge.core.traits import Traits

CONDITIONS = st.builds(
    Conditions,
    block=st.integers(1, 50),
    burst=st.integers(0, 50),
    guard=st.integers(0, 9),
    transport_us=st.integers(0, 2000),
    margin_us=st.integers(0, 2000),
    polling_us=st.integers(0, 1000),
)


@dataclass
class Case:
    """A model behind conversions, with a plain search over its plans as the oracle."""

    host: int
    model: int
    halves: tuple[int, int]
    traits: Traits
    cost: Cost
    conditions: Conditions

    @property
    def conversions(self):
        there = Conversion(self.host, self.model, self.halves[0])
        return there, Conversion(self.model, self.host, self.halves[1])

    def choose(self, **wish):
        there, back = self.conversions
        return choose(there, back, self.traits, self.cost, self.conditions, Wish(**wish))

    def latency(self, plan, allowances):
        return latency(
            plan,
            self.conditions.block,
            burst=self.conditions.burst,
            guard=self.conditions.guard,
            allowance_us=allowances.total_us,
        )

    def worst_us(self, hop):
        """The longest run: what is new is computed hop by hop, or all of a window again."""
        if not self.traits.fixed:
            return self.cost.worst_us
        grids = itertools.count(self.traits.grid, self.traits.grid)
        lasting = (g for g in grids if g * 1_000_000 >= self.cost.typical_us * self.model)
        measured = max(next(lasting), self.traits.measured_hop)
        # Hop and time of what was timed; beyond the last one time goes with the hop.
        points = [(0, self.cost.typical_us), (measured, self.cost.typical_us)]
        if self.cost.long_us and measured == self.traits.measured_hop < self.traits.long_hop:
            low, high = self.cost.typical_us, Fraction(self.cost.typical_us, measured)
            most = ceil(high * self.traits.long_hop)
            points.append((self.traits.long_hop, min(max(low, self.cost.long_us), most)))
        if hop >= points[-1][0]:
            return self.cost.stall_us + ceil(Fraction(points[-1][1] * hop, points[-1][0]))
        (before, less), (after, more) = next(
            pair for pair in itertools.pairwise(points) if hop <= pair[1][0]
        )
        between = less + Fraction((more - less) * (hop - before), after - before)
        return self.cost.stall_us + ceil(between)

    def allowed(self):
        """Of every hop that may be chosen the latency when computing may take a run's worst."""
        ways = self.conditions
        (there, back), ahead, allowed = self.conversions, self.traits.lookahead, {}
        for hop in range(1, self.traits.window - self.traits.past - ahead + 1):
            if hop % self.traits.grid == 0 and hop * 1_000_000 >= self.cost.typical_us * self.model:
                plan = LivePlan(there, back, hop, ahead, self.traits.window)
                worst_us = self.worst_us(hop)
                least = Allowances(worst_us, ways.transport_us, ways.margin_us, ways.polling_us)
                allowed[hop] = self.latency(plan, least)
        return allowed


@st.composite
def cases(draw, *, real=False):
    host = draw(st.sampled_from([8000, 44_100, 48_000, 192_000]) if real else st.integers(1, 60))
    model = draw(st.just(44_100) if real else st.integers(1, 60))
    grid = draw(st.sampled_from([1, 1, 2, 7, 30]))
    edge = draw(st.integers(0, 20))
    lookahead = edge + draw(st.integers(0, 20))
    shortest = grid * draw(st.integers(1, 5))
    past = draw(st.integers(0, 40))
    window = past + lookahead + shortest + draw(st.integers(0, 150))
    halves = draw(st.tuples(st.integers(0, 20), st.integers(0, 20)))
    typical_us = draw(st.integers(1, max(1, shortest * 1_000_000 // model)))
    stall_us = draw(st.just(0) | st.integers(0, 3 * typical_us))
    long_us = draw(st.just(0) | st.integers(0, 5 * typical_us))
    return Case(
        host,
        model,
        halves,
        Traits(grid, lookahead, edge, window, past, draw(st.booleans())),
        Cost(typical_us, typical_us + stall_us, long_us),
        draw(CONDITIONS),
    )


def _same(cost_us):
    return Cost(cost_us, cost_us)


ALL = cases() | cases(real=True)

EASY = Conditions(1, 0, 0, 0, 0, 0)
# Hops that share the model's factors may save a frame: here 3 against 2, and 21 against 12.
THIRDS = Case(1, 3, (0, 2), Traits(1, 0, 0, 40, 0, fixed=False), _same(2_000_000 // 3), EASY)
SEVENTHS = Case(10, 21, (0, 20), Traits(1, 5, 0, 90, 0, fixed=False), _same(12_000_000 // 21), EASY)


# Networks at 44.1 kHz on a device that takes 2 s for a run, behind a host at 48 kHz.
NETWORK = Case(
    48_000,
    44_100,
    (97, 89),
    Traits(grid=1, lookahead=4096, edge=0, window=343_980, past=42_997, fixed=False),
    _same(2_000_000),
    Conditions(512, 1024, 64, 500, 2000, 1000),
)
SPECTRAL = Case(
    48_000,
    48_000,
    (0, 0),
    Traits(grid=540, lookahead=1080, edge=1080, window=144_720, past=109_080, fixed=True),
    _same(5000),
    Conditions(128, 256, 64, 500, 2000, 1000),
)
