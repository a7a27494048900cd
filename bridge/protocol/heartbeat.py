"""Whether a peer is still there, decided from times that are passed in."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol import limits


@dataclass(slots=True)
class Heartbeat:
    """When anything last came and went over one socket, on one steady clock of the caller."""

    heard_us: int
    sent_us: int

    def is_due(self, now_us: int, interval_us: int) -> bool:
        """True when a PING is to be sent, as nothing was for half of `interval_us`."""
        return now_us - self.sent_us >= interval_us // 2

    def is_gone(self, now_us: int, interval_us: int) -> bool:
        """True when the peer was silent for so many intervals that it has to be gone."""
        return now_us - self.heard_us > interval_us * limits.MISSED_HEARTBEATS
