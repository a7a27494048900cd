"""A client of two sockets and the codec: it can do what `StemStream` never would."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Self, TypeVar

import zmq

from bridge.protocol.codec import Frame, decode, encode
from bridge.protocol.messages import (
    AUDIO_TO_CLIENT,
    CONTROL_TO_CLIENT,
    Attach,
    Attached,
    Configure,
    Configured,
    Error,
    Hello,
    Ping,
    Pong,
    Welcome,
)
from bridge.protocol.record import Message
from bridge.protocol.states import Socket
from bridge.runtime.connection import read_connection
from bridge.runtime.transport import connect_client

M = TypeVar("M", bound=Message)
STAY_SECONDS = 0.5
_ACCEPTED = {Socket.CONTROL: CONTROL_TO_CLIENT, Socket.AUDIO: AUDIO_TO_CLIENT}


class Raw:
    """Connected to the server of a connection file. By itself it only answers PING."""

    def __init__(self, connection: Path) -> None:
        self._context: Any = zmq.Context()
        control, audio = connect_client(self._context, read_connection(connection))
        self._sockets = {Socket.CONTROL: control, Socket.AUDIO: audio}
        self._stayed = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)

    def send(self, socket: Socket, message: Message) -> None:
        """Send a message, waiting for room in the queue."""
        self.send_frames(socket, encode(message))

    def send_frames(self, socket: Socket, frames: list[Frame]) -> None:
        """Send whatever it is."""
        assert self._sockets[socket].poll(60_000, zmq.POLLOUT), "the server takes nothing"
        self._sockets[socket].send_multipart(frames)

    def receive(self, socket: Socket, kind: type[M], seconds: float = 30.0) -> M:
        """The next message of this type; others are dropped, but an ERROR in its place fails."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._sockets[socket].poll(int(left * 1000) + 1):
                message = decode(self._sockets[socket].recv_multipart(), _ACCEPTED[socket])
                if isinstance(message, kind):
                    return message
                assert not isinstance(message, Error), message
                if isinstance(message, Ping):
                    self.send(socket, Pong(message.stamp))
        raise AssertionError(f"no {kind.__name__} came within {seconds} s")

    def stay(self) -> None:
        """Say something if it is time to, so that the server does not take it for gone.

        Its queue holds the answers of two minutes.
        """
        if (now := time.monotonic()) - self._stayed > STAY_SECONDS:
            self._stayed = now
            self.send(Socket.CONTROL, Ping(1))

    def greet(self, name: str = "test") -> int:
        """Begin a session; returns its token."""
        self.send(Socket.CONTROL, Hello((1, 0), name))
        return self.receive(Socket.CONTROL, Welcome).session

    def attach(self, token: int) -> None:
        """Bind the audio socket to the session."""
        self.send(Socket.AUDIO, Attach(token))
        self.receive(Socket.AUDIO, Attached)

    def configure(self, token: int, **wishes: Any) -> Configured:
        """Have a plan; see `configuring`."""
        self.send(Socket.CONTROL, configuring(token, **wishes))
        return self.receive(Socket.CONTROL, Configured)


def configuring(token: int, request: int = 1, **wishes: Any) -> Configure:
    """CONFIGURE for a stereo stream of `fake` that waits for its stems, and what is wished."""
    usual: dict[str, Any] = {
        "rate": 48_000,
        "block": 512,
        "channels": 2,
        "model": "fake",
        "precision": "exact",
        "latency_us": 0,
        "burst": -1,
        "context": 0,
        "lookahead": -1,
        "transport_us": 1000,
        "residual": True,
        "realtime": False,
    }
    return Configure(token, request, **(usual | wishes))
