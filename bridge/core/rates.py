"""Mapping of frame counts and positions between two sample rates, exact by Fraction."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil


@dataclass(frozen=True, slots=True)
class RateMap:
    """Positions at `source` frames a second seen at `target` frames a second.

    Frame 0 is at the same instant on both sides. Raises ValueError for rates below 1.
    """

    source: int
    target: int

    def __post_init__(self) -> None:
        for rate in (self.source, self.target):
            if rate < 1:
                raise ValueError(f"a sample rate of {rate} Hz is not possible; use 1 or more")

    @property
    def ratio(self) -> Fraction:
        """Target frames for each source frame."""
        return Fraction(self.target, self.source)

    @property
    def inverse(self) -> RateMap:
        """The map in the other direction."""
        return RateMap(self.target, self.source)

    def frames(self, count: int) -> int:
        """Target frames that cover `count` source frames: the ceiling, so at least one for one.

        It is also the first target frame at or after the instant of source frame `count`.
        Mapping there and back never gives fewer frames than at first, so that a signal can be
        brought back to its exact length by trimming alone.
        """
        return ceil(count * self.ratio)
