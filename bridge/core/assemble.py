"""Blocks that arrive with gaps, overlaps and duplicates, read back as one contiguous signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.core.timeline import Span, subtract

Audio = NDArray[np.float32]


class Assembler:
    """A bounded stretch of a signal, addressed by absolute frame.

    The first copy of a frame counts; later ones are ignored. `capacity` bounds the frames held
    between the oldest kept and the newest pushed; a block that would pass it raises ValueError.
    """

    def __init__(self, channels: int, capacity: int, start: int = 0) -> None:
        self._capacity = capacity
        self._start = start
        self._frames = np.zeros((channels, 0), np.float32)
        self._known: list[Span] = []

    @property
    def start(self) -> int:
        """Oldest frame that is kept; what is pushed before it is dropped."""
        return self._start

    @property
    def stop(self) -> int:
        """First frame after the newest that was pushed."""
        return self._known[-1].stop if self._known else self._start

    def push(self, start: int, block: Audio) -> None:
        """Take `block`, shape (C, n), float32, whose first frame is `start`."""
        given = Span(start, block.shape[-1])
        span = given.intersect(Span.between(self._start, given.stop))
        if span.stop - self._start > self._capacity:
            raise ValueError(
                f"frames up to {span.stop} do not fit {self._capacity} frames from {self._start}"
            )
        self._reserve(span.stop)
        held = Span(self._start, self._frames.shape[-1])
        for fresh in subtract(span, self._known):
            self._frames[:, fresh.slice_in(held)] = block[:, fresh.slice_in(given)]
            self._known.append(fresh)
        self._merge()

    def missing(self, span: Span) -> list[Span]:
        """Stretches of `span` that were never pushed or are forgotten."""
        return subtract(span, self._known)

    def read(self, span: Span) -> Audio:
        """Frames of `span`, shape (C, n); zeros where nothing was pushed or all is forgotten."""
        out = np.zeros((self._frames.shape[0], span.length), np.float32)
        held = Span(self._start, self._frames.shape[-1])
        shared = held.intersect(span)
        if shared:
            out[:, shared.slice_in(span)] = self._frames[:, shared.slice_in(held)]
        return out

    def forget(self, before: int) -> None:
        """Drop the frames before `before`."""
        count = before - self._start
        if count <= 0:
            return
        self._frames = self._frames[:, count:].copy()
        self._start = before
        self._known = [
            Span.between(max(before, span.start), span.stop)
            for span in self._known
            if span.stop > before
        ]

    def _reserve(self, stop: int) -> None:
        missing = stop - self._start - self._frames.shape[-1]
        if missing > 0:
            zeros = np.zeros((self._frames.shape[0], missing), np.float32)
            self._frames = np.concatenate([self._frames, zeros], axis=-1)

    def _merge(self) -> None:
        merged: list[Span] = []
        for span in sorted(self._known):
            if merged and merged[-1].stop == span.start:
                span = Span.between(merged.pop().start, span.stop)  # noqa: PLW2901
            merged.append(span)
        self._known = merged
