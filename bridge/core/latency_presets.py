"""Latencies by name: how much of a model's window a stream reads, and how far it looks ahead.

docs/LATENCY.md says which measurement chose them. The hop is left to `choose`: the shortest that
the device keeps up with.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.rates import RateMap

AT_RATE = 44_100


@dataclass(frozen=True, slots=True)
class LatencyPreset:
    """A way to choose a live plan.

    lookahead: frames at `AT_RATE`, as long at every other rate; -1 is the model's own. part: the
    window is this part of a full one; 1 is all of it.
    """

    lookahead: int
    part: int

    def context(self, window: int) -> int:
        """Length to wish for where a full window has `window` frames; 0 is all of it."""
        return 0 if self.part == 1 else window // self.part

    def lookahead_at(self, rate: int) -> int:
        """Look-ahead to wish for in frames at `rate` Hz; -1 is the model's own."""
        return RateMap(AT_RATE, rate).frames(self.lookahead) if self.lookahead >= 0 else -1


LATENCY_PRESETS = {
    "low": LatencyPreset(2048, 2),
    "balanced": LatencyPreset(-1, 1),
    "quality": LatencyPreset(16_384, 1),
}

LATENCIES = ("auto", *LATENCY_PRESETS)
"""All words that may stand in place of a number."""
