"""What a model says of its windows, and of how the time of a run grows with the hop."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.cost import Cost
from bridge.core.latency import MICROSECONDS
from bridge.core.rates import RateMap

LONG = 4
"""How many times as long the long hop is that runs are timed with: most hops lie between."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model says of its windows; all in model frames.

    Attributes
    ----------
    grid: a hop is a multiple of this.
    lookahead: the look-ahead unless another one is wished.
    edge: newest frames of a window that cannot be used.
    window: the full window.
    past: past context that a hop is left at least of a full window; a shorter window may leave as
        much less.
    fixed: no other look-ahead can be wished, and no other window.

    Raises ValueError where they contradict each other.
    """

    grid: int
    lookahead: int
    edge: int
    window: int
    past: int
    fixed: bool

    def __post_init__(self) -> None:
        reach = self.past + self.grid + self.lookahead
        if min(self.grid - 1, self.edge, self.past) < 0 or self.lookahead < self.edge:
            raise ValueError(
                f"{self} does not fit together; a grid is at least 1, an edge at most the "
                "look-ahead, and nothing is negative"
            )
        if reach > self.window:
            raise ValueError(
                f"{self} does not fit together; a window holds the past context, one step of the "
                "grid and the look-ahead"
            )

    @property
    def measured_hop(self) -> int:
        """Shortest hop that runs are timed with.

        A model that goes on from hop to hop takes little longer for two at once than for one, and
        sessions that have time to spare are given two.
        """
        return min(2 * self.grid, self.window - self.past - self.lookahead) if self.fixed else 1

    @property
    def long_hop(self) -> int:
        """The other hop that runs of a model that goes on from hop to hop are timed with."""
        longest = (self.window - self.past - self.lookahead) // self.grid * self.grid
        return min(LONG * self.measured_hop, longest)

    def run_us(self, hop: int, cost: Cost, rate: int) -> int:
        """What a run with this hop typically takes. rate: of the model, in frames a second.

        A network computes its window whatever the hop. A model that goes on from hop to hop
        (`fixed`) computes what is new, and something for each run. So between the two hops that
        were timed a run takes what lies between, and beyond them in proportion to the hop, which
        is never too little.
        """
        shortest_us, measured = cost.typical_us, self.measured_hop
        lasting = self.lasting(shortest_us, rate)
        if not self.fixed or hop <= max(measured, lasting):
            return shortest_us
        if lasting > measured or not cost.long_us:
            return -(-shortest_us * hop // max(measured, lasting))
        long = self.long_hop
        long_us = max(shortest_us, min(cost.long_us, -(-shortest_us * long // measured)))
        if hop >= long:
            return -(-long_us * hop // long)
        return shortest_us - (shortest_us - long_us) * (hop - measured) // (long - measured)

    def lasting(self, time_us: int, rate: int) -> int:
        """The shortest hop on the grid that lasts `time_us` at least."""
        return -(-RateMap(MICROSECONDS, rate).frames(time_us) // self.grid) * self.grid

    def longest_hop(self, window: int, lookahead: int) -> int:
        """Longest hop in a window of `window` frames with this look-ahead; below 1 for none."""
        room = window - lookahead - self.past * window // self.window
        return room // self.grid * self.grid
