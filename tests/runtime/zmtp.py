"""A peer that speaks just enough ZMTP 3 to misbehave; see https://rfc.zeromq.org/spec/23."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable


def greeting(mechanism: bytes = b"NULL") -> bytes:
    """What both ends say first, 64 bytes."""
    return b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism.ljust(20, b"\0") + bytes(32)


def frame(body: bytes, *, more: bool = False, command: bool = False) -> bytes:
    """One frame; `more` says that its message goes on."""
    flags = more | command << 2
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


def ready(kind: bytes = b"DEALER") -> bytes:
    """The command that ends a handshake without keys."""
    body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    return frame(body, command=True)


def open_link(endpoint: str) -> socket.socket:
    """A plain connection to an endpoint of ipc or tcp with an IPv4 address."""
    kind, _, place = endpoint.partition("://")
    if kind == "ipc":
        link = socket.socket(socket.AF_UNIX)
        link.connect(place)
        return link
    host, _, port = place.rpartition(":")
    return socket.create_connection((host, int(port)))


def connect(endpoint: str) -> socket.socket:
    """A connection that has shaken hands as a DEALER without keys, and may send frames."""
    link = open_link(endpoint)
    link.sendall(greeting() + ready())
    with link.makefile("rb") as stream:  # frames before the other's READY would be refused
        head = stream.read(len(greeting()) + 2)
        assert b"READY" in stream.read(head[-1])
    return link


def settled(condition: Callable[[], bool]) -> bool:
    """Whether `condition` comes true, with all the time that a busy machine may need."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
