"""How a stream fares: late frames, and how long things take."""

from __future__ import annotations

from typing import Any

from bridge.core.figures import Durations


class Figures:
    """Counts of one stream, from its beginning to its end.

    late_frames: host frames of stems that were not there when they were due.
    reconnects: how often the server or its worker went away and the stream went on.
    pings: round trips of an empty message over the audio socket.
    round_trips: from sending the block that completes a run's input to its stems being noticed,
        which is up to one block after they came where nothing waits for them.
    slack: how long before they were due stems came, in real time.
    """

    def __init__(self) -> None:
        self.late_frames = 0
        self.reconnects = 0
        self.pings = Durations()
        self.round_trips = Durations()
        self._slack = Durations()
        self._least_slack_us: int | None = None

    def add_slack(self, slack_us: int) -> None:
        """Count how long before they were due stems came; negative where that was too late."""
        least = self._least_slack_us
        self._least_slack_us = slack_us if least is None else min(slack_us, least)
        self._slack.add(max(0, slack_us))

    def report(self) -> dict[str, Any]:
        """All of it, times in microseconds, for a person or as JSON; None where nothing came."""
        return {
            "late_frames": self.late_frames,
            "reconnects": self.reconnects,
            "ping_us": _percentiles(self.pings),
            "round_trip_us": _percentiles(self.round_trips),
            "slack_us": {
                "min": self._least_slack_us,
                "p1": self._slack.percentile(10) if self._slack.count else None,
                "p50": self._slack.percentile(500) if self._slack.count else None,
            },
        }


def _percentiles(durations: Durations) -> dict[str, int | None]:
    asked = {"p50": 500, "p99": 990, "p999": 999, "max": 1000}
    found = {name: durations.percentile(share) for name, share in asked.items()}
    return {"count": durations.count, **(found if durations.count else dict.fromkeys(asked))}
