"""The streams of one session inside a worker: its epochs, and which run is due when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bridge.core.admission import Task
from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.core.latency import MICROSECONDS
from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.engine.base import Audio
from bridge.engine.live import LiveStream
from bridge.engine.live_model import Context, LiveModel
from bridge.errors import BridgeError
from bridge.protocol import limits
from bridge.protocol.messages import Reset
from bridge.protocol.messages_worker import Open
from bridge.runtime.live_effects import LiveEffects, StemEffects


@dataclass(frozen=True)
class Opened:
    """One configuration of a session.

    block, burst, latency: in host frames; compute_us: how long a run may take once its input is
    here; cost: how long one takes by itself. effects: what its stems pass through.
    """

    key: str
    model: LiveModel
    plan: LivePlan
    channels: int
    residual: bool
    realtime: bool
    block: int
    burst: int
    latency: int
    compute_us: int
    cost: Cost
    effects: StemEffects | None = None

    @classmethod
    def of(
        cls, message: Open, model: LiveModel, cost: Cost, effects: StemEffects | None = None
    ) -> Opened:
        """What a message opens, with the model that it names."""
        plan = LivePlan(
            design(message.rate, model.rate),
            design(model.rate, message.rate),
            message.hop,
            message.lookahead,
            message.window,
            message.fade,
        )
        return cls(
            message.key,
            model,
            plan,
            message.channels,
            message.residual,
            message.realtime,
            message.block,
            message.burst,
            message.latency,
            message.compute_us,
            cost,
            effects,
        )

    @property
    def period_us(self) -> int:
        """Time between two runs, rounded down."""
        return self.plan.hop * MICROSECONDS // self.plan.incoming.target

    @property
    def burst_us(self) -> int:
        """How far ahead of the clock input may come, rounded up."""
        return -(-self.burst * MICROSECONDS // self.plan.incoming.source)

    @property
    def costs_us(self) -> tuple[int, ...]:
        """How long 1, 2, 3 ... runs take as one batch: no longer than one after the other."""
        return tuple(self.cost.typical_us * count for count in range(1, self.model.batch + 1))


@dataclass
class Epoch:
    """One epoch: its stream, and since when its next run has its input.

    acknowledged: how much of its input the client was told of. effects: what its stems pass.
    """

    number: int
    opened: Opened
    stream: LiveStream
    acknowledged: int
    ready_us: int = 0
    effects: LiveEffects | None = None

    def finish(self, audio: Audio) -> tuple[int, Audio]:
        """Take the stems of a run; returns host frames that are done, and the first of them.

        Raises BridgeError where an effect fails.
        """
        start, stems = self.stream.finish(audio)
        if self.effects is None or not stems.shape[2]:
            return start, stems
        return self.effects.process(start, stems)

    def rest(self) -> tuple[int, Audio]:
        """What its effects have held back, once the stream is done."""
        return self.effects.finish() if self.effects else (0, np.zeros((1, 1, 0), np.float32))

    def next_is_ready(self, now_us: int) -> None:
        """Note that another run has its input.

        A host that hands blocks over ahead of the clock leaves the deadlines where they are, but
        only as far ahead as the latency allows for: clocks differ, and hosts stop for a while.
        """
        ahead_us = now_us + self.opened.burst_us
        self.ready_us = max(now_us, min(self.ready_us + self.opened.period_us, ahead_us))

    def is_done_with_one(self, now_us: int) -> None:
        """Note that a run has ended; the input of the next one may have been here for long."""
        if self.stream.ready():
            ahead_us = now_us + self.opened.burst_us
            self.ready_us = min(self.ready_us + self.opened.period_us, ahead_us)

    def drain(self, stop: int, now_us: int) -> None:
        """The input ends at `stop`, which may be all that the next run has waited for."""
        was_ready = self.stream.ready()
        self.stream.drain(stop)
        if not was_ready and self.stream.ready():
            self.next_is_ready(now_us)

    @property
    def shape(self) -> tuple[str, LivePlan]:
        """What runs must have in common to be run as one batch."""
        return self.opened.key, self.opened.plan

    @property
    def deadline_us(self) -> int:
        """When the next run should be done, on the clock of `ready_us`."""
        return self.ready_us + self.opened.compute_us


@dataclass
class WorkerSession:
    """A session: configurations by the number of their request, and epochs, oldest first.

    request: of the newest epoch. position: where all input so far ends.
    """

    number: int
    configurations: dict[int, Opened] = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=list)
    request: int = 0
    position: int = 0
    skipped: int = 0
    overruns: int = 0
    key: str = ""
    times: Durations = field(default_factory=Durations)
    alike: Durations = field(default_factory=Durations)
    shorter: Durations = field(default_factory=Durations)

    def configure(self, request: int, opened: Opened) -> None:
        """Keep a configuration, and those before it that a RESET may still name."""
        self.configurations[request] = opened
        for old in sorted(self.configurations.keys() - {self.request})[: -limits.PLANS]:
            del self.configurations[old]

    def begin(self, message: Reset, now_us: int) -> None:
        """Open an epoch, and end the one before where the new one begins.

        Where the configuration is another worker's, the new epoch is as well.
        """
        for epoch in self.epochs:
            epoch.drain(message.origin, now_us)
        opened = self.configurations.get(message.request)
        if opened is None:
            return
        if opened.key != self.key:  # times are of one model
            self.key, self.times = opened.key, Durations()
            self.alike, self.shorter = Durations(), Durations()
        self.request = message.request
        plan, model = opened.plan, opened.model
        stream = LiveStream(
            plan,
            model.open(plan),
            model.sources,
            opened.channels,
            residual=opened.residual,
            origin=message.origin,
            start=message.start,
            phase=message.phase,
        )
        epoch = Epoch(message.epoch, opened, stream, message.start)
        if opened.effects is not None:
            epoch.effects = LiveEffects(opened.effects)
        self.epochs = [*self.epochs, epoch][-limits.EPOCHS :]
        # A client that uses a configuration does not go back to an older one.
        self.configurations = {r: o for r, o in self.configurations.items() if r >= self.request}
        self.position = message.start

    def push(self, number: int, start: int, block: Audio, now_us: int) -> None:
        """Take a block of the epoch `number`; one of an epoch that is gone is dropped."""
        for epoch in self.epochs:
            if epoch.number == number:
                was_ready = epoch.stream.ready()
                epoch.stream.push(start, block)
                self.position = max(self.position, start + block.shape[1])
                if not was_ready and epoch.stream.ready():
                    epoch.next_is_ready(now_us)

    def due(self, now_us: int) -> Iterator[Epoch]:
        """Epochs whose next run can begin, once those are skipped whose time has passed."""
        for epoch in self.epochs:
            while epoch.stream.ready() and self._is_past(epoch):
                epoch.stream.skip()
                epoch.is_done_with_one(now_us)
                self.skipped += 1
            if epoch.stream.ready():
                yield epoch

    def coming(self, now_us: int) -> Task | None:
        """The next live run that is not ready yet, as soon as it could be."""
        if not self.epochs or not self.epochs[-1].opened.realtime:
            return None
        epoch = self.epochs[-1]
        opened, deadline = epoch.opened, epoch.opened.compute_us
        if epoch.stream.ready():
            deadline = max(1, epoch.deadline_us + opened.period_us - now_us)
        return Task(opened.cost.typical_us, opened.period_us, deadline)

    def _is_past(self, epoch: Epoch) -> bool:
        opened = epoch.opened
        heard = self.position - opened.latency - opened.block
        return opened.realtime and epoch.stream.next_final().stop <= heard

    def note(self, time_us: int, epoch: Epoch) -> None:
        """Count how long a run took, also against the ones that the model was measured by."""
        self.times.add(time_us)
        traits, hop = epoch.opened.model.traits, epoch.opened.plan.hop
        if not traits.fixed or hop == traits.measured_hop:
            self.alike.add(time_us)
        elif hop < traits.measured_hop:
            self.shorter.add(time_us)

    def drain(self, number: int, stop: int, now_us: int) -> None:
        """The input of the epoch `number` ends at `stop`."""
        for epoch in self.epochs:
            if epoch.number == number:
                epoch.drain(stop, now_us)

    def sweep(self) -> Iterator[Epoch]:
        """Drop the epochs whose streams have given everything, and yield them."""
        done = [epoch for epoch in self.epochs if epoch.stream.done]
        # Another thread may be reading the list, so it is another one.
        self.epochs = [epoch for epoch in self.epochs if epoch not in done]
        yield from done

    def in_use(self) -> Iterator[Opened]:
        """Every configuration that an epoch has or may yet have, for any thread.

        In this order: `begin` takes a configuration away after its epoch is there.
        """
        yield from list(self.configurations.values())
        yield from [epoch.opened for epoch in list(self.epochs)]

    def stats(self) -> dict[str, int]:
        """Figures of the session, times in microseconds."""
        return {
            "runs": self.times.count,
            "skipped": self.skipped,
            "overruns": self.overruns,
            "p50_us": self.times.percentile(500),
            "p999_us": self.times.percentile(999),
            "max_us": self.times.max,
        }


def separate(model: LiveModel, contexts: Sequence[Context]) -> list[Audio | BridgeError]:
    """The stems of each context, all as one batch, or why it has none.

    One that is bad must not cost the others theirs, so after a failure each runs alone.
    """
    try:
        return list(model.run(contexts))
    except BridgeError as error:
        if len(contexts) == 1:
            return [error]
    return [found for context in contexts for found in separate(model, [context])]
