"""What a model says of its windows, and of how the time of a run grows with the hop."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.latency import MICROSECONDS
from bridge.core.rates import RateMap


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

    def run_us(self, hop: int, typical_us: int, rate: int) -> int:
        """What a run with this hop takes where one with the shortest takes `typical_us`.

        A network computes its window whatever the hop. A model that goes on from hop to hop
        (`fixed`) computes what is new, and something for each run: in proportion to the hop, from
        what was measured on, is never too little. rate: of the model, in frames a second.
        """
        measured = max(self.lasting(typical_us, rate), self.measured_hop)
        if not self.fixed or hop <= measured:
            return typical_us
        return -(-typical_us * hop // measured)

    def lasting(self, time_us: int, rate: int) -> int:
        """The shortest hop on the grid that lasts `time_us` at least."""
        return -(-RateMap(MICROSECONDS, rate).frames(time_us) // self.grid) * self.grid

    def fade(self, hop: int, lookahead: int) -> int:
        """Frames over which a run fades into the next: the `fade` of a live plan.

        All that can be used, where that is more than a hop: the average of several runs is nearer
        to the offline result, and to the truth, than any of them (docs/LATENCY.md). Else half of
        it, as near the newest frames a model guesses what follows.
        """
        room = lookahead - self.edge
        return room if room > hop else min(hop, room // 2)

    def longest_hop(self, window: int, lookahead: int) -> int:
        """Longest hop in a window of `window` frames with this look-ahead; below 1 for none."""
        room = window - lookahead - self.past * window // self.window
        return room // self.grid * self.grid
