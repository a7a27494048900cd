"""Spans of frames: the one representation of time in Stem Bridge.

A frame is one sample of every channel. Every position and count is an integer at a named rate;
there are no seconds in this package.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Half-open run of frames `[start, start + length)`.

    `start` may be negative (before the first frame of a signal); `length` is at least 0.
    Raises ValueError for a negative length.
    """

    start: int
    length: int

    def __post_init__(self) -> None:
        if self.length < 0:
            raise ValueError(f"a span cannot have {self.length} frames; use a length of 0 or more")

    @classmethod
    def between(cls, start: int, stop: int) -> Span:
        """The span from `start` up to but not including `stop`; empty when `stop <= start`."""
        return cls(start, max(0, stop - start))

    @property
    def stop(self) -> int:
        """First frame after the span."""
        return self.start + self.length

    def __bool__(self) -> bool:
        return self.length > 0

    def __contains__(self, frame: int) -> bool:
        return self.start <= frame < self.stop

    def covers(self, other: Span) -> bool:
        """True when every frame of `other` is in this span; an empty span is always covered."""
        return not other or (self.start <= other.start and other.stop <= self.stop)

    def intersect(self, other: Span) -> Span:
        """Frames in both spans; an empty span where there are none."""
        start = max(self.start, other.start)
        return Span.between(start, min(self.stop, other.stop))

    def shift(self, frames: int) -> Span:
        """The span moved later by `frames` (earlier when negative)."""
        return Span(self.start + frames, self.length)

    def extend(self, before: int, after: int) -> Span:
        """The span with `before` more frames in front and `after` more behind."""
        return Span(self.start - before, self.length + before + after)

    def slice_in(self, outer: Span) -> slice:
        """Index of this span inside an array whose frame 0 is `outer.start`.

        Raises ValueError when this span reaches outside `outer`.
        """
        if not outer.covers(self):
            raise ValueError(f"{self} is not inside {outer}")
        return slice(self.start - outer.start, self.stop - outer.start)


def subtract(span: Span, taken: Iterable[Span]) -> list[Span]:
    """What is left of `span` once every span of `taken` is removed, in order, without empties."""
    left: list[Span] = []
    start = span.start
    for other in sorted(taken):
        if not other.intersect(span):
            continue
        if other.start > start:
            left.append(Span.between(start, other.start))
        start = max(start, other.stop)
    if start < span.stop:
        left.append(Span.between(start, span.stop))
    return left
