"""The workers of a server: one for each kind of work, started when needed, and when it died."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.protocol.codec import Frame, encode
from bridge.protocol.messages import Ping
from bridge.runtime.logs import log
from bridge.runtime.pipe import PipeClosed
from bridge.runtime.worker_process import WorkerProcess

PING_US = 1_000_000
SILENT_US = 15_000_000
"""A worker that says nothing for so long hangs; importing torch from a slow disk takes less."""

PAUSES_US = (0, 500_000, 1_000_000, 2_000_000, 5_000_000)
"""Waits before a worker is started again, by how often it has died before it did anything."""

MOST_DEATHS = 5
"""Deaths in a row, without a result between them, after which its sessions are given up."""


KINDS = ("spectral", "networks", "fake")
"""Networks need torch, spectral must not wait for them, and fake costs what a client says."""


def kind_of(model: str) -> str:
    """Which of `KINDS` runs a model."""
    if model == "spectral" or model.partition(":")[0] == "fake":
        return model.partition(":")[0]
    return "networks"


@dataclass
class Worker:
    """One kind of worker: its process while there is one, and how it fares.

    loading: the key of the LOAD that it has not answered yet.
    """

    kind: str
    device: str
    process: WorkerProcess | None = None
    heard_us: int = 0
    pinged_us: int = 0
    start_us: int = 0
    deaths: int = 0
    restarts: int = 0
    loading: str = ""
    stats: dict[str, object] = field(default_factory=dict)

    def ensure(self, now_us: int) -> None:
        """Start it for the first time. One that died is started again by `is_wanted`'s caller."""
        if self.process is None and not self.deaths:
            self.start(now_us)

    def is_wanted(self, now_us: int) -> bool:
        """True when it died and its pause is over."""
        return self.process is None and self.deaths > 0 and now_us >= self.start_us

    def start(self, now_us: int) -> None:
        """Start the process."""
        self.process = WorkerProcess(self.kind, self.device)
        self.heard_us = self.pinged_us = now_us
        self.stats = {}
        self.loading = ""
        log("worker.started", kind=self.kind, pid=self.process.pid)

    def send(self, frames: Sequence[Frame]) -> None:
        """Send a message if there is a process; one that does not read is noticed by `receive`."""
        if self.process is not None:
            with suppress(PipeClosed):  # found, and buried, where it is listened to
                self.process.pipe.send(frames)

    def receive(self, now_us: int) -> list[list[bytes]]:
        """What it has sent; sends what waits. Raises PipeClosed when it is gone."""
        if self.process is None:
            return []
        with suppress(PipeClosed):  # it may have sent something before
            self.process.pipe.flush()
        frames = self.process.pipe.receive()
        if frames:
            self.heard_us = now_us
        return frames

    def bury(self, now_us: int, reason: str) -> None:
        """Note its death and when the next one may be started."""
        if self.process is None:
            return
        pid, status = self.process.pid, self.process.kill()
        log("worker.died", kind=self.kind, pid=pid, status=status, reason=reason)
        self.process = None
        self.start_us = now_us + PAUSES_US[min(self.deaths, len(PAUSES_US) - 1)]
        self.deaths += 1
        self.restarts += 1

    def tick(self, now_us: int) -> None:
        """Ask whether it lives. Raises PipeClosed when it has been silent for too long."""
        if self.process is None:
            return
        if now_us - self.heard_us > SILENT_US:
            raise PipeClosed(f"silent for {(now_us - self.heard_us) // 1_000_000} s")
        if now_us - self.pinged_us >= PING_US:
            self.pinged_us = now_us
            self.send(encode(Ping(now_us)))

    def end(self) -> None:
        """End the process; it has nothing to finish."""
        if self.process is not None:
            self.process.kill()
            self.process = None
