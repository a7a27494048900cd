"""A server's side of a session that does what a test says, when it says so. No sockets.

What its model makes of a frame depends on every frame of the window, and is exact in float32 for
input of small whole numbers, so that stems tell whether they were made from the right input.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bridge.core.conversion import Conversion
from bridge.core.latency import latency
from bridge.core.live_plan import LivePlan
from bridge.protocol.messages import (
    Attach,
    Attached,
    Audio,
    Configure,
    Configured,
    Credit,
    Drain,
    Drained,
    Error,
    Hello,
    Lost,
    Ping,
    Pong,
    Progress,
    Reset,
    SavedPlan,
    Stems,
    Welcome,
)
from bridge.protocol.session import ServerSession
from bridge.protocol.states import Socket

RATE = 8000
SOURCES = ("drums", "other", "vocals")
_SHARE = np.float32(2**-12)


def live_plan(hop=60, lookahead=30, window=400, fade=20):
    return LivePlan(Conversion(RATE, RATE), Conversion(RATE, RATE), hop, lookahead, window, fade)


def saved_plan(plan, *, block, burst=0, guard=8, polling_us=0):
    parts = (plan.hop, plan.lookahead, plan.window, plan.fade, RATE)
    return SavedPlan(*parts, 1, 0, 0, polling_us, guard, burst, block)


def latency_of(plan, saved):
    total = saved.compute_us + saved.polling_us
    return latency(plan, saved.block, burst=saved.burst, guard=saved.guard, allowance_us=total)


def separate(plan, audio):
    """Stems of a whole epoch, silence before and after it; shape (S, C, n) from (C, n)."""
    length = audio.shape[1]
    runs = np.arange(-(-length // plan.hop))
    sums = np.cumsum(np.pad(audio, ((0, 0), (plan.window + 1, plan.window))), axis=1)
    stops = (runs + 1) * plan.hop + plan.lookahead + plan.window
    loudness = (sums[:, stops] - sums[:, stops - plan.window]) * _SHARE
    now = np.repeat(loudness, plan.hop, axis=1)[:, :length]
    before = np.roll(now, plan.hop, axis=1)
    ramp = np.minimum(1, (np.arange(plan.hop, dtype=np.float32) + 1) / (plan.fade + 1))
    weight = np.tile(ramp, len(runs))[:length]
    weight[: plan.hop] = 1  # nothing was there to fade from
    drums = (before * (1 - weight) + now * weight + audio / 2).astype(np.float32)
    vocals = -drums / 2
    return np.stack([drums, audio - drums - vocals, vocals])


@dataclass
class ScriptedEpoch:
    """The stream of one epoch; `done` is the next run."""

    number: int
    plan: LivePlan
    origin: int
    start: int
    audio: np.ndarray
    stop: Any = None
    done: int = 0
    first: int = 0

    def __post_init__(self):
        unknown = self.start - self.origin
        if unknown:  # the first run that reads nothing unknown, after the fade into it
            reach = unknown + self.plan.window - self.plan.lookahead
            self.done = max(0, -(-reach // self.plan.hop) - 1)
            self.first = self.done * self.plan.hop + self.plan.fade

    @property
    def received(self):
        return self.origin + self.audio.shape[1]

    def push(self, start, block):
        assert start <= self.received, "the client left something out"
        fresh = block[:, self.received - start :]
        self.audio = np.concatenate([self.audio, fresh], axis=1)

    def end(self, stop):
        self.stop = stop if self.stop is None else min(stop, self.stop)
        self.audio = self.audio[:, : self.stop - self.origin]

    def run(self):
        """(start, stems) of the next run that gives something; None when it lacks its input."""
        while not self.over:
            emit = self.plan.emit(self.done)
            if self.stop is None and self.plan.host_needed(self.done) > self.audio.shape[1]:
                return None
            first = max(emit.start, self.first)
            self.done += 1
            if first < emit.stop:
                # Runs further back than a window have no part in it.
                known = max(0, emit.start - self.plan.window - 2 * self.plan.hop)
                known -= known % self.plan.hop
                heard = self.audio[:, known : emit.stop + self.plan.lookahead]
                stems = separate(self.plan, heard)[:, :, first - known : emit.stop - known]
                return self.origin + first, stems
        return None

    @property
    def over(self):
        return self.stop is not None and self.origin + self.done * self.plan.hop >= self.stop


@dataclass
class ScriptedSession:
    """Answers messages; `work` does runs. Raises what the session raises for broken rules.

    plan, saved: what a CONFIGURE gets, unless `refusal` (code, text) is set or its model is `bad`.
    keeps_plans: one that brings its plan gets that.
    """

    token: int
    plan: LivePlan
    saved: SavedPlan
    credit: int
    refusal: tuple[str, str] | None = None
    keeps_plans: bool = True
    most_frames: int = 100
    heartbeat_us: int = 10_000_000
    epochs: list[ScriptedEpoch] = field(default_factory=list)
    asked: list[Configure] = field(default_factory=list)
    resets: list[Reset] = field(default_factory=list)
    got: list[int] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)
    progress: list[tuple[str, int, int]] = field(default_factory=list)
    acknowledged: int = 0

    def __post_init__(self):
        self.book = ServerSession()

    def handle(self, socket, message):  # noqa: C901 - a table of cases
        """Messages to be sent back, as (socket, message)."""
        if not self.book.receive(socket, message, 0):
            return
        match message:
            case Hello():
                greeting = ((1, 0), "scripted", self.token, self.heartbeat_us)
                yield from self.tell(socket, Welcome(*greeting, self.most_frames, ()))
            case Configure():
                self.asked.append(message)
                for news in self.progress:
                    told = Progress(self.token, message.request, *news)
                    yield from self.tell(socket, told)
                yield from self.tell(socket, self.answer(message))
            case Attach():
                self.epochs = []
                yield from self.tell(socket, Attached(self.token))
            case Ping():
                yield from self.tell(socket, Pong(message.stamp))
            case Reset():
                self.reset(message)
            case Audio():
                self.got.append(message.got)
                self.pieces.append(message.audio.shape[1])
                for epoch in self.find(message.epoch):
                    epoch.push(message.start, message.audio)
            case Drain():
                for epoch in self.find(message.epoch):
                    epoch.end(message.stop)

    def answer(self, wanted):
        if wanted.model == "bad":
            return Error("model", "there is no bad model", "", self.token, wanted.request)
        if self.refusal:
            return Error(*self.refusal, "", self.token, wanted.request)
        saved = self.saved
        if wanted.saved and self.keeps_plans:
            saved = wanted.saved
            self.plan = live_plan(saved.hop, saved.lookahead, saved.window, saved.fade)
        latency = latency_of(self.plan, saved)
        agreed = (self.token, wanted.request, latency, saved, SOURCES, self.credit)
        return Configured(*agreed, wanted.model, True, "none", ())

    def reset(self, message):
        self.resets.append(message)
        for epoch in self.epochs:
            epoch.end(message.origin)
        kept = [epoch for epoch in self.epochs if epoch.audio.shape[1] > 0]
        shape = (self.asked[-1].channels, message.start - message.origin)
        unknown = np.full(shape, 5, np.float32)
        opened = ScriptedEpoch(message.epoch, self.plan, message.origin, message.start, unknown)
        self.epochs = [*kept[-1:], opened]
        self.acknowledged = message.start

    def work(self, runs=1):
        """Do so many runs; yields what is to be sent."""
        for epoch in list(self.epochs):
            while runs > 0 and (result := epoch.run()) is not None:
                runs -= 1
                yield from self.stems(epoch, *result)
            if epoch.over:
                self.epochs.remove(epoch)
                drained = Drained(self.token, epoch.number, epoch.stop)
                yield from self.tell(Socket.AUDIO, drained)
        for epoch in self.epochs[-1:]:
            if epoch.stop is None and epoch.received > self.acknowledged:
                self.acknowledged = epoch.received
                credit = Credit(self.token, epoch.number, epoch.received)
                yield from self.tell(Socket.AUDIO, credit)

    def stems(self, epoch, start, stems):
        for at in range(0, stems.shape[2], self.most_frames):
            piece = np.ascontiguousarray(stems[:, :, at : at + self.most_frames])
            message = Stems(self.token, epoch.number, start + at, epoch.received, piece)
            if not self.book.is_unread:
                yield from self.tell(Socket.AUDIO, message)

    def lose(self):
        """The worker dies and comes back."""
        number = self.epochs[-1].number if self.epochs else 0
        self.epochs = []
        if number:
            yield from self.tell(Socket.AUDIO, Lost(self.token, number))

    def find(self, number):
        return [epoch for epoch in self.epochs if epoch.number == number]

    def tell(self, socket, message):
        if self.book.send(socket, message, 0):
            yield socket, message
