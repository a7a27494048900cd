"""What to allow for the way to the server and back, from how long it takes."""

from __future__ import annotations

from bridge.runtime.connection import Connection

LOCAL_PINGS, REMOTE_PINGS = (16, 1_000), (64, 5_000)
"""Round trips that are measured, and microseconds between them: a network jitters for longer."""

MORE_US = 500
"""Added to what was measured: blocks and stems are larger than a ping."""


def measuring(connection: Connection) -> tuple[int, int]:
    """How many round trips to measure, and microseconds between them."""
    return LOCAL_PINGS if connection.audio.startswith("ipc://") else REMOTE_PINGS


def allowance(longest_us: int) -> int:
    """The transport allowance in microseconds, from the longest round trip that was measured."""
    return longest_us * 5 // 4 + MORE_US
