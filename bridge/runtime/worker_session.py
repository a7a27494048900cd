"""The streams of one session inside a worker: its epochs, and which run is due when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
from bridge.protocol.messages_worker import Open


@dataclass(frozen=True)
class Opened:
    """One configuration of a session.

    block, latency: in host frames; compute_us: how long a run may take once its input is here;
    cost: how long one takes by itself.
    """

    key: str
    model: LiveModel
    plan: LivePlan
    channels: int
    residual: bool
    realtime: bool
    block: int
    latency: int
    compute_us: int
    cost: Cost

    @classmethod
    def of(cls, message: Open, model: LiveModel, cost: Cost) -> Opened:
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
            message.latency,
            message.compute_us,
            cost,
        )

    @property
    def is_measured_alike(self) -> bool:
        """Whether its runs can be held against those that the model was measured by."""
        traits = self.model.traits
        return not traits.fixed or self.plan.hop == traits.measured_hop

    @property
    def period_us(self) -> int:
        """Time between two runs, rounded down."""
        return self.plan.hop * MICROSECONDS // self.plan.incoming.target

    @property
    def costs_us(self) -> tuple[int, ...]:
        """How long 1, 2, 3 ... runs take as one batch: no longer than one after the other."""
        return tuple(self.cost.typical_us * count for count in range(1, self.model.batch + 1))


@dataclass
class Epoch:
    """One epoch: its stream, and since when its next run has its input.

    acknowledged: how much of its input the client was told of.
    """

    number: int
    opened: Opened
    stream: LiveStream
    acknowledged: int
    ready_us: int = 0

    def next_is_ready(self, now_us: int) -> None:
        """Note that another run has its input.

        A host that hands blocks over ahead of the clock leaves the deadlines where they are.
        """
        self.ready_us = max(now_us, self.ready_us + self.opened.period_us)

    def is_done_with_one(self) -> None:
        """Note that a run has ended; the input of the next one may have been here for long."""
        if self.stream.ready():
            self.ready_us += self.opened.period_us

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

    def configure(self, request: int, opened: Opened) -> None:
        """Keep a configuration, and those before it that a RESET may still name."""
        self.configurations[request] = opened
        for old in sorted(self.configurations.keys() - {self.request})[: -limits.PLANS]:
            del self.configurations[old]

    def begin(self, number: int, origin: int, start: int, request: int) -> None:
        """Open an epoch, and end the one before where the new one begins.

        Where the configuration is another worker's, the new epoch is as well.
        """
        for epoch in self.epochs:
            epoch.stream.drain(origin)
        opened = self.configurations.get(request)
        if opened is None:
            return
        if opened.key != self.key:  # times are of one model
            self.key, self.times, self.alike = opened.key, Durations(), Durations()
        self.request = request
        plan, model = opened.plan, opened.model
        stream = LiveStream(
            plan,
            model.open(plan),
            model.sources,
            opened.channels,
            residual=opened.residual,
            origin=origin,
            start=start,
        )
        self.epochs = [*self.epochs, Epoch(number, opened, stream, start)][-limits.EPOCHS :]
        # A client that uses a configuration does not go back to an older one.
        self.configurations = {r: o for r, o in self.configurations.items() if r >= request}
        self.position = start

    def push(self, number: int, start: int, block: Audio, now_us: int) -> None:
        """Take a block of the epoch `number`; one of an epoch that is gone is dropped."""
        for epoch in self.epochs:
            if epoch.number == number:
                was_ready = epoch.stream.ready()
                epoch.stream.push(start, block)
                self.position = max(self.position, start + block.shape[1])
                if not was_ready and epoch.stream.ready():
                    epoch.next_is_ready(now_us)

    def due(self) -> Iterator[Epoch]:
        """Epochs whose next run can begin, once those are skipped whose time has passed."""
        for epoch in self.epochs:
            while epoch.stream.ready() and self._is_past(epoch):
                epoch.stream.skip()
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
        """Count how long a run took, and apart those that are like the ones that were measured."""
        self.times.add(time_us)
        if epoch.opened.is_measured_alike:
            self.alike.add(time_us)

    def drain(self, number: int, stop: int) -> None:
        """The input of the epoch `number` ends at `stop`."""
        for epoch in self.epochs:
            if epoch.number == number:
                epoch.stream.drain(stop)

    def sweep(self) -> Iterator[tuple[int, int]]:
        """Drop the epochs that have given everything; yields the number and end of each."""
        done = [epoch for epoch in self.epochs if epoch.stream.done]
        # Another thread may be reading the list, so it is another one.
        self.epochs = [epoch for epoch in self.epochs if epoch not in done]
        for epoch in done:
            yield epoch.number, epoch.stream.stop or 0

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
