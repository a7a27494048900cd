"""One epoch of one live session: host blocks in, the stems of the same frames out, run by run.

A frame's way: `push` resamples it -> `advance` gives the context what the next run reads -> the
model runs -> `finish` fades the hop into the one before, resamples it back, and adds what the
stems leave of the input. Positions inside count from where the grid lies.
"""

from __future__ import annotations

import numpy as np

from bridge.core.line import Line
from bridge.core.live_plan import LivePlan
from bridge.core.timeline import Span
from bridge.core.window import joining
from bridge.engine.base import Audio
from bridge.engine.live_model import Context
from bridge.engine.resampler import Resampler

AHEAD = 2
"""Runs beyond the next one whose input is welcome, so that none ever waits for more of it."""

REST = "other"
"""The stem that takes what the stems leave of the input."""

LOUDEST = np.float32(1e6)
"""120 dB over full scale is no audio; models square what they read, and far above they overflow."""


class LiveStream:
    """A stream from host frame `start` on, whose grid of hops lies `phase` before `origin`.

    Before the origin there is silence. Frames from the origin up to `start` are unknown: nothing
    is given that depends on them, so that all that is given is what an undisturbed run gives.

    Memory: input and resampled input from the oldest frame that is still to be read or emitted,
    which is a hop, the look-ahead and whatever `push` is ahead of the runs; and the context. After
    a late start, a window.

    Raises ValueError for a start before the origin.

    Attributes
    ----------
    received: host frame up to which the input is here. stop: where it ends, None while it goes on.
    done: drained, and everything was given.
    """

    def __init__(
        self,
        plan: LivePlan,
        context: Context,
        sources: tuple[str, ...],
        channels: int,
        *,
        residual: bool,
        origin: int,
        start: int,
        phase: int = 0,
    ) -> None:
        if start < origin:
            raise ValueError(
                f"a stream cannot start at {start}, before its origin {origin}; open an epoch there"
            )
        self._plan = plan
        self._context = context
        self._channels = channels
        self._rest = sources.index(REST) if residual and REST in sources else None
        self._origin = origin - phase
        self._start = start
        self.received = start
        self.stop: int | None = None
        known = 0 if start == origin else start - self._origin  # the silence is known as well
        self._incoming = Resampler(plan.incoming, channels, known)
        self._outgoing = Resampler(plan.outgoing, len(sources) * channels)
        self._input = Line(channels, known)
        self._resampled = Line(channels, self._incoming.position)
        self._go_to(0)
        self._pending: Audio | None = None
        self._weight = np.zeros(0, np.float32)
        self._known = 0
        if known:
            self._begin_late()
        elif phase:
            self._take(np.zeros((channels, phase), np.float32))

    def _begin_late(self) -> None:
        """Begin with the first run whose whole window is known."""
        plan = self._plan
        known = self._incoming.position
        self._go_to(max(0, -(-(known + plan.window - plan.lookahead) // plan.hop) - 1))
        self._know_from_next_run()

    def _know_from_next_run(self) -> None:
        """The runs before the next one are not there to fade from: what they reach is left out.

        So it does not matter what is pending.
        """
        self._known = self._plan.emit(self._run).start + self._plan.fade
        self._outgoing.seek(self._known)

    @property
    def accepted(self) -> int:
        """Host frame up to which the sender may take the input for used.

        What runs after the next but one will read is not yet: else whoever sends faster than runs
        are made could pile it up without end.
        """
        return min(self.received, self._origin + self._plan.host_needed(self._run + AHEAD))

    @property
    def done(self) -> bool:
        """True when the stream was drained and has given everything."""
        # Before its start nothing is given, though the grid may begin earlier.
        return self.stop is not None and max(self.next_final().start, self._start) >= self.stop

    def push(self, start: int, block: Audio) -> None:
        """Take a block, shape (C, n), float32, at host frame `start`.

        What is here already is left out, and a block that leaves a gap is dropped whole: blocks
        come in order. Values that are no audio (not finite, or above `LOUDEST`) count as silence.
        """
        known = self.received - start
        if self.stop is not None or not 0 <= known < block.shape[1]:
            return
        fresh = block[:, known:]
        loudness = np.abs(fresh)
        if not loudness.max() <= LOUDEST:
            fresh = np.where(loudness <= LOUDEST, fresh, np.float32(0))
        self.received += fresh.shape[1]
        self._take(fresh)

    def drain(self, stop: int) -> None:
        """Nothing is wanted from host frame `stop` on.

        What came of the input is still looked ahead at, even beyond `stop`, so that it does not
        matter which runs were done before; what did not come is silent.
        """
        if self.stop is not None:
            return
        self.stop = min(stop, self.received)
        if self.done:
            return
        plan = self._plan
        # The first run after which everything before `stop` is final.
        last = -(-plan.outgoing.needed(self.stop - self._origin) // plan.hop) - 1
        missing = plan.host_needed(last) - self._input.stop
        if last >= self._run and missing > 0:
            self._take(np.zeros((self._channels, missing), np.float32))

    def _take(self, frames: Audio) -> None:
        self._input.append(frames)
        self._resampled.append(self._incoming.push(frames))

    def ready(self) -> bool:
        """True when the next run has its input."""
        return self._input.stop >= self._needed and not self.done

    def next_final(self) -> Span:
        """Host frames that the next run makes final."""
        return self._final

    def advance(self) -> Context:
        """Give the context what the next run reads, which shall follow with `finish`."""
        read = self._plan.read(self._run)
        # A context that begins late begins with its first window.
        start = max(self._resampled.start, read.start)
        audio = self._resampled.view(start, read.stop)
        if self._channels == 1:
            audio = np.repeat(audio, 2, axis=0)
        self._context.push(audio)
        self._resampled.forget(read.stop)
        return self._context

    def skip(self) -> None:
        """Leave out the next run: only its input counts for those after it."""
        self.advance()
        self._go_to(self._run + 1)
        self._know_from_next_run()
        self._input.forget(self.next_final().start - self._origin)

    def finish(self, audio: Audio) -> tuple[int, Audio]:
        """Take the stems (S, C, hop + fade) of the run; returns host frames that are final.

        They are of shape (S, C, n), float32, n possibly 0, and the first is the host frame that
        is returned with them.
        """
        plan = self._plan
        if self._channels == 1:
            audio = audio.mean(axis=1, keepdims=True)
        hop = self._join(audio)
        unknown = min(plan.hop, max(0, self._known - plan.emit(self._run).start))
        first = self._outgoing.position
        rows = audio.shape[0] * audio.shape[1]
        stems = self._outgoing.push(hop[..., unknown:].reshape(rows, plan.hop - unknown))
        self._go_to(self._run + 1)
        return self._emit(first, stems.reshape(*audio.shape[:2], stems.shape[1]))

    def _join(self, audio: Audio) -> Audio:
        """The hop of the run, joined with what the runs before said of it."""
        hop, fade = self._plan.hop, self._plan.fade
        if not fade:
            return audio
        weight = joining(hop, fade).copy()
        joined = audio * weight
        if self._pending is not None:
            joined[..., :fade] += self._pending
            weight[:fade] += self._weight
        self._pending, self._weight = joined[..., hop:].copy(), weight[hop:]
        # Weights sum to one, but where the first runs lack those before them.
        return joined[..., :hop] / weight[:hop]

    def _go_to(self, run: int) -> None:
        """Make this run the next one; what is asked of it again and again is worked out once."""
        self._run = run
        self._needed = self._plan.host_needed(run)
        self._final = self._plan.host_emit(run).shift(self._origin)

    def _emit(self, first: int, stems: Audio) -> tuple[int, Audio]:
        given = Span(first, stems.shape[-1])
        stop = given.stop if self.stop is None else self.stop - self._origin
        span = given.intersect(Span.between(self._start - self._origin, stop))
        stems = np.ascontiguousarray(stems[..., span.slice_in(given)] if span else stems[..., :0])
        if self._rest is not None:
            stems[self._rest] += self._input.view(span.start, span.stop) - stems.sum(axis=0)
        self._input.forget(given.stop)
        return self._origin + span.start, stems
