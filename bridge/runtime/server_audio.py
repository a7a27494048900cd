"""The server's part in the way of a block: from a client to its worker, and back as stems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bridge.errors import RemoteProtocolError
from bridge.protocol.codec import Frame, decode, encode
from bridge.protocol.codes import Code
from bridge.protocol.messages import (
    AUDIO_TO_SERVER,
    Attach,
    Attached,
    Audio,
    Credit,
    Drain,
    Drained,
    Ping,
    Pong,
    Reset,
    Stems,
)
from bridge.protocol.record import Message
from bridge.protocol.states import Socket, State
from bridge.runtime.server_control import Control
from bridge.runtime.server_session import Session
from bridge.runtime.worker_process import SESSION_BYTES
from bridge.runtime.workers import Worker

Send = Callable[[Socket, bytes, Sequence[Frame]], bool]


class AudioPath:
    """Checks what comes over the audio socket and hands it on as it is, and stems likewise."""

    def __init__(self, control: Control, workers: Mapping[str, Worker], send: Send) -> None:
        self._control = control
        self._sessions = control.sessions
        self._workers = workers
        self._send = send
        self._behind: set[Session] = set()

    @property
    def is_behind(self) -> bool:
        """True when something waits for room in the queue of a client."""
        return bool(self._behind)

    def receive(self, peer: bytes, frames: list[bytes], now_us: int) -> Message | None:
        """Take a message of a client; returns the answer. Raises RemoteProtocolError."""
        message = decode(frames, AUDIO_TO_SERVER)
        if isinstance(message, Attach):
            return self._attach(peer, message, now_us)
        session = self._sessions.by_peer(Socket.AUDIO, peer)
        if session is None:
            if isinstance(message, Ping):
                return Pong(message.stamp)
            raise RemoteProtocolError("no session on this socket; say ATTACH first", Code.SESSION)
        known, before = session.protocol.input_end, session.protocol.epoch
        if isinstance(message, Reset):
            self._check_room(session)
        if not session.protocol.receive(Socket.AUDIO, message, now_us):
            return None
        match message:
            case Ping():
                session.late = max(session.late, message.late)
                return Pong(message.stamp)
            case Reset():
                session.outbox.forget(before)  # for the client two epochs are open at most
                self._reset(session, message, frames)
            case Audio():
                self._hand_on(session, message.epoch, _unknown(message, known, frames))
            case Drain():
                self._hand_on(session, message.epoch, frames)
        return None

    def pass_on(self, message: Stems | Credit | Drained, frames: list[bytes], now_us: int) -> None:
        """Hand stems to their client, unless it does not read what it got before."""
        session = self._sessions.by_token(message.session)
        if session is None:
            return
        if isinstance(message, Stems) and (session.protocol.is_unread or session.outbox.is_full):
            session.unread += message.audio.shape[2]
            # A client that is given no credit has no way to tell what it got.
            message = Credit(message.session, message.epoch, message.received)
            frames = [bytes(frame) for frame in encode(message)]
        if session.protocol.send(Socket.AUDIO, message, now_us):
            session.outbox.add(message, frames)
            self._empty_outbox(session)
        if isinstance(message, Drained):
            before = session.workers
            session.epochs.pop(message.epoch, None)
            self._control.release(session, before)

    def catch_up(self) -> None:
        """Hand out what waited for room; nothing tells when there is some."""
        for session in list(self._behind):
            if self._sessions.by_token(session.token) is session:
                if session.protocol.state is State.LOST:
                    session.outbox.forget(session.protocol.epoch + 1)
                self._empty_outbox(session)
            else:
                self._behind.discard(session)

    def _empty_outbox(self, session: Session) -> None:
        session.outbox.send(lambda frames: self._send(Socket.AUDIO, session.audio, frames))
        (self._behind.add if session.outbox else self._behind.discard)(session)

    def _hand_on(self, session: Session, epoch: int, frames: Sequence[Frame]) -> None:
        granted = session.epochs.get(epoch)
        if frames and granted is not None and granted.worker not in session.recovering:
            if not self._waiting(session):
                session.handed = 0
            session.handed += sum(memoryview(frame).nbytes for frame in frames)
            self._workers[granted.worker].send(frames)

    def _waiting(self, session: Session) -> int:
        """Bytes that the workers of a session have still to read, whosever they are."""
        processes = [self._workers[name].process for name in session.workers]
        return sum(process.pipe.waiting for process in processes if process is not None)

    def _check_room(self, session: Session) -> None:
        """Raises RemoteProtocolError for a RESET, which grants fresh credit, when too much waits.

        Else who sends one after the other could fill the pipe of a worker that is busy.
        """
        if self._waiting(session) and session.handed > SESSION_BYTES:
            text = f"{session.handed} bytes wait for a worker, expected at most {SESSION_BYTES}"
            raise RemoteProtocolError(f"RESET: {text}; send it later", Code.CREDIT)

    def _attach(self, peer: bytes, message: Attach, now_us: int) -> Message:
        session = self._sessions.by_token(message.session)
        if session is None:
            raise RemoteProtocolError("no such session; say HELLO first", Code.SESSION)
        session.protocol.receive(Socket.AUDIO, message, now_us)
        self._sessions.attach(session, peer)
        session.outbox.forget(session.protocol.epoch + 1)
        return Attached(session.token)

    def _reset(self, session: Session, message: Reset, frames: list[bytes]) -> None:
        before = session.workers
        session.begin(message.epoch, message.request)
        self._control.release(session, before)
        for name in session.workers:  # where the epoch before is, it has to be ended
            if name not in session.recovering:
                self._workers[name].send(frames)


def _unknown(message: Audio, known: int, frames: Sequence[Frame]) -> Sequence[Frame]:
    """The frames of `message` from host frame `known` on; none where all was sent before.

    Credit bounds what waits for a worker, and nothing how often it is sent again.
    """
    again = known - message.start
    if again <= 0:
        return frames
    fresh = message.audio[:, again:]
    return encode(replace(message, start=known, audio=fresh)) if fresh.shape[1] else []
