"""How a live stream is cut into windows, and which host frames each run needs and gives.

Positions count from the origin of an epoch: host frame 0 and model frame 0 are the same instant.
Run j reads the window that ends at model frame `(j + 1) * hop + lookahead`, and after it the model
frames before `(j + 1) * hop` are final.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.conversion import Conversion
from bridge.core.timeline import Span


@dataclass(frozen=True, slots=True)
class LivePlan:
    """The cut of one stream; hop, lookahead, window and fade are in model frames.

    Attributes
    ----------
    incoming: from the host's rate to the model's; outgoing: back.
    hop: frames that one run emits.
    lookahead: frames after its own that a run reads.
    window: frames that a run reads in all: past context, hop and look-ahead.
    fade: frames after its hop that a run still says something of, and over which it fades into the
        next one. A run must have read them: at most `lookahead`. Where that is more than a hop,
        more than two runs meet in a frame, and are averaged: see `window.joining`.

    Raises ValueError for a plan that cannot work.
    """

    incoming: Conversion
    outgoing: Conversion
    hop: int
    lookahead: int
    window: int
    fade: int = 0

    def __post_init__(self) -> None:
        there, back = self.incoming, self.outgoing
        if (there.source, there.target) != (back.target, back.source):
            raise ValueError(f"{back} does not lead back from {there}")
        if self.hop < 1 or self.lookahead < 0 or self.window < self.hop + self.lookahead:
            raise ValueError(
                f"a window of {self.window} frames does not hold a hop of {self.hop} and a "
                f"look-ahead of {self.lookahead}; lengthen the window"
            )
        if not 0 <= self.fade <= self.lookahead:
            raise ValueError(
                f"a fade of {self.fade} frames does not fit a look-ahead of {self.lookahead}; "
                "use at most as much"
            )

    def emit(self, run: int) -> Span:
        """Model frames that run `run` makes final, with what the runs before said of them."""
        return Span(run * self.hop, self.hop)

    def reach(self, run: int) -> Span:
        """Model frames that run `run` contributes to: its hop, and what it fades over."""
        return Span(run * self.hop, self.hop + self.fade)

    def read(self, run: int) -> Span:
        """Model frames that run `run` reads; begins before 0 for the first ones."""
        return Span((run + 1) * self.hop + self.lookahead - self.window, self.window)

    def host_needed(self, run: int) -> int:
        """Host frames `[0, n)` that must be here before run `run` can begin."""
        return self.incoming.needed(self.read(run).stop)

    def host_runs(self, count: int) -> int:
        """Runs that can begin once the host frames `[0, count)` are here."""
        return max(0, (self.incoming.ready(count) - self.lookahead) // self.hop)

    def host_final(self, run: int) -> int:
        """Host frames `[0, n)` of the stems that are final after run `run`; 0 for run -1."""
        return self.outgoing.ready((run + 1) * self.hop)

    def host_emit(self, run: int) -> Span:
        """Host frames of the stems that run `run` makes final."""
        return Span.between(self.host_final(run - 1), self.host_final(run))
