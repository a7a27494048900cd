"""What the server has for one client while the queue of its socket is full."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from bridge.protocol.codec import Frame
from bridge.protocol.messages import Credit, Drained, Stems

BYTES = 32 << 20
"""Bytes that wait for one client: ten seconds of four stereo stems at 96 kHz, which is longer than
a link is silent before it counts as cut. All sessions together: 2 GB at the very worst."""

OVERHEAD = 512
"""Bytes that Python takes for a message besides its frames, rounded up."""


class Outbox:
    """Messages in order. Whoever adds to it looks at `is_full` first, but CREDIT always fits."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Stems | Credit | Drained, Sequence[Frame], int]] = deque()
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """True when no more STEMS may wait."""
        return self._bytes >= BYTES

    def add(self, message: Stems | Credit | Drained, frames: Sequence[Frame]) -> None:
        """Add a message. Of CREDIT, which says all that the one before it did, one waits."""
        if self._waiting and isinstance(message, Credit):
            last = self._waiting[-1][0]
            if isinstance(last, Credit) and last.epoch == message.epoch:
                self._bytes -= self._waiting.pop()[2]
        size = OVERHEAD + sum(memoryview(frame).nbytes for frame in frames)
        self._waiting.append((message, frames, size))
        self._bytes += size

    def send(self, send: Callable[[Sequence[Frame]], bool]) -> None:
        """Send as much as goes, which `send` tells."""
        while self._waiting and send(self._waiting[0][1]):
            self._bytes -= self._waiting.popleft()[2]

    def forget(self, before: int) -> None:
        """Drop what is of epochs before this one, which are over for the client."""
        kept = [entry for entry in self._waiting if entry[0].epoch >= before]
        self._waiting = deque(kept)
        self._bytes = sum(size for _, _, size in kept)
