"""The workers of a server: one for each kind of work, started when needed, and when it died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import zmq

from bridge.errors import RemoteProtocolError
from bridge.protocol.codec import Frame, decode, encode
from bridge.protocol.messages import Ping
from bridge.protocol.record import Message
from bridge.runtime.logs import log
from bridge.runtime.pipe import PipeClosed
from bridge.runtime.worker_process import WorkerProcess

PING_US = 1_000_000
SILENT_US = 15_000_000
"""A worker that says nothing for so long hangs; importing torch from a slow disk takes less."""

PAUSES_US = (0, 200_000, 400_000, 2_000_000, 5_000_000)
"""Waits before a worker is started again, by how often it has died in a row."""

MOST_DEATHS = 5
"""Deaths in a row, none of them `SETTLED_US` after its start, after which its sessions are given
up. A start that fails is one, too."""

SETTLED_US = 30_000_000
"""How long a worker has to live for the deaths before it to be over and done with. That it loaded
a model again does not tell: the first run of it may be what it dies of."""

KINDS = ("spectral", "networks", "fake")
"""Networks need torch, spectral must not wait for them, and fake costs what a client says."""

MOST_SPECTRAL = 4
"""Workers for spectral at most, each of which keeps one core busy."""


def kind_of(model: str) -> str:
    """Which of `KINDS` runs a model."""
    if model == "spectral" or model.partition(":")[0] == "fake":
        return model.partition(":")[0]
    return "networks"


def names(cores: int) -> list[str]:
    """The workers that there may be on so many cores: `spectral`, `spectral-2` and so on."""
    more = [f"spectral-{number}" for number in range(2, min(cores, MOST_SPECTRAL) + 1)]
    return [*KINDS, *more]


@dataclass
class Worker:
    """One of `names`: its process while there is one, and how it fares.

    loading: the key of the LOAD that it has not answered yet. start_us: when it was started, or,
    where it is dead, when it may be again.
    """

    name: str
    device: str
    process: WorkerProcess | None = None
    heard_us: int = 0
    pinged_us: int = 0
    start_us: int = 0
    deaths: int = 0
    restarts: int = 0
    loading: str = ""
    stats: dict[str, object] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return self.name.partition("-")[0]

    def ensure(self, now_us: int) -> None:
        """Start it for the first time. One that died is started again by `is_wanted`'s caller."""
        if self.process is None and not self.deaths:
            self.start(now_us)

    def is_wanted(self, now_us: int) -> bool:
        """True when it died and its pause is over."""
        return self.process is None and self.deaths > 0 and now_us >= self.start_us

    def start(self, now_us: int) -> bool:
        """Start the process; False when the system has none to give, which counts as a death."""
        self.stats = {}
        self.loading = ""
        try:
            self.process = WorkerProcess(self.kind, self.device)
        except OSError as error:
            log("worker.failed", worker=self.name, reason=error)
            self._die(now_us)
            return False
        self.heard_us = self.pinged_us = self.start_us = now_us
        log("worker.started", worker=self.name, pid=self.process.pid)
        return True

    def send(self, frames: Sequence[Frame]) -> None:
        """Send a message if there is a process; one that does not read is noticed by `receive`."""
        if self.process is not None:
            with suppress(PipeClosed):  # found, and buried, where it is listened to
                self.process.pipe.send(frames)

    def receive(self, now_us: int) -> list[tuple[Message, list[bytes]]]:
        """What it has sent, with the frames of each; sends what waits.

        Raises PipeClosed when it is gone, or sends what it must not.
        """
        if self.process is None:
            return []
        with suppress(PipeClosed):  # it may have sent something before
            self.process.pipe.flush()
        received = self.process.pipe.receive()
        if received:
            self.heard_us = now_us
        try:
            return [(decode(frames), frames) for frames in received]
        except RemoteProtocolError as error:
            raise PipeClosed(f"it sent what it must not: {error}") from None

    def bury(self, now_us: int, reason: str) -> None:
        """Note its death and when the next one may be started."""
        if self.process is None:
            return
        pid, status = self.process.pid, self.process.kill()
        log("worker.died", worker=self.name, pid=pid, status=status, reason=reason)
        self.process = None
        self._forgive(now_us)
        self._die(now_us)

    def tick(self, now_us: int) -> None:
        """Ask whether it lives. Raises PipeClosed when it does not read, or was silent for long."""
        if self.process is None:
            return
        if self.process.pipe.broken:
            raise PipeClosed(self.process.pipe.broken)
        if now_us - self.heard_us > SILENT_US:
            raise PipeClosed(f"silent for {(now_us - self.heard_us) // 1_000_000} s")
        self._forgive(now_us)
        if now_us - self.pinged_us >= PING_US:
            self.pinged_us = now_us
            self.send(encode(Ping(now_us)))

    def end(self) -> None:
        """End the process; it has nothing to finish."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def _forgive(self, now_us: int) -> None:
        if now_us - self.start_us >= SETTLED_US:
            self.deaths = 0

    def _die(self, now_us: int) -> None:
        self.start_us = now_us + PAUSES_US[min(self.deaths, len(PAUSES_US) - 1)]
        self.deaths += 1
        self.restarts += 1


class Watch:
    """Keeps a poller at the workers that are there, and at those that can take more."""

    def __init__(self, poller: zmq.Poller, workers: Mapping[str, Worker]) -> None:
        self._poller = poller
        self._workers = workers
        self._polled: Mapping[int, tuple[Worker, int]] = {}

    def update(self) -> None:
        """Look at what has come and gone; to be called before each poll."""
        wanted = {
            worker.process.pipe.fileno(): (
                worker,
                zmq.POLLIN | (zmq.POLLOUT if worker.process.pipe.waiting else 0),
            )
            for worker in self._workers.values()
            if worker.process is not None
        }
        if wanted != self._polled:
            for number in self._polled.keys() - wanted.keys():
                self._poller.unregister(number)
            for number, (_, events) in wanted.items():
                self._poller.register(number, events)
            self._polled = wanted

    def whose(self, number: object) -> Worker | None:
        """The worker that the poller found by this number."""
        return next((w for n, (w, _) in self._polled.items() if n == number), None)
