"""The connection of a stream: sockets, handshake, heartbeats, and giving up to begin again.

    closed --open--> HELLO, WELCOME --> ATTACH, ATTACHED --> CONFIGURE, CONFIGURED --> ready
       ^                                                                                 |
       +------------------ drop: silence, an ERROR, BYE, a broken connection ------------+

Nothing here waits but `wait`. Every `now_us` is on one steady clock of the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from bridge.errors import RemoteProtocolError, ServerError
from bridge.protocol import limits
from bridge.protocol.codec import decode, encode
from bridge.protocol.fields import VERSION
from bridge.protocol.messages import (
    AUDIO_TO_CLIENT,
    CONTROL_TO_CLIENT,
    Attach,
    Attached,
    Bye,
    Configure,
    Configured,
    Error,
    Hello,
    Lost,
    Ping,
    Pong,
    Welcome,
)
from bridge.protocol.record import Message
from bridge.protocol.session import ClientSession
from bridge.protocol.states import Socket
from bridge.runtime.client_sockets import ClientSockets

ATTEMPT_US = 3_000_000
"""How long a server may take to let us in. Then the connection file is read again."""

PAUSE_US, LONGEST_PAUSE_US = 100_000, 2_000_000
"""Waits before the connection is opened again, doubled each time."""

GOODBYE_US = 200_000
"""How long closing may take, so that the server hears of it and need not wait for silence."""

MOST_AT_ONCE = 256
"""Messages taken before whoever asked goes on; what a client's queue holds."""

_ACCEPTED = {Socket.CONTROL: CONTROL_TO_CLIENT, Socket.AUDIO: AUDIO_TO_CLIENT}
Ask = Callable[[int, int], Configure]
"""Makes the CONFIGURE of a session and a request."""


class Link:
    """A connection that can be opened again.

    name: of the client, for the server's reports.
    answer: to the newest question for a plan; None until there is one in this session.
    problem: why the connection was closed last. reopen_us: when it may be opened again.
    failures: how often it was closed since it was last of any use.
    most_frames: in one AUDIO message. late_frames: told to the server, for its status.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._session = ClientSession()
        self._sockets: ClientSockets | None = None
        self._leaving: list[Thread] = []
        self._ask: Ask | None = None
        self._greeted = self._attaching = self._attached = False
        self._asked = True
        self._opened_us = 0
        self.failures = 0
        self.reopen_us = 0
        self.problem = ""
        self.answer: Configured | Error | None = None
        self.most_frames = 0
        self.late_frames = 0

    @property
    def is_open(self) -> bool:
        """Whether there are sockets."""
        return self._sockets is not None

    @property
    def is_attached(self) -> bool:
        """Whether the server knows the audio socket, so that round trips can be measured."""
        return self._attached

    @property
    def token(self) -> int:
        """Of the session; 0 without one."""
        return self._session.token

    @property
    def next_epoch(self) -> int:
        """A number that no epoch had."""
        return self._session.epoch + 1

    def open(self, sockets: ClientSockets, now_us: int) -> None:
        """Begin the handshake over new sockets."""
        self._sockets = sockets
        self._opened_us = now_us
        self._greeted = self._attaching = self._attached = False
        self._asked = self._ask is None

    def ask(self, ask: Ask, *, now: bool = True) -> None:
        """Ask for this plan after each new connection, and now or as soon as there is one."""
        self._ask = ask
        self._asked = not now
        self.answer = None

    def tend(self, now_us: int) -> list[Message]:
        """Do all that is due; returns what came and is not about the connection itself."""
        messages = [*self._receive(Socket.CONTROL, now_us), *self._receive(Socket.AUDIO, now_us)]
        if self._sockets is not None:
            self._shake_hands(self._sockets, now_us)
        if self._sockets is not None:
            self._keep_alive(self._sockets, now_us)
        return messages

    def receive(self, now_us: int) -> list[Message]:
        """What came over the audio socket; the rest is left to `tend`."""
        return self._receive(Socket.AUDIO, now_us)

    def send(self, message: Message, now_us: int, socket: Socket = Socket.AUDIO) -> None:
        """Send, or drop the connection if that cannot be done at once."""
        if self._sockets is not None:
            self._session.send(socket, message, now_us)
            if not self._sockets.send(socket, encode(message)):
                self.drop("the connection to the sidecar broke", now_us)

    def wait(self, timeout_us: int) -> None:
        """Return once something came, or after `timeout_us`. Only while open."""
        if self._sockets is not None:
            self._sockets.wait(timeout_us)

    def drop(self, problem: str, now_us: int) -> None:
        """Say goodbye if that can be done at once, and close the sockets because of `problem`.

        They are to be opened again at `reopen_us`.
        """
        if self._say_goodbye(now_us) and self._sockets is not None:
            under_way = [thread for thread in self._leaving if thread.is_alive()]
            self._leaving = [*under_way, self._sockets.leave(GOODBYE_US)]  # nobody waits here
            self._sockets = None
        self._close()
        self.problem = problem
        self.reopen_us = now_us + min(PAUSE_US << min(self.failures, 10), LONGEST_PAUSE_US)
        self.failures += 1

    def leave(self, now_us: int) -> None:
        """Say goodbye if that can be done at once, and close."""
        self._say_goodbye(now_us)
        self._close(GOODBYE_US)
        for thread in self._leaving:
            thread.join()

    def _say_goodbye(self, now_us: int) -> bool:
        """Whether it was said: else the server keeps the session, until it was silent for long.

        A server that is stopped finds it when it goes on.
        """
        if self._sockets is not None and self.token and self._sockets.is_writable(Socket.CONTROL):
            goodbye = Bye(self.token)
            self._session.send(Socket.CONTROL, goodbye, now_us)
            return self._sockets.send(Socket.CONTROL, encode(goodbye))
        return False

    def _close(self, patience_us: int = 0) -> None:
        """Close the sockets, waiting so long for what was sent to leave; the session is over."""
        if self._sockets is not None:
            self._sockets.close(patience_us)
        self._sockets = None
        self._attached = False
        self.answer = None
        self._session.disconnect()

    def _receive(self, socket: Socket, now_us: int) -> list[Message]:
        messages = []
        for _ in range(MOST_AT_ONCE):
            frames = self._sockets.receive(socket) if self._sockets is not None else None
            if frames is None:
                break
            try:
                message = decode(frames, _ACCEPTED[socket])
                wanted = self._session.receive(socket, message, now_us)
            except RemoteProtocolError as error:
                self.drop(f"the sidecar broke the protocol: {error}", now_us)
                break
            # The loss of an epoch that is not the newest any more is news all the same.
            news = wanted and not self._handle(socket, message, now_us)
            if news or isinstance(message, Lost):
                messages.append(message)
        return messages

    def _handle(self, socket: Socket, message: Message, now_us: int) -> bool:
        """Deal with what is about the connection itself; False for everything else."""
        match message:
            case Welcome():
                self.most_frames = message.max_frames
            case Attached():
                self._attached = True
            case Ping():
                self.send(Pong(message.stamp), now_us, socket)
            case Error(request=0):
                self.drop(_said(message), now_us)
            case Configured() | Error():
                self.answer = message
                return False
            case Bye():
                self.drop("the sidecar ended the session", now_us)
            case _:
                return False
        return True

    def _shake_hands(self, sockets: ClientSockets, now_us: int) -> None:
        """Send the next message of the handshake, if it is our turn and can be done now."""
        if not self._attached and now_us - self._opened_us > ATTEMPT_US:
            self.drop("the sidecar does not answer", now_us)
        elif not self._greeted:
            if sockets.is_writable(Socket.CONTROL):
                self._greeted = True
                self.send(Hello(VERSION, self._name), now_us, Socket.CONTROL)
        elif self.token and not self._attaching:
            if sockets.is_writable(Socket.AUDIO):
                self._attaching = True
                self.send(Attach(self.token), now_us)
        elif self._attached and not self._asked and sockets.is_writable(Socket.CONTROL):
            self._asked = True
            if self._ask is not None:
                message = self._ask(self.token, self._session.request + 1)
                self.send(message, now_us, Socket.CONTROL)

    def _keep_alive(self, sockets: ClientSockets, now_us: int) -> None:
        if self._session.is_gone(now_us):
            self.drop("the sidecar is silent", now_us)
        elif self._attached and not all(map(sockets.is_writable, Socket)):
            self.drop("the connection to the sidecar broke", now_us)
        else:
            for socket in self._session.pings(now_us):
                self.send(Ping(now_us, min(self.late_frames, limits.NUMBER)), now_us, socket)


def agreed(answer: Configured | Error) -> Configured:
    """The plan that the server grants. Raises ServerError, with what it says, when it refuses."""
    if isinstance(answer, Error):
        raise ServerError(_said(answer), answer.code)
    return answer


def _said(error: Error) -> str:
    return f"{error.text}; {error.hint}" if error.hint else error.text
