"""Overlap-add that releases only finished frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.core.timeline import Span

Audio = NDArray[np.float32]


class OverlapAdd:
    """Sums pieces of a signal and hands out each frame once, when nothing more can change it.

    Arrays have shape (*rows, T), float32. Frames before the start are dropped when added.
    """

    def __init__(self, rows: tuple[int, ...], start: int = 0, pending: Audio | None = None) -> None:
        self._start = start
        # Zero beyond `length`: there is room, so that what grows window by window is moved seldom.
        self._sum = np.zeros((*rows, 0), np.float32) if pending is None else pending.copy()
        self._length = self._sum.shape[-1]

    @property
    def start(self) -> int:
        """First frame that was not released yet."""
        return self._start

    @property
    def pending(self) -> Audio:
        """Copy of the sums from `start` on, shape (*rows, T); with `start`, the whole state."""
        return self._sum[..., : self._length].copy()

    def add(self, span: Span, piece: Audio) -> None:
        """Add `piece`, shape (*rows, span.length), at `span`."""
        wanted = span.intersect(Span.between(self._start, span.stop))
        self._length = max(self._length, wanted.stop - self._start)
        room = self._sum.shape[-1]
        if self._length > room:
            roomy = np.zeros((*self._sum.shape[:-1], max(self._length, 2 * room)), np.float32)
            roomy[..., :room] = self._sum
            self._sum = roomy
        here = Span(self._start, self._length)
        self._sum[..., wanted.slice_in(here)] += piece[..., wanted.slice_in(span)]

    def release(self, until: int) -> tuple[Span, Audio]:
        """Hand out the frames before `until`; raises ValueError beyond what was added."""
        span = Span.between(self._start, until)
        if span.length > self._length:
            raise ValueError(f"frames up to {until} were asked for, but not all were added")
        out, rest = np.split(self._sum[..., : self._length], [span.length], axis=-1)
        self._sum = rest.copy()
        self._length -= span.length
        self._start = span.start + span.length
        return span, out
