"""A separator whose output is known beforehand, for tests and for trying out a set-up."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.errors import UsageError

# Powers of two keep every product exact, and their sum below 1 leaves a residual to be seen.
GAINS = {"drums": 0.5, "bass": 0.25, "other": 0.0625, "vocals": 0.125}
_GAINS = np.array(list(GAINS.values()), np.float32)[:, None, None]
_SETTINGS = ("rate", "segment", "cost", "delay")


@dataclass(frozen=True)
class FakeSeparator:
    """Each stem is the mix times a fixed gain; nothing is random.

    Attributes beyond those of every separator
    ------------------------------------------
    cost: seconds of computing that each window of a batch takes.
    delay: frames by which it has to look ahead. The last `delay` frames of a window come out as
        zeros, so that a plan which forgets the look-ahead is seen at once.
    """

    rate: int
    segment: int
    cost: float = 0.0
    delay: int = 0
    name: str = "fake"
    sources: tuple[str, ...] = tuple(GAINS)
    channels: int = 2
    overlap: float = 0.0
    streams: int = 1
    shares: bool = False
    licence: str = "GPL-3.0-or-later, as Stem Bridge itself"
    preview: bool = True
    weights_hash: str = ""

    @classmethod
    def from_text(cls, text: str, rate: int) -> FakeSeparator:
        """Build from `fake` or `fake:name=value,...` with names rate, segment, cost and delay.

        `rate` (Hz) is used where the text names none. Raises UsageError for anything else.
        """
        values: dict[str, float] = {}
        for item in filter(None, text.partition(":")[2].split(",")):
            key, _, value = item.partition("=")
            try:
                values[key] = float(value)
            except ValueError:
                raise UsageError(
                    f"fake: '{item}' is not NAME=NUMBER; write fake:cost=0.1"
                ) from None
        unknown = values.keys() - set(_SETTINGS)
        if unknown:
            raise UsageError(f"fake: no setting '{min(unknown)}'; it has {', '.join(_SETTINGS)}")
        if not all(map(math.isfinite, values.values())):
            raise UsageError(f"fake: '{text}' holds a value that is no number; write digits")
        rate = int(values.get("rate", rate))
        segment = int(values.get("segment", rate))
        cost, delay = values.get("cost", 0.0), int(values.get("delay", 0))
        if rate < 1 or segment < 1 or not 0 <= cost <= 3600 or delay < 0:
            raise UsageError(
                f"fake: '{text}' is out of range; rate and segment are at least 1, cost is "
                "0 to 3600 seconds and delay is not negative"
            )
        return cls(rate, segment, cost, delay)

    def read_span(self, emit: Span) -> Span:
        """Input frames that are read to emit `emit`."""
        return emit.extend(0, self.delay)

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:  # noqa: ARG002 - for others
        """Stems of a batch (B, C, T) as (B, S, C, T), float32."""
        end = time.perf_counter() + self.cost * len(batch)
        while time.perf_counter() < end:  # computing, not sleeping: it has to cost a core
            pass
        stems: Audio = batch[:, None] * _GAINS
        if self.delay:
            stems[..., -self.delay :] = 0
        return stems
