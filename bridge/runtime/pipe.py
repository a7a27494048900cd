"""Messages over a stream socket between the server and one of its workers.

A socket pair has no threads of its own, so a message is there two hand-overs earlier than through
ZeroMQ, and the death of the other end is an end of file at once.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Sequence

_SIZES = struct.Struct("<II")
_CHUNK = 1 << 20


class PipeClosed(ConnectionError):  # noqa: N818 - it is news, and not a fault of ours
    """The other end is gone."""


class Pipe:
    """Sends and receives messages of one or two frames without ever waiting.

    `limit`: bytes that may wait to be sent, beside what the kernel holds. Whoever passes it is not
    being read and is treated as gone.
    """

    def __init__(self, end: socket.socket, limit: int) -> None:
        end.setblocking(False)
        self._socket = end
        self._limit = limit
        self._waiting: deque[memoryview] = deque()
        self._waiting_bytes = 0
        self._buffer = bytearray(2 * _CHUNK)
        self._filled = 0
        self._ended = ""
        self._broken = ""

    @property
    def broken(self) -> str:
        """Why no more can be sent, once that is so: the other end does not read."""
        return self._broken

    def fileno(self) -> int:
        """For a poller."""
        return self._socket.fileno()

    @property
    def waiting(self) -> int:
        """Bytes that the kernel did not take yet; poll for writing and call `flush`."""
        return self._waiting_bytes

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message of a header and at most one payload. Raises PipeClosed.

        What would pass the limit is not kept, and nothing goes either way from then on.
        """
        if self._broken:
            raise PipeClosed(self._broken)
        header, payload = frames[0], (frames[1] if len(frames) > 1 else b"")
        sizes = _SIZES.pack(len(header), memoryview(payload).nbytes)
        parts = [memoryview(part).cast("B") for part in (sizes, header, payload) if len(part)]
        if not self._waiting:
            parts = self._write(parts)
        waiting = self._waiting_bytes + sum(part.nbytes for part in parts)
        if waiting > self._limit:
            self._broken = f"{waiting} bytes wait to be read by the other end"
            raise PipeClosed(self._broken)
        for part in parts:
            # Who sends may use the memory again, so what waits is a copy.
            self._waiting.append(memoryview(bytes(part)))
        self._waiting_bytes = waiting

    def flush(self) -> None:
        """Send of what waits as much as goes. Raises PipeClosed."""
        left = self._write(list(self._waiting))
        self._waiting = deque(left)
        self._waiting_bytes = sum(part.nbytes for part in left)

    def receive(self) -> list[list[bytes]]:
        """All whole messages that have arrived.

        Raises PipeClosed after the last one, or at once where the other end does not read.
        """
        if self._broken:
            raise PipeClosed(self._broken)
        while True:
            if self._filled == len(self._buffer):
                self._buffer.extend(bytes(_CHUNK))
            try:
                with memoryview(self._buffer) as view:
                    count = self._socket.recv_into(view[self._filled :])
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._ended = str(error)
                break
            if count == 0:
                self._ended = "the other end closed it"
                break
            self._filled += count
            if self._filled < len(self._buffer):
                break
        messages = self._split()
        if self._ended and not messages:
            raise PipeClosed(self._ended)
        return messages

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _write(self, parts: list[memoryview]) -> list[memoryview]:
        while parts:
            try:
                sent = self._socket.sendmsg(parts[:16])
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                raise PipeClosed(str(error)) from error
            while parts and sent >= parts[0].nbytes:
                sent -= parts.pop(0).nbytes
            if sent:
                parts[0] = parts[0][sent:]
        return parts

    def _split(self) -> list[list[bytes]]:
        messages = []
        at = 0
        while self._filled - at >= _SIZES.size:
            header, payload = _SIZES.unpack_from(self._buffer, at)
            body = at + _SIZES.size
            if self._filled - body < header + payload:
                break
            frames = [bytes(self._buffer[body : body + header])]
            if payload:
                frames.append(bytes(self._buffer[body + header : body + header + payload]))
            messages.append(frames)
            at = body + header + payload
        if at:
            rest = self._buffer[at : self._filled]
            self._buffer[: len(rest)] = rest
            self._filled = len(rest)
        return messages
