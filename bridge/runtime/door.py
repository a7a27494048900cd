"""The door of a server that listens on TCP: who may come in, how many, and what they may leave.

A thread of its own, so that whoever knocks never holds up audio. It does what ZeroMQ leaves open:

- It says which client keys are allowed (ZAP, https://rfc.zeromq.org/spec/27). pyzmq's own
  authenticator needs an event loop that Windows does not have, and keeps a copy of the keys.
- ZeroMQ accepts connections until the process has no file left. Beyond CONNECTIONS the door ends
  the oldest that has not said anything yet, which a client does at once; else the newest.
- ZeroMQ bounds the size of a frame and the number of messages, but not the frames of one message,
  and keeps them until the last has come: 300 MB/s of memory for whoever sends no last one. The door
  ends connections that have sent much since their last whole message (where TCP counts it: Linux).

On Windows, where file numbers of connections are no file numbers, it only looks at keys.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from bridge.runtime.logs import log

CONNECTIONS = 64
"""Connections of one socket; a client has one."""

UNFINISHED_BYTES = 2 << 20
"""On the wire, since the last whole message, in all connections together. An ordinary message has
at most 140 kB. In empty frames, 64 bytes in memory for 2, it is 67 MB; with what comes in until the
connection is ended, 150 MB were measured. 16 stereo streams of 48 kHz bring as much in 0.3 s, but
nothing of it counts while the server takes messages."""

LOOK_S = 0.03
"""Between two looks at what connections have sent."""

_QUIET_S = 10.0  # between two lines about refused keys, so that nobody can fill a disk with them
_ZAP = "inproc://zeromq.zap.01"
_NEWS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
_RECEIVED = struct.Struct("=Q")
_RECEIVED_AT = 128  # of tcpi_bytes_received in Linux' struct tcp_info, which has it from 4.1 on


@dataclass
class _Connection:
    peer: Any  # tells it from a later one with the same file number
    spoken: bool = False
    done: int = 0  # bytes that had come when its last whole message was noticed
    unfinished: int = 0


_Connections = dict[int, _Connection]  # by file number, oldest first


class Door(Thread):
    """Watches `listeners`, which shall be bound after it was started, until `context` ends.

    `allowed` tells of a client's public key, 32 bytes, whether it may come in, and never raises;
    None for listeners without CURVE.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        listeners: Sequence[zmq.Socket[bytes]],
        allowed: Callable[[bytes], bool] | None,
    ) -> None:
        super().__init__(name="door", daemon=True)
        self._handlers: dict[zmq.Socket[bytes], Callable[[list[bytes]], None]] = {}
        self._connections: list[_Connections] = [{} for _ in listeners]
        self._spoken: set[int] = set()
        self._quiet_until = 0.0
        self._crowded = False
        for number, listener in enumerate(listeners):
            listener.monitor(f"inproc://door.{number}", _NEWS)
            news = context.socket(zmq.PAIR)
            news.connect(f"inproc://door.{number}")
            self._handlers[news] = partial(self._note, self._connections[number])
        if allowed is not None:
            keys = context.socket(zmq.REP)
            keys.bind(_ZAP)
            self._handlers[keys] = partial(self._answer, keys, allowed)

    def spoke(self, connection: int) -> None:
        """Say that a whole message came by this file number (`zmq.SRCFD`). For other threads."""
        self._spoken.add(connection)

    def run(self) -> None:
        """Look after the door until the context ends."""
        poller = zmq.Poller()
        for source in self._handlers:
            poller.register(source, zmq.POLLIN)
        look = time.monotonic()
        try:
            while True:
                for source, _ in poller.poll(int(LOOK_S * 1000)):
                    self._handlers[source](source.recv_multipart())
                if time.monotonic() >= look:
                    self._look()
                    look = time.monotonic() + LOOK_S
        except zmq.ContextTerminated:
            pass
        finally:  # or whoever ends the context would wait for ever
            for source in self._handlers:
                source.close(linger=0)

    def _answer(
        self, keys: zmq.Socket[bytes], allowed: Callable[[bytes], bool], question: list[bytes]
    ) -> None:
        """Answer libzmq about one key; whatever is odd about the question is a no."""
        version, request, _, address, _, mechanism, *credentials = question
        key = credentials[0] if mechanism == b"CURVE" and len(credentials) == 1 else b""
        good = len(key) == 32 and allowed(key)
        if not good and time.monotonic() >= self._quiet_until:
            log("key.refused", key=key.hex(), address=address.decode("ascii", "replace"))
            self._quiet_until = time.monotonic() + _QUIET_S
        answer = (b"200", b"OK") if good else (b"400", b"")
        keys.send_multipart([version, request, *answer, b"", b""])

    def _note(self, connections: _Connections, news: list[bytes]) -> None:
        """Keep the connections of one listener, and their number within bounds."""
        event = parse_monitor_message(news)
        number = event["value"]
        connections.pop(number, None)
        if event["event"] != zmq.EVENT_ACCEPTED:
            return
        with suppress(OSError), _borrow(number) as link:  # it may be gone already
            connections[number] = _Connection(link.getpeername())
        if len(connections) > CONNECTIONS:
            spoken = {number for number, one in connections.items() if one.spoken} | self._spoken
            _end(connections, next((n for n in connections if n not in spoken), number))

    def _look(self) -> None:
        """End the connections that send without end, if all together are above the bound twice.

        Twice, since a process that was stopped finds much at once when it goes on.
        """
        spoken, self._spoken = self._spoken, set()
        for connections in self._connections:
            for number in list(connections):
                _update(connections, number, spoke=number in spoken)
        sent = [one.unfinished for all_ in self._connections for one in all_.values()]
        crowded = sum(sent) > UNFINISHED_BYTES
        if crowded and self._crowded:
            share = UNFINISHED_BYTES // (len(self._connections) * CONNECTIONS)
            for connections in self._connections:
                for number in [n for n, one in connections.items() if one.unfinished > share]:
                    log("connection.ended", peer=connections[number].peer, why="no whole message")
                    _end(connections, number)
        self._crowded = crowded


def _borrow(number: int) -> socket.socket:
    """A second hold on the connection with this file number. Raises OSError."""
    return socket.socket(fileno=os.dup(number))


def _update(connections: _Connections, number: int, *, spoke: bool) -> None:
    one = connections[number]
    try:
        with _borrow(number) as link:
            if link.getpeername() != one.peer:
                raise ConnectionError
            received = _received(link)
    except OSError:  # it is gone
        del connections[number]
        return
    if spoke:
        one.spoken = True
        one.done = received
    one.unfinished = received - one.done


def _end(connections: _Connections, number: int) -> None:
    """End a connection as if its peer had: ZeroMQ frees all that belongs to it."""
    one = connections.pop(number)
    with suppress(OSError), _borrow(number) as link:
        if link.getpeername() == one.peer:
            link.shutdown(socket.SHUT_RDWR)


def _received(link: socket.socket) -> int:
    """Bytes that have come in by a TCP connection; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    found = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if len(found) < _RECEIVED_AT + _RECEIVED.size:
        return 0
    return int(_RECEIVED.unpack_from(found, _RECEIVED_AT)[0])
