"""The two sockets of a client, used without waiting: ZeroMQ ends here."""

from __future__ import annotations

from threading import Thread

import zmq

from bridge.protocol.codec import Frame
from bridge.protocol.states import Socket
from bridge.runtime.connection import Connection
from bridge.runtime.transport import Context, connect_client

# As numbers: to combine enumerations takes longer than all else that is asked here.
_READABLE, _WRITABLE = int(zmq.POLLIN), int(zmq.POLLOUT)


class ClientSockets:
    """Connects in the background. For one thread at a time. Raises ServerError for lack of keys.

    local: nothing but this machine lies between the client and the server.
    """

    def __init__(self, connection: Connection) -> None:
        self.local = connection.audio.startswith("ipc://")
        self._context: Context = zmq.Context()
        try:
            control, audio = connect_client(self._context, connection)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self._sockets = {Socket.CONTROL: control, Socket.AUDIO: audio}
        self._poller = zmq.Poller()
        for socket in self._sockets.values():
            self._poller.register(socket, zmq.POLLIN)

    def is_writable(self, socket: Socket) -> bool:
        """Whether the server is there and a message can be sent to it now."""
        return self._is_ready(socket, _WRITABLE)

    def send(self, socket: Socket, frames: list[Frame]) -> bool:
        """Send one message; False when the server is not there or does not read."""
        try:
            self._sockets[socket].send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def receive(self, socket: Socket) -> list[bytes] | None:
        """The next message, None when there is none."""
        # Asking takes a fraction of what raising zmq.Again does, and is mostly answered by no.
        if not self._is_ready(socket, _READABLE):
            return None
        return self._sockets[socket].recv_multipart(zmq.NOBLOCK)

    def wait(self, timeout_us: int) -> None:
        """Return once something can be received, or after `timeout_us`."""
        self._poller.poll(-(-timeout_us // 1000))

    def _is_ready(self, socket: Socket, event: int) -> bool:
        return bool(int(self._sockets[socket].get(zmq.EVENTS)) & event)

    def close(self, patience_us: int = 0) -> None:
        """Close both; what has not left after `patience_us` is dropped."""
        self._context.destroy(linger=patience_us // 1000)

    def leave(self, patience_us: int) -> Thread:
        """Like `close`, without waiting; the thread ends when it is done."""
        for socket in self._sockets.values():
            socket.close(linger=patience_us // 1000)
        leaving = Thread(target=self._context.term, daemon=True)
        leaving.start()
        return leaving
