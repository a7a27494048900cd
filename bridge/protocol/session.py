"""The two ends of a session, without IO: what may be sent now, and what came in. See states.py.

    session = ClientSession()
    session.send(Socket.CONTROL, hello, now_us)  # raises when it may not be sent
    control.send_multipart(encode(hello))
    ...
    message = decode(control.recv_multipart(), CONTROL_TO_CLIENT)
    if session.receive(Socket.CONTROL, message, now_us):  # False: ignore it

Every `now_us` is on one steady clock of the caller. The caller sends a PING where `pings` says so,
and answers one with PONG.
"""

from __future__ import annotations

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol.book import Book
from bridge.protocol.codes import Code
from bridge.protocol.epochs import Violation
from bridge.protocol.heartbeat import Heartbeat
from bridge.protocol.messages import (
    AUDIO_TO_CLIENT,
    AUDIO_TO_SERVER,
    CONTROL_TO_CLIENT,
    CONTROL_TO_SERVER,
    Reset,
    Welcome,
)
from bridge.protocol.record import Message
from bridge.protocol.states import Socket, State

_TO_SERVER = {Socket.CONTROL: CONTROL_TO_SERVER, Socket.AUDIO: AUDIO_TO_SERVER}
_TO_CLIENT = {Socket.CONTROL: CONTROL_TO_CLIENT, Socket.AUDIO: AUDIO_TO_CLIENT}


class _End:
    """What both ends of a session can be asked."""

    def __init__(self) -> None:
        self._book = Book()

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._book.state

    @property
    def token(self) -> int:
        """The session's token; 0 when there is none."""
        return self._book.token

    @property
    def request(self) -> int:
        """Number of the newest CONFIGURE; the next one is greater."""
        return self._book.request

    @property
    def pending(self) -> int:
        """The request that was not answered yet; 0 when there is none."""
        return self._book.pending

    @property
    def epoch(self) -> int:
        """Number of the newest epoch, open or over; the next one is greater."""
        return self._book.epochs.newest

    def pings(self, now_us: int) -> list[Socket]:
        """The sockets over which a PING is due, as nothing else was sent."""
        book = self._book
        return [s for s, beat in book.beats.items() if beat.is_due(now_us, book.heartbeat_us)]

    def _silent(self, now_us: int) -> list[bool]:
        """For each socket in use, whether the peer was silent for too long."""
        book = self._book
        return [beat.is_gone(now_us, book.heartbeat_us) for beat in book.beats.values()]

    def _enter(self, message: Message, types: frozenset[type[Message]]) -> bool:
        session: int = getattr(message, "session", 0)
        if session not in (0, self._book.token) and type(message) is not Welcome:
            raise Violation(Code.SESSION, "it is about another session")
        return self._book.enter(message, types)

    def _note_heard(self, socket: Socket, now_us: int) -> None:
        self._book.beats.setdefault(socket, Heartbeat(now_us, now_us)).heard_us = now_us

    def _note_sent(self, socket: Socket, now_us: int) -> None:
        if self._book.state is not State.OFFLINE:  # a BYE has ended it
            self._book.beats.setdefault(socket, Heartbeat(now_us, now_us)).sent_us = now_us


class ClientSession(_End):
    """The client's end. It outlives connections: a HELLO over new sockets begins again."""

    @property
    def credit_left(self) -> int:
        """Host frames by which AUDIO may go on; 0 while no epoch takes input."""
        epoch = self._book.epochs.current
        if epoch is None or epoch.stop is not None:
            return 0
        return epoch.received + epoch.terms.credit - epoch.input_end

    @property
    def _plans(self) -> tuple[int, int]:
        """Requests that a RESET may name: the newest CONFIGURED, and that of the epoch before.

        The server keeps a few more, since CONFIGUREs may overtake a RESET on the other socket.
        """
        return self._book.agreed, self._book.epochs.request

    def is_gone(self, now_us: int) -> bool:
        """True when a socket was silent for so long that the server has to be gone."""
        return any(self._silent(now_us))

    def disconnect(self) -> None:
        """The connection is gone, and the session with it."""
        self._book.end()

    def send(self, socket: Socket, message: Message, now_us: int) -> None:
        """Enter `message`, to be sent then. Raises LocalProtocolError when it may not be."""
        try:
            if isinstance(message, Reset) and message.request not in self._plans:
                raise Violation(Code.ORDER, f"request {message.request}, expected {self._plans}")
            if not self._enter(message, _TO_SERVER[socket]):
                raise Violation(Code.ORDER, "its epoch is over; RESET opens the next")
        except Violation as violation:
            raise LocalProtocolError(f"{message.wire_name}: {violation}") from None
        self._note_sent(socket, now_us)

    def receive(self, socket: Socket, message: Message, now_us: int) -> bool:
        """Enter `message`; False when it is about what is over, and to be ignored.

        Raises RemoteProtocolError when the server may not send it now.
        """
        if self.state is State.OFFLINE:
            return False
        self._note_heard(socket, now_us)
        try:
            return self._enter(message, _TO_CLIENT[socket])
        except Violation as violation:
            if violation.code is Code.SESSION:
                return False
            raise RemoteProtocolError(f"{message.wire_name}: {violation}", violation.code) from None


class ServerSession(_End):
    """The server's end. It begins with the client's HELLO and is done once it is OFFLINE again."""

    @property
    def input_end(self) -> int:
        """Host frame up to which the newest epoch has its input; 0 without one."""
        epoch = self._book.epochs.current
        return 0 if epoch is None else epoch.input_end

    @property
    def in_flight(self) -> int:
        """Host frames of stems that were sent and that the client has not said it got."""
        return self._book.epochs.in_flight

    @property
    def is_unread(self) -> bool:
        """True when more is in flight than a client that reads lets pile up.

        It has sent input up to its credit, and stems are at most the latency behind that.
        """
        epoch = self._book.epochs.current
        if epoch is None:
            return False
        return self.in_flight > epoch.terms.credit + epoch.terms.latency + limits.FRAMES

    def is_gone(self, now_us: int) -> bool:
        """True when every socket was silent for so long that the client has to be gone."""
        silent = self._silent(now_us)
        return bool(silent) and all(silent)

    def receive(self, socket: Socket, message: Message, now_us: int) -> bool:
        """Enter `message`; False when it is about an epoch that is over, and to be ignored.

        Raises RemoteProtocolError when the client may not send it now.
        """
        self._note_heard(socket, now_us)
        try:
            return self._enter(message, _TO_SERVER[socket])
        except Violation as violation:
            raise RemoteProtocolError(f"{message.wire_name}: {violation}", violation.code) from None

    def send(self, socket: Socket, message: Message, now_us: int) -> bool:
        """Enter `message`, to be sent then; False when it is too late for it, and not to be sent.

        Raises LocalProtocolError when it may not be sent now.
        """
        try:
            fresh = self._enter(message, _TO_CLIENT[socket])
        except Violation as violation:
            raise LocalProtocolError(f"{message.wire_name}: {violation}") from None
        if fresh:
            self._note_sent(socket, now_us)
        return fresh
