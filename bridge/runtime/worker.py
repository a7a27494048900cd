"""A worker process: loads models, keeps the streams of its sessions, and runs what is due first.

It only infers. The server checks every message and keeps the sessions; a worker trusts the server,
and the death of either is seen by the other as the end of the socket between them.

The main thread reads messages and hands out results. A network runs in a thread of its own, so
that heartbeats and input go on meanwhile; a weightless model, whose runs are short, runs in the
main thread, as handing it over would cost more than the run.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.core.admission import Run, choose_next
from bridge.core.figures import Durations
from bridge.engine.base import Audio
from bridge.errors import BridgeError, LocalProtocolError
from bridge.protocol import limits
from bridge.protocol.codec import decode, encode
from bridge.protocol.codes import Code
from bridge.protocol.fields import clipped
from bridge.protocol.messages import Audio as AudioMessage
from bridge.protocol.messages import (
    Credit,
    Drain,
    Drained,
    Error,
    Ping,
    Pong,
    Reset,
    Stems,
)
from bridge.protocol.messages_worker import (
    Close,
    Load,
    Open,
    Stats,
)
from bridge.protocol.record import Message
from bridge.runtime.logs import log, start_logging
from bridge.runtime.memory import give_memory_back
from bridge.runtime.pipe import Pipe, PipeClosed
from bridge.runtime.slot import Result, Slot
from bridge.runtime.worker_loads import Loads
from bridge.runtime.worker_models import Shelf
from bridge.runtime.worker_process import WAITING_BYTES
from bridge.runtime.worker_session import Epoch, Opened, WorkerSession, separate

NICENESS = 5
"""A network computes for seconds at a time and must not take the cores from the host's threads."""

SWITCH_SECONDS = 0.0005
"""How long a thread that holds Python's lock may make the one that reads messages wait."""

ACKNOWLEDGED_A_SECOND = 8
"""How often input is acknowledged where no stems do it: far more often than credit lasts."""


class Worker:
    """Serves one server through `pipe`. `threaded`: models run in threads of their own."""

    def __init__(self, pipe: Pipe, device: str, *, threaded: bool) -> None:
        self._pipe = pipe
        self._models = Shelf(device, self._may_measure, self._in_use)
        self._sessions: dict[int, WorkerSession] = {}
        self._left: deque[tuple[str, Durations, Durations]] = deque(
            maxlen=16
        )  # as much as is worth learning
        self._alarm, self._wake = socket.socketpair()
        self._alarm.setblocking(False)
        wake = (lambda: self._wake.send(b"!")) if threaded else None
        self._threaded = threaded
        self._runs = Slot("runs", wake)
        self._loads = Loads(self._models, Slot("loads", wake), self._send)
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._selector.register(self._alarm, selectors.EVENT_READ)
        self._is_writing = self._has_more = False
        self._busy_us, self._asked_us = 0, now_us()

    def serve(self) -> None:
        """Work until the server is gone."""
        try:
            while True:
                self._turn()
        except PipeClosed as end:
            log("worker.alone", reason=end)

    def _turn(self) -> None:
        if bool(self._pipe.waiting) != self._is_writing:
            self._is_writing = not self._is_writing
            writing = selectors.EVENT_WRITE if self._is_writing else 0
            self._selector.modify(self._pipe, selectors.EVENT_READ | writing)
        for key, _ in self._selector.select(0 if self._has_more else None):
            if key.fileobj is self._alarm:
                self._alarm.recv(64)
        if self._is_writing:
            self._pipe.flush()
        for frames in self._pipe.receive():
            self._handle(decode(frames))
        self._runs.collect()
        self._loads.collect()
        ran = self._start_run()
        # A run that is ready goes before a step of a job, which takes as long as a run.
        self._has_more = ran or self._loads.step()

    def _handle(self, message: Message) -> None:
        match message:
            case AudioMessage() | Reset() | Drain() | Close():
                session = self._sessions.get(message.session)
                if session is not None:  # else it is one of the worker that was here before
                    with self._failing(session):
                        self._handle_stream(session, message)
            case Ping():
                self._send(Pong(message.stamp))
                self._send(Stats(self._stats()))
            case Load():
                self._loads.add(message)
            case Open():
                session = self._sessions.setdefault(message.session, WorkerSession(message.session))
                self._open(session, message)
            case _:
                raise LocalProtocolError(f"a worker cannot read {type(message).__name__}")

    def _open(self, session: WorkerSession, message: Open) -> None:
        try:
            ready = self._models[message.key]
        except KeyError:  # forgotten since, as others were loaded: that ends one session, not all
            text = "its model was unloaded before it was opened; open the session again"
            self._fail(session, text)
            return
        opened = Opened.of(message, ready.model, ready.cost, ready.effects)
        session.configure(message.request, opened)

    def _handle_stream(self, session: WorkerSession, message: Message) -> None:
        match message:
            case AudioMessage():
                session.push(message.epoch, message.start, message.audio, now_us())
                self._acknowledge(session, message.epoch)
            case Reset():
                session.begin(message, now_us())
                self._sweep(session)
            case Drain():
                session.drain(message.epoch, message.stop, now_us())
                self._sweep(session)
            case Close():
                self._close(session)

    @contextmanager
    def _failing(self, session: WorkerSession) -> Iterator[None]:
        """An effect that fails ends its session, and no other."""
        try:
            yield
        except BridgeError as error:
            self._fail(session, str(error))

    def _fail(self, session: WorkerSession, text: str) -> None:
        """Have the server end a session, of which nothing is to be run until then."""
        self._send(Error(Code.MODEL, clipped(text), "", session.number))
        if self._sessions.get(session.number) is session:
            self._close(session)

    def _close(self, session: WorkerSession) -> None:
        del self._sessions[session.number]
        self._left.append((session.key, session.alike, session.shorter))
        self._models.keep()
        if not self._sessions:  # nobody waits now
            self._models.learn(self._left)
            self._left.clear()
            gc.collect()
            give_memory_back()

    def _start_run(self) -> bool:
        """Start what is due first; True when it is done and more may be due."""
        # Here a run would keep the stems of the one before from leaving.
        if self._runs.busy or (self._pipe.waiting and not self._threaded):
            return False
        due = [(s, epoch) for s in self._sessions.values() for epoch in self._due(s)]
        if not due:
            return False
        chosen = self._choose(due)
        began = now_us()
        contexts = [epoch.stream.advance() for _, epoch in chosen]
        model = chosen[0][1].opened.model
        self._runs.start(
            lambda: separate(model, contexts), lambda result: self._finish(chosen, began, result)
        )
        return not self._runs.busy

    def _due(self, session: WorkerSession) -> list[Epoch]:
        skipped = session.skipped
        due = list(session.due(now_us()))
        if session.skipped != skipped:  # the client may be waiting for the credit of those
            for epoch in session.epochs:
                self._acknowledge(session, epoch.number)
        return due

    def _choose(self, due: list[tuple[WorkerSession, Epoch]]) -> list[tuple[WorkerSession, Epoch]]:
        first = min(due, key=lambda one: (not one[1].opened.realtime, one[1].deadline_us))
        if len(due) == 1 or first[1].opened.model.batch == 1:
            return [first]
        now = now_us()
        runs = [Run(e.shape, e.deadline_us, e.opened.realtime, e.opened.costs_us) for _, e in due]
        coming = [task for s in self._sessions.values() if (task := s.coming(now)) is not None]
        stall_us = max(opened.cost.stall_us for opened in self._in_use())
        return [due[index] for index in choose_next(runs, now, coming, stall_us)]

    def _finish(
        self,
        chosen: list[tuple[WorkerSession, Epoch]],
        began: int,
        result: Result[list[Audio | BridgeError]],
    ) -> None:
        for (session, epoch), audio in zip(chosen, result(), strict=True):
            if isinstance(audio, BridgeError):
                self._fail(session, str(audio))
                continue
            with self._failing(session):
                start, final = epoch.finish(audio)
                if self._sessions.get(session.number) is session:
                    self._send_stems(session, epoch, start, final)
                    self._sweep(session)
            now = now_us()
            session.note((now - began) // len(chosen), epoch)
            session.overruns += now > epoch.deadline_us
            epoch.is_done_with_one(now)
        self._busy_us += now_us() - began

    def _send_stems(self, session: WorkerSession, epoch: Epoch, start: int, stems: Audio) -> None:
        epoch.acknowledged = epoch.stream.accepted
        for at in range(0, stems.shape[2], limits.FRAMES):
            piece = stems[:, :, at : at + limits.FRAMES]
            self._send(Stems(session.number, epoch.number, start + at, epoch.acknowledged, piece))
        if not stems.shape[2]:  # it was skipped or faded away, but the client may wait for credit
            self._send(Credit(session.number, epoch.number, epoch.acknowledged))

    def _acknowledge(self, session: WorkerSession, number: int) -> None:
        for epoch in session.epochs:
            accepted = epoch.stream.accepted
            step = epoch.opened.plan.incoming.source // ACKNOWLEDGED_A_SECOND
            if epoch.number == number and accepted - epoch.acknowledged >= step:
                epoch.acknowledged = accepted
                self._send(Credit(session.number, number, accepted))

    def _sweep(self, session: WorkerSession) -> None:
        for epoch in session.sweep():
            if epoch.opened.effects is not None:
                self._send_stems(session, epoch, *epoch.rest())
            self._send(Drained(session.number, epoch.number, epoch.stream.stop or 0))

    def _in_use(self) -> Iterator[Opened]:
        for session in list(self._sessions.values()):  # loads ask from a thread of their own
            yield from session.in_use()

    def _may_measure(self) -> bool:
        """Short runs disturb nobody; those of a network would, as nothing interrupts them."""
        return not (self._threaded and any(opened.realtime for opened in self._in_use()))

    def _stats(self) -> dict[str, object]:
        return {
            "pid": os.getpid(),
            "load_permille": self._load_permille(),
            "models": self._models.names(),
            "sessions": {str(s.number): s.stats() for s in self._sessions.values()},
        }

    def _load_permille(self) -> int:
        """Share of the time since the last question that runs took."""
        now = now_us()
        busy, elapsed = self._busy_us, now - self._asked_us
        self._busy_us, self._asked_us = 0, now
        return min(1000, 1000 * busy // max(1, elapsed))

    def _send(self, message: Message) -> None:
        self._pipe.send(encode(message))


def now_us() -> int:
    """Read this process' own clock, in microseconds."""
    return time.monotonic_ns() // 1000


def main(arguments: list[str]) -> None:
    """Serve the server at the other end of the socket with this number; does not return."""
    number, kind, device = arguments
    start_logging()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    networks = kind == "networks"
    if networks and hasattr(os, "nice"):
        os.nice(NICENESS)
        sys.setswitchinterval(SWITCH_SECONDS)
    gc.disable()  # a collection with torch loaded takes 100 ms; see where one is asked for
    status = 1
    try:
        end = socket.socket(fileno=int(number))
        Worker(Pipe(end, WAITING_BYTES), device, threaded=networks).serve()
        status = 0
    except Exception:  # noqa: BLE001 - whatever it is, it is said, and the end
        sys.excepthook(*sys.exc_info())
    finally:
        # Python would wait for the threads, and so for a run or a load that nobody wants any more.
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
