"""What to send next, so that the server has each epoch's input once and never more than it allows.

    begin ──> waiting ──RESET──> sending ──DRAIN──> draining ──DRAINED──> gone
                 ^                  │                  │
                 └──────── lost ────┴──────────────────┘

An epoch that is lost is opened again under a new number, at the same origin, from as far back as
what is still to be heard depends on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from bridge.core.history import History
from bridge.core.live_plan import LivePlan
from bridge.core.replay import memory
from bridge.core.timeline import Span
from bridge.protocol import limits
from bridge.protocol.messages import Audio, Configured, Credit, Drain, Drained, Reset, Stems

_SENDS = 4096
"""Times of sending that are kept: a second in steps of 1 ms several times."""


@dataclass(slots=True)
class Epoch:
    """One epoch; positions are absolute host frames, ends exclusive.

    origin: where it begins; from there to its start it is silent.
    start, stop: what is its part of the time line; None while it goes on.
    number: its name in messages; 0 while the server does not have it.
    fresh: input from there on was not sent before it was due.
    phase: frames by which the server has the grid before its origin.
    sends: (end, time in us) of the messages of input.
    """

    origin: int
    start: int
    stop: int | None = None
    number: int = 0
    sent: int = 0
    received: int = 0
    got: int = 0
    fresh: int = 0
    phase: int = 0
    draining: bool = False
    sends: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_SENDS))

    @property
    def grid(self) -> int:
        """Where the grid of hops lies."""
        return self.origin - self.phase

    def clip(self, span: Span) -> Span:
        """Frames of `span` that are this epoch's."""
        stop = span.stop if self.stop is None else self.stop
        return span.intersect(Span.between(self.start, stop))


class Feed:
    """Sends `history`, epoch after epoch, as the runs of `plan` need it.

    held: input that completes no run is saved up to so many frames, or as many as a message takes,
        as each message costs time.
    """

    def __init__(self, history: History, plan: LivePlan, held: int) -> None:
        self._history = history
        self._plan = plan
        self._memory = memory(plan)
        self._held = held
        self._credit = self._phase = 0
        self._request = 0
        self._epochs: list[Epoch] = []
        self.begin(history.stop)

    def begin(self, origin: int) -> None:
        """The input goes on as a new epoch, whose hop grid lies at `origin`."""
        self.end()
        self._epochs.append(Epoch(origin, self._history.stop))

    def end(self) -> None:
        """The input of the newest epoch has come to its end."""
        if self._epochs and self._epochs[-1].stop is None:
            newest = self._epochs[-1]
            newest.stop = self._history.stop
            if newest.start == newest.stop:
                self._epochs.pop()

    def agree(self, configured: Configured) -> None:
        """What the server agreed to holds from now on; it knows no epoch yet."""
        self._credit, self._phase = configured.credit, configured.phase
        self._request = configured.request
        self.lose()

    def lose(self, last: int = limits.NUMBER) -> None:
        """The server lost the epochs up to number `last`.

        Later ones, opened before we heard of it, are opened again as well, since RESET ends at its
        origin whatever there is.
        """
        if any(0 < epoch.number <= last for epoch in self._epochs):
            for epoch in self._epochs:
                epoch.number = 0

    def take(self, message: Stems | Credit | Drained) -> Epoch | None:
        """Enter an answer; returns its epoch, None when that is over."""
        for epoch in self._epochs:
            if epoch.number == message.epoch:
                match message:
                    case Stems():
                        epoch.got = max(epoch.got, message.start + message.audio.shape[2])
                        epoch.received = max(epoch.received, message.received)
                    case Credit():
                        epoch.received = max(epoch.received, message.received)
                    case Drained():
                        self._epochs.remove(epoch)
                return epoch
        return None

    @property
    def is_over(self) -> bool:
        """Whether the input has ended and the server has given all that it will."""
        return not self._epochs

    def next(
        self, token: int, number: int, most: int, *, due: int, now_us: int, whole: bool
    ) -> Reset | Audio | Drain | None:
        """The next message of session `token`, which counts as sent; None when there is none.

        number: of an epoch that is opened. most: frames in one AUDIO. due: the next stem frame to
        be heard. whole: send all input there is, however little.
        """
        self._forget_past(due)
        epoch = self._unsent()
        if epoch is None:
            return None
        if epoch.number == 0:
            return self._open(epoch, token, number, due) if self._may_open(epoch) else None
        end = self._history.stop if epoch.stop is None else epoch.stop
        allowed = min(end, epoch.received + self._credit)
        count = min(allowed - epoch.sent, most)
        filled = count >= min(self._held, most)
        if count > 0 and (whole or filled or allowed < end or self._is_waited_for(epoch, count)):
            return self._send(epoch, token, count, due, now_us)
        if epoch.stop is None or epoch.sent < epoch.stop:
            return None
        epoch.draining = True
        return Drain(token, epoch.number, epoch.stop)

    def _is_waited_for(self, epoch: Epoch, count: int) -> bool:
        """Whether the next `count` frames make a run ready or end the epoch."""
        sent = epoch.sent - epoch.grid
        ready = self._plan.host_runs(sent + count) > self._plan.host_runs(sent)
        return ready or epoch.stop is not None

    def _unsent(self) -> Epoch | None:
        """The oldest epoch of which something is left to be sent."""
        return next((e for e in self._epochs if not (e.number and e.draining)), None)

    def _may_open(self, epoch: Epoch) -> bool:
        """Whether RESET would take away nothing that is wanted, and is not for nothing."""
        others = [one for one in self._epochs if one.number]
        # It ends the epochs before it at its origin, and of too many the oldest one altogether.
        kept = all(one.stop is not None and one.stop <= epoch.origin for one in others)
        return kept and len(others) < limits.EPOCHS and self._history.stop > epoch.start

    def _open(self, epoch: Epoch, token: int, number: int, due: int) -> Reset:
        start = max(epoch.origin, max(epoch.start, due) - self._memory)
        if start > epoch.start:
            start = max(start, self._history.start)
        epoch.number, epoch.draining, epoch.phase = number, False, self._phase
        epoch.sent = epoch.received = epoch.got = start
        epoch.fresh = self._history.stop
        epoch.sends.clear()
        return Reset(token, number, epoch.origin, start, self._request, epoch.phase)

    def _send(self, epoch: Epoch, token: int, count: int, due: int, now_us: int) -> Audio:
        start = epoch.sent
        silent = min(max(0, epoch.start - start), count)
        # Between its origin and its start it is silent, for longer than what is kept goes back.
        heard = start + silent if silent < count else self._history.stop
        audio = self._history.read(heard, count - silent)
        if silent:
            audio = np.pad(audio, ((0, 0), (silent, 0)))
        epoch.sent += count
        epoch.sends.append((epoch.sent, now_us))
        # What was due before is not waited for any more, whether it came or not.
        return Audio(token, epoch.number, start, max(epoch.got, due), audio)

    def _forget_past(self, due: int) -> None:
        while self._epochs and self._epochs[0].stop is not None and self._epochs[0].stop <= due:
            del self._epochs[0]
        for epoch in self._epochs:
            unsent = max(epoch.sent, epoch.start)
            if epoch.number and not epoch.draining and unsent < self._history.start:
                epoch.number = 0  # it fell too far behind, and has to leave something out
