"""Which frames of one rate a linear-phase resampler needs for which frames of another.

Frame 0 is at the same instant on both sides. Target frame n lies at source position
`n * source / target` and is made from the source frames at most `half` frames from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd


@dataclass(frozen=True, slots=True)
class Conversion:
    """A resampler from `source` to `target` Hz whose taps reach `half` source frames either way.

    Equal rates need no filter: `half` is 0 then. Raises ValueError for rates below 1 Hz.
    """

    source: int
    target: int
    half: int = 0

    def __post_init__(self) -> None:
        if self.source < 1 or self.target < 1 or self.half < 0:
            raise ValueError(
                f"no conversion from {self.source} to {self.target} Hz with {self.half} frames; "
                "rates are at least 1, and taps reach 0 frames or more"
            )

    def needed(self, count: int) -> int:
        """Fewest source frames `[0, needed)` that give the target frames `[0, count)`."""
        return (count - 1) * self.source // self.target + self.half + 1 if count > 0 else 0

    def ready(self, count: int) -> int:
        """Most target frames `[0, ready)` that the source frames `[0, count)` give."""
        return max(0, -((self.half - count) * self.target // self.source))

    @property
    def phases(self) -> int:
        """Distinct positions of a target frame between two source frames."""
        return self.target // gcd(self.source, self.target)
