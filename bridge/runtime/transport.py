"""The sockets between a server and its clients: made here with every option, and nowhere else.

One ROUTER for control and one for audio, so that control never queues behind audio; a client has a
DEALER for each. There is no PUB socket: it keeps every subscription that a peer sends, of which
there may be any number. Clients ask for the status on the control socket instead.

    ipc (default)            two files of mode 0600 in the private runtime folder. Whoever can open
                             them is the same user, and could end the server anyway
    tcp on loopback          no keys; every user of this machine can connect
    tcp on other addresses   CURVE, and only clients whose keys are allowed
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zmq

from bridge.errors import ServerError, UsageError
from bridge.protocol import limits
from bridge.runtime.addresses import Address, parse_bind, reachable
from bridge.runtime.connection import Connection
from bridge.runtime.door import Door
from bridge.runtime.keys import KeyPair, allowed, client_keys, is_allowed, server_keys

Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]

_SEALED = 64  # bytes that CURVE adds to a frame, rounded up
_HANDSHAKE_MS = 3000  # a handshake takes four round trips; a connection that says nothing ends then
_BEAT_MS = 1000
_SILENCE_MS = 5000  # then a TCP connection counts as cut; TCP alone would try for 15 minutes
_RECONNECT_MS = 100
_RECONNECT_MAX_MS = 1000  # a server that is back shall not wait longer for its clients

# Messages that wait in one direction of one connection. A client sends once a millisecond, and what
# does not fit into the queue waits in the system, so that nothing is lost. In all connections that
# the door lets be these are 540 MB at most, and only while the server takes nothing.
_SERVER_RECEIVES = 64
# What does not fit is refused by EAGAIN. Credit is to keep far below it.
_SERVER_SENDS = 256
_CLIENT_SENDS = 1024
_CLIENT_RECEIVES = 256


@dataclass(frozen=True)
class ServerSockets:
    """The bound sockets of a server. Non-blocking use only; one thread."""

    context: Context
    control: Socket
    audio: Socket
    endpoints: tuple[str, str]  # of control and audio, as clients on this machine reach them
    server_key: str  # public, in hexadecimal; "" without CURVE
    door: Door | None

    def receive(self, socket: Socket) -> tuple[bytes, list[bytes]] | None:
        """The next message of `control` or `audio`: its sender, to answer, and its frames."""
        try:
            if self.door is None:  # copies are cheaper than frames where nobody has to be watched
                sender, *copies = socket.recv_multipart(zmq.NOBLOCK)
                return sender, copies
            peer, *frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        self.door.spoke(int(peer.get(zmq.SRCFD)))
        return peer.bytes, [frame.bytes for frame in frames]

    def close(self) -> None:
        """Close everything at once; what was not sent yet is dropped."""
        _close(self.context, [self.control, self.audio])
        if self.door is not None:
            self.door.join()
        for endpoint in self.endpoints:
            if endpoint.startswith("ipc://"):  # ZeroMQ leaves them there
                Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)


def bind_server(bind: str, folder: Path) -> ServerSockets:
    """The sockets of a server that listens at `bind`: ipc, or tcp://ADDRESS[:PORT].

    `folder` is the runtime folder, private and locked (`ServingLock`). Raises UsageError for what
    is no place to listen, or one that would let anyone in, and ServerError when it is not to be
    had.
    """
    address = parse_bind(bind)
    keys = _keys_for(bind, address)
    endpoints = _paths(folder) if address is None else _ports(address)
    context: Context = zmq.Context()
    sockets = [context.socket(zmq.ROUTER) for _ in endpoints]
    try:
        for socket, size in zip(sockets, _largest_received(), strict=True):
            _set_up_server(socket, size, address, keys)
        door = None
        if address is not None:
            door = Door(context, sockets, None if keys is None else is_allowed)
            door.start()
        bound = [
            _bind(socket, endpoint) for socket, endpoint in zip(sockets, endpoints, strict=True)
        ]
    except BaseException:
        _close(context, sockets)
        raise
    server_key = "" if keys is None else keys.public.hex()
    return ServerSockets(context, sockets[0], sockets[1], (bound[0], bound[1]), server_key, door)


def connect_client(context: Context, connection: Connection) -> tuple[Socket, Socket]:
    """The control and the audio socket of a client, connecting in the background.

    A server that refuses the client's key, or has another one than `connection` says, never
    answers, and ZeroMQ may not try again: whoever waits in vain closes them, and makes new ones
    from a connection file that was read again. Raises ServerError for what is no endpoint.
    """
    keys = client_keys() if connection.server_key else None
    control, audio = (context.socket(zmq.DEALER) for _ in range(2))
    for socket, endpoint in ((control, connection.control), (audio, connection.audio)):
        _set_up_client(socket, endpoint)
        if keys is not None:
            socket.curve_publickey = keys.public
            socket.curve_secretkey = keys.secret
            socket.curve_serverkey = bytes.fromhex(connection.server_key)
        try:
            socket.connect(endpoint)
        except zmq.ZMQError as error:
            control.close()
            audio.close()
            raise ServerError(
                f"{endpoint} is nothing to connect to; write tcp://ADDRESS:PORT into that "
                "connection file, or copy it again"
            ) from error
    return control, audio


def _keys_for(bind: str, address: Address | None) -> KeyPair | None:
    """The keys of a server that other machines can reach; None where none can."""
    if address is None or address.loopback:
        return None
    if not allowed():
        raise UsageError(
            f"--bind {bind} would let anyone in who can reach it: first allow a client's key by "
            "`stembridge keys allow NAME KEY`, or use ipc or tcp://127.0.0.1:*"
        )
    return server_keys()


def _paths(folder: Path) -> list[str]:
    paths = [folder.absolute() / f"{name}.ipc" for name in ("control", "audio")]
    for path in paths:
        if len(os.fsencode(path)) > zmq.IPC_PATH_MAX_LEN or not str(path).isprintable():
            raise ServerError(
                f"a socket cannot be at {str(path)!r}, which has to be {zmq.IPC_PATH_MAX_LEN} "
                "bytes of text at most; set STEMBRIDGE_RUNTIME_DIR to a shorter folder"
            )
    return [f"ipc://{path}" for path in paths]


def _ports(address: Address) -> list[str]:
    return [address.endpoint(offset) for offset in range(2)]


def _largest_received() -> tuple[int, int]:
    """Bytes of the largest frame that a server takes, on the control and on the audio socket."""
    block = limits.FRAMES * limits.CHANNELS * 4
    return limits.HEADER_BYTES, max(limits.HEADER_BYTES, block)


def _set_up_server(
    socket: Socket, largest: int, address: Address | None, keys: KeyPair | None
) -> None:
    _set_up(socket, largest)
    socket.rcvhwm = _SERVER_RECEIVES
    socket.sndhwm = _SERVER_SENDS
    # A full queue and a peer that is gone are errors (EAGAIN, EHOSTUNREACH), not silence. Nobody
    # gets another's messages by taking its routing id: ROUTER_HANDOVER stays off.
    socket.router_mandatory = True
    if address is not None:
        _set_up_tcp(socket, ipv6=":" in address.host)
    if keys is not None:
        socket.curve_server = True
        socket.curve_secretkey = keys.secret
        # Without both, ZeroMQ lets everyone in while nobody answers for the keys.
        socket.zap_domain = b"stembridge"
        socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)


def _set_up_client(socket: Socket, endpoint: str) -> None:
    _set_up(socket, limits.PAYLOAD_BYTES)
    socket.rcvhwm = _CLIENT_RECEIVES
    socket.sndhwm = _CLIENT_SENDS
    # Nothing is queued for a server that is not there: it would arrive too late to be of use.
    socket.immediate = True
    socket.reconnect_ivl = _RECONNECT_MS
    socket.reconnect_ivl_max = _RECONNECT_MAX_MS
    if endpoint.startswith("tcp://"):
        _set_up_tcp(socket, ipv6="[" in endpoint)


def _set_up(socket: Socket, largest: int) -> None:
    socket.linger = 0  # closing never waits for a peer
    socket.maxmsgsize = largest + _SEALED  # else a peer's word for a size is allocated
    socket.handshake_ivl = _HANDSHAKE_MS


def _set_up_tcp(socket: Socket, *, ipv6: bool) -> None:
    socket.ipv6 = ipv6
    # They notice a cut that TCP would not, so that TCP_KEEPALIVE is not needed. A local peer that
    # dies closes its end at once.
    socket.heartbeat_ivl = _BEAT_MS
    socket.heartbeat_timeout = _SILENCE_MS


def _bind(socket: Socket, endpoint: str) -> str:
    try:
        with _only_ours():
            socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise ServerError(
            f"{endpoint} cannot be bound: {os.strerror(error.errno or 0)}; give --bind another "
            "address or port"
        ) from error
    return reachable(socket.get_string(zmq.LAST_ENDPOINT))


@contextmanager
def _only_ours() -> Iterator[None]:
    """Files made meanwhile, such as sockets, have mode 0600."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _close(context: Context, sockets: list[Socket]) -> None:
    for socket in sockets:
        socket.close(linger=0)
    context.term()
