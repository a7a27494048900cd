"""The server: keeps every socket and session, and hands audio to workers and stems to clients.

Audio goes its way in `server_audio.py`, and everything else in `server_control.py`. All of it runs
in one thread, and nothing in it waits: a client or worker that does not read loses what cannot be
queued.
"""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType

import zmq

from bridge.errors import RemoteProtocolError
from bridge.protocol.codec import Frame, decode, encode
from bridge.protocol.codes import Code
from bridge.protocol.fields import clipped
from bridge.protocol.messages import (
    CONTROL_TO_SERVER,
    Bye,
    Credit,
    Drained,
    Error,
    Hello,
    Ping,
    Pong,
    Report,
    Shutdown,
    Status,
    Stems,
)
from bridge.protocol.messages_worker import Failed, Loaded, Loading, Stats
from bridge.protocol.record import Message
from bridge.protocol.states import Socket
from bridge.runtime.cores import cores
from bridge.runtime.logs import log
from bridge.runtime.mistakes import contained, log_mistake
from bridge.runtime.pipe import PipeClosed
from bridge.runtime.report import report
from bridge.runtime.server_audio import AudioPath
from bridge.runtime.server_control import Control
from bridge.runtime.server_session import Session
from bridge.runtime.transport import ServerSockets
from bridge.runtime.workers import Watch, Worker, names

AT_ONCE = 32
"""Messages taken from one socket before the others have their turn."""

RETRY_US = 2_000
"""How soon stems are offered again to a client whose queue was full."""

TICK_US = 200_000
"""How often heartbeats, silent clients and waiting restarts are looked at."""


STOPPED_US = 1_000_000
"""A tick so much later than the one before comes after a stop of this process or the machine."""


class Server:
    """Serves on `sockets` until a signal comes, or nobody has been here for long enough.

    device: what networks run on. calibrate_us: how long a model is measured for before its first
    use. idle_exit_us: ends by itself after so long without a session; 0 for never.
    """

    def __init__(
        self,
        sockets: ServerSockets,
        *,
        device: str = "auto",
        calibrate_us: int,
        idle_exit_us: int = 0,
    ) -> None:
        self._sockets = sockets
        self._outlets = {Socket.CONTROL: sockets.control, Socket.AUDIO: sockets.audio}
        self._workers = {name: Worker(name, device) for name in names(cores())}
        self._local = all(endpoint.startswith("ipc:") for endpoint in sockets.endpoints)
        self._control = Control(self._tell, self._workers, calibrate_us, local=self._local)
        self._audio = AudioPath(self._control, self._workers, self._send)
        self._idle_exit_us = idle_exit_us
        self._alarm, self._wake = socket.socketpair()
        self._poller = zmq.Poller()
        for source in (sockets.control, sockets.audio, self._alarm):
            self._poller.register(source, zmq.POLLIN)
        self._watch = Watch(self._poller, self._workers)
        self._reported: Report | None = None
        self._stopping = False
        self._began_us = self._ticked_us = self._busy_us = now_us()

    def serve(self) -> None:
        """Serve until something ends it; then clients are told, and workers end."""
        before = [(n, signal.signal(n, self._stop)) for n in (signal.SIGINT, signal.SIGTERM)]
        try:
            while not self._stopping:
                self._turn()
        finally:
            for number, handler in before:
                signal.signal(number, handler)
            for session in self._control.sessions:
                self._control.end(session, "the server stops", Code.STOPPING)
            for worker in self._workers.values():
                worker.end()
            log("server.stopped")

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        log("server.signal", number=number)
        self._wake.send(b"!")

    def _turn(self) -> None:
        self._watch.update()
        self._audio.catch_up()
        for where, _ in self._poller.poll((RETRY_US if self._audio.is_behind else TICK_US) // 1000):
            if where is self._sockets.control:
                self._take(Socket.CONTROL, self._from_control)
            elif where is self._sockets.audio:
                self._take(Socket.AUDIO, self._audio.receive)
            elif worker := self._watch.whose(where):
                self._take_from_worker(worker)
        if (now := now_us()) - self._ticked_us >= TICK_US:
            self._tick(now)

    def _take(
        self, socket: Socket, take: Callable[[bytes, list[bytes], int], Message | None]
    ) -> None:
        """Take a few messages from a socket, and answer each that deserves it."""
        source = self._outlets[socket]
        for _ in range(AT_ONCE):
            if (received := self._sockets.receive(source)) is None:
                return
            peer, frames = received
            try:
                answer = take(peer, frames, now_us())
            except RemoteProtocolError as error:
                log("peer.refused", level=logging.DEBUG, code=error.code, reason=error)
                answer = Error(error.code, clipped(str(error)), clipped(error.hint))
            except Exception as error:  # noqa: BLE001 - whatever it is, others must not suffer
                log_mistake(error)
                answer = Error(Code.INTERNAL, "the server made a mistake; see its log", "")
            if answer is not None:
                self._send(socket, peer, encode(answer))
            if not int(source.getsockopt(zmq.EVENTS)) & zmq.POLLIN:  # cheaper than to try in vain
                return

    def _from_control(self, peer: bytes, frames: list[bytes], now: int) -> Message | None:
        message = decode(frames, CONTROL_TO_SERVER)
        session = self._control.sessions.by_peer(Socket.CONTROL, peer)
        match message:
            case Status():
                return self._report(now - self._began_us)
            case Shutdown():
                return self._shut_down()
            case Hello():
                self._control.hello(message, peer, now)
                return None
            case Ping() if session is None:
                return Pong(message.stamp)
        if session is None:
            raise RemoteProtocolError("no session; say HELLO first", Code.SESSION)
        if not session.protocol.receive(Socket.CONTROL, message, now):
            return None
        return self._control.receive(session, message, now)

    def _report(self, up_us: int) -> Report:
        """One for all who ask before the next tick: it takes time that audio has to wait."""
        if self._reported is None:
            self._reported = Report(report(self._control.sessions, self._workers, up_us))
        return self._reported

    def _shut_down(self) -> Message:
        if not self._local:
            text = "only who can reach its private folder may end the server"
            raise RemoteProtocolError(text, Code.FORBIDDEN)
        self._stopping = True
        return Bye(0)

    def _take_from_worker(self, worker: Worker) -> None:
        try:
            messages = worker.receive(now := now_us())
        except PipeClosed as end:
            self._bury(worker, str(end), now)
            return
        for message, frames in messages:
            with contained():
                self._from_worker(worker, message, frames)

    def _from_worker(self, worker: Worker, message: Message, frames: list[bytes]) -> None:
        match message:
            case Stems() | Credit() | Drained():
                self._audio.pass_on(message, frames, now_us())
            case Loading():
                self._control.loading(message, worker.name)
            case Loaded():
                self._control.loaded(message, worker.name, now_us())
            case Failed():
                self._control.failed(message, worker.name)
            case Error():
                self._control.fail(message)
            case Stats():
                worker.stats = message.stats

    def _bury(self, worker: Worker, reason: str, now: int) -> None:
        worker.bury(now, reason)
        self._control.died(worker.name)

    def _tell(self, session: Session, socket: Socket, message: Message) -> bool:
        peer = session.control if socket is Socket.CONTROL else session.audio
        session.protocol.send(socket, message, now_us())
        return self._send(socket, peer, encode(message))

    def _send(self, socket: Socket, peer: bytes, frames: Sequence[Frame]) -> bool:
        """Send without waiting; False when the peer is gone or does not read."""
        try:
            self._outlets[socket].send_multipart([peer, *frames], zmq.NOBLOCK, copy=False)
        except zmq.ZMQError:
            return False
        return True

    def _tick(self, now: int) -> None:
        was_stopped = now - self._ticked_us > STOPPED_US
        self._ticked_us, self._reported = now, None
        for worker in self._workers.values():
            try:
                worker.tick(now)
            except PipeClosed as end:
                self._bury(worker, str(end), now)
            if worker.is_wanted(now) and not worker.start(now):
                self._control.died(worker.name)
        self._control.tick()
        for session in self._control.sessions:
            if not was_stopped:  # what they said meanwhile is still on its way in
                with contained():
                    self._look_after(session, now)
        if len(self._control.sessions):
            self._busy_us = now
        elif self._idle_exit_us and now - self._busy_us > self._idle_exit_us:
            log("server.idle")
            self._stopping = True

    def _look_after(self, session: Session, now: int) -> None:
        if session.protocol.is_gone(now):
            self._control.end(session, "the client was silent", Code.SILENT)
            return
        for due in session.protocol.pings(now):
            self._tell(session, due, Ping(now))


def now_us() -> int:
    """Read this process' own clock, in microseconds."""
    return time.monotonic_ns() // 1000
