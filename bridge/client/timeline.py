"""One configuration of a stream in time: input on its way out, stems on their way in.

Nothing here does IO or knows a clock. Every position is an absolute host frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.client.feed import Epoch, Feed
from bridge.client.figures import Figures
from bridge.client.settings import Settings
from bridge.core.history import History
from bridge.core.latency import MICROSECONDS
from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.core.replay import memory, run_for
from bridge.core.stem_buffer import StemBuffer
from bridge.core.timeline import Span
from bridge.errors import ServerError
from bridge.protocol import limits
from bridge.protocol.messages import (
    Audio as AudioMessage,
)
from bridge.protocol.messages import (
    Configured,
    Credit,
    Drain,
    Drained,
    Reset,
    SavedPlan,
    Stems,
)

Audio = NDArray[np.float32]

HELD_US = 100_000
"""Input that no run waits for is sent in such steps: resampling more takes long for one message."""


class Timeline:
    """Takes input block by block and gives the stems of `latency` frames before.

    settings: what the server was asked for. configured: what it agreed to. position: first frame
    of the input; before it everything is silent. Raises ServerError for a plan that cannot work.
    """

    def __init__(
        self, settings: Settings, configured: Configured, position: int, figures: Figures
    ) -> None:
        self.configured = configured
        self.latency = configured.latency
        self._settings = settings
        self._plan = _live_plan(configured.plan, settings.rate)
        self._guard = configured.plan.guard
        self._figures = figures
        remembered = memory(self._plan)
        # What is heard next, what that depends on, and input that waits for credit.
        kept = remembered + self.latency + settings.block + configured.credit
        self._history = History(settings.channels, kept, position)
        held = HELD_US * settings.rate // MICROSECONDS
        self._feed = Feed(self._history, self._plan, held)
        self._feed.agree(configured)
        sources = configured.sources
        carrier = sources.index("other") if "other" in sources else len(sources) - 1
        self._stems = StemBuffer(
            len(sources),
            settings.channels,
            self.latency + settings.block + self._guard,
            guard=self._guard,
            dry=carrier if settings.late == "dry" else None,
            position=position - self.latency,
        )
        self._stems.write_silence(Span.between(position - self.latency, position))

    @property
    def position(self) -> int:
        """The next frame of the input."""
        return self._history.stop

    def append(self, block: Audio) -> None:
        """Take the next input, shape (C, n), float32, at most a block."""
        self._history.append(block)

    def begin(self, origin: int) -> None:
        """The input goes on as a new epoch, whose hop grid lies at `origin`."""
        self._feed.begin(origin)

    def end(self) -> None:
        """The input ends here; silence follows, and whatever is left of the stems."""
        self._feed.end()

    def agree(self, configured: Configured) -> None:
        """A server that begins anew agreed to the same again. Raises ServerError if it did not."""
        ours = (self.configured.plan, self.latency, self.configured.sources)
        if ours != (configured.plan, configured.latency, configured.sources):
            raise ServerError(
                f"the sidecar's plan for {configured.model} is not the one it had before; "
                "reconfigure the stream"
            )
        self.configured = configured
        self._feed.agree(configured)

    def lose(self, last: int = limits.NUMBER) -> None:
        """The server has lost the epochs up to number `last`; what is needed is sent again."""
        self._feed.lose(last)

    def next_message(
        self, token: int, number: int, most: int, now_us: int, *, whole: bool
    ) -> Reset | AudioMessage | Drain | None:
        """What is to be sent next, see `Feed.next`."""
        due = self._stems.position
        return self._feed.next(token, number, most, due=due, now_us=now_us, whole=whole)

    def take(self, message: Stems | Credit | Drained, now_us: int) -> None:
        """Enter what the server sent."""
        epoch = self._feed.take(message)
        if epoch is None or not isinstance(message, Stems):
            return
        span = Span(message.start, message.audio.shape[2])
        ours = epoch.clip(span)
        if ours:
            self._stems.write(ours.start, message.audio[:, :, ours.slice_in(span)])
            self._measure(epoch, ours.start, now_us)

    def is_complete(self, length: int) -> bool:
        """Whether none of the next `length` frames would be late."""
        start = self._stems.position
        stop = min(start + length + self._guard, self.position)
        return self._stems.holds(Span.between(start, stop))

    @property
    def is_over(self) -> bool:
        """Whether no more stems will come: the input has ended, and the server is done with it."""
        return self._feed.is_over

    def read(self, length: int) -> Audio:
        """The next frames of the stems, shape (S, C, length)."""
        dry = self._history.read(self._stems.position, length)
        stems, late = self._stems.read(dry)
        self._figures.late_frames += late
        return stems

    def read_rest(self) -> Audio:
        """All frames up to the end of the input, shape (S, C, latency). It has to be at its end."""
        self._stems.write_silence(Span(self.position, self._guard))
        return self.read(self.latency)

    def _measure(self, epoch: Epoch, start: int, now_us: int) -> None:
        """Count how long the run that gave the stems from `start` on took, and what was left."""
        if self._settings.realtime:
            first_asked = self._stems.position + self._guard
            slack_us = (start - first_asked) * MICROSECONDS // self._settings.rate
            self._figures.add_slack(slack_us)
        run = run_for(self._plan, start + self.configured.plan.effects - epoch.grid)
        needed = epoch.grid + self._plan.host_needed(run)
        while epoch.sends and epoch.sends[0][0] < needed:
            epoch.sends.popleft()
        if epoch.sends and needed > epoch.fresh:
            self._figures.round_trips.add(max(0, now_us - epoch.sends[0][1]))


def _live_plan(saved: SavedPlan, rate: int) -> LivePlan:
    try:
        there, back = design(rate, saved.model_rate), design(saved.model_rate, rate)
        return LivePlan(there, back, saved.hop, saved.lookahead, saved.window, saved.fade)
    except ValueError as error:
        raise ServerError(f"the sidecar's plan cannot work: {error}") from None
