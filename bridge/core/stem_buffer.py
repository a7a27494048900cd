"""Stems on their way to the host: put in as they arrive, taken out when they are due.

What is not there in time is late: the host hears the dry signal in its place, joined by fades, or
silence. Nothing is ever shifted, and what arrives after its time is dropped.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.core.ring import Audio, Ring
from bridge.core.timeline import Span


class StemBuffer:
    """Stems of shape (S, C, T) by absolute frame, read in order from `position` on.

    capacity: frames from the next one to be read on that there is room for.
    guard: frames over which stems fade before a gap and after it. A fade has to know where the
        gap is, so a frame is late unless it is here when the frame `guard` before it is read.
    dry: the stem that carries the dry signal in a gap, the others being silent there; None for
        silence in all of them.

    The weight of the stems at a frame is its distance from the nearest late frame divided by
    `guard + 1`, at most 1; the rest is the dry signal. Stems that sum to the dry signal always do.
    """

    def __init__(
        self,
        sources: int,
        channels: int,
        capacity: int,
        *,
        guard: int = 0,
        dry: int | None = None,
        position: int = 0,
    ) -> None:
        self._stems = Ring((sources, channels), capacity)
        # Fades need to know the frames around those that are read.
        self._here = Ring((), capacity + guard, np.bool_)
        self._here.fill(position - guard, guard, value=True)
        self._capacity = capacity
        self._guard = guard
        self._dry = dry
        self._position = position
        self._decided = position

    @property
    def position(self) -> int:
        """Next frame to be read."""
        return self._position

    def write(self, start: int, stems: Audio) -> int:
        """Take `stems`, shape (S, C, n), at `start`; returns how many frames came in time.

        Those that are too late already, or for which there is no room, are dropped.
        """
        given = Span(start, stems.shape[-1])
        kept = given.intersect(self._open())
        if kept:
            self._stems.write(kept.start, stems[..., kept.slice_in(given)])
            self._here.fill(kept.start, kept.length, value=True)
        return kept.length

    def write_silence(self, span: Span) -> None:
        """Take silent stems, as `write` does."""
        kept = span.intersect(self._open())
        self._stems.fill(kept.start, kept.length, 0)
        self._here.fill(kept.start, kept.length, value=True)

    def holds(self, span: Span) -> bool:
        """True when every frame of `span`, none of which was read yet, is here."""
        return bool(self._here.read(span.start, span.length).all())

    def read(self, dry: Audio) -> tuple[Audio, int]:
        """The next frames, and how many of them were late.

        dry: the input at the same frames, shape (C, n). Returns shape (S, C, n), float32.
        Raises ValueError for more frames than there can be.
        """
        start, length, guard = self._position, dry.shape[-1], self._guard
        if length + guard > self._capacity:
            raise ValueError(
                f"{length} frames and a guard of {guard} were asked of {self._capacity}"
            )
        around = self._here.read(start - guard, guard + length + guard)
        stems: Audio = self._stems.read(start, length)
        self._here.fill(start - guard, length, value=False)
        self._position = start + length
        self._decided = max(self._decided, self._position + guard)
        if around.all():
            return stems, 0
        late = ~around[guard : guard + length]
        stems[..., late] = 0
        weights = _weights(around, guard)
        stems *= weights
        if self._dry is not None:
            stems[self._dry] += dry * (1 - weights)
        return stems, int(late.sum())

    def _open(self) -> Span:
        """Frames that can still be taken."""
        return Span.between(self._decided, self._position + self._capacity)


def _weights(here: NDArray[np.bool_], guard: int) -> NDArray[np.float32]:
    """Weights of the stems, shape (n,), from which frames are here, shape (guard + n + guard,)."""
    gaps = np.flatnonzero(~here)
    frames = np.arange(guard, here.size - guard)
    after = np.searchsorted(gaps, frames)
    ahead = np.abs(gaps[np.minimum(after, gaps.size - 1)] - frames)
    behind = np.abs(gaps[np.maximum(after - 1, 0)] - frames)
    nearest = np.minimum(np.minimum(ahead, behind), guard + 1)
    weights: NDArray[np.float32] = (nearest / (guard + 1)).astype(np.float32)
    return weights
