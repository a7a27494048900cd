"""How a whole signal is cut into overlapping windows and joined again.

The framing is that of demucs' `apply_model(split=True)`: windows start every `stride` frames, a
window that reaches beyond the end is cut short, and overlapping windows are averaged with
triangular weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.core.timeline import Span
from bridge.core.window import triangle


@dataclass(frozen=True, slots=True)
class Plan:
    """Windows over a signal of `length` frames, `[0, length)`.

    Each window emits `segment` frames and starts `stride` after the one before. `origin`, at most
    0, is where the first one starts: an earlier origin shifts the whole grid, as demucs' shifts do.
    Raises ValueError when windows would leave gaps or not reach the signal.
    """

    length: int
    segment: int
    stride: int
    origin: int = 0

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError(f"a plan needs at least one frame, not {self.length}")
        if not 1 <= self.stride <= self.segment:
            raise ValueError(
                f"a stride of {self.stride} frames does not fit segments of {self.segment}; "
                "use 1 up to the segment"
            )
        if self.origin > 0:
            raise ValueError(f"an origin of {self.origin} would leave out the first frames")

    @classmethod
    def overlapping(cls, length: int, segment: int, overlap: float, origin: int = 0) -> Plan:
        """A plan whose windows share `overlap` (in [0, 1)) of a segment, rounded as demucs does."""
        return cls(length, segment, max(1, int((1 - overlap) * segment)), origin)

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self._starts)

    @property
    def _starts(self) -> range:
        return range(self.origin, self.length, self.stride)

    def emit(self, index: int) -> Span:
        """Frames that window `index` contributes to; may begin before 0 when the origin does."""
        start = self._starts[index]
        return Span.between(start, min(start + self.segment, self.length))

    def fade(self, index: int) -> NDArray[np.float32]:
        """Weights of window `index` over its `emit` span, shape (emit.length,), float32.

        Over all windows they sum to one at every frame of the signal.
        """
        emit = self.emit(index)
        own = triangle(self.segment)[: emit.length]
        total = np.zeros(emit.length)
        reach = (self.segment - 1) // self.stride
        for other in range(max(0, index - reach), min(self.count, index + reach + 1)):
            span = self.emit(other)
            shared = span.intersect(emit)
            total[shared.slice_in(emit)] += triangle(self.segment)[shared.slice_in(span)]
        return (own / total).astype(np.float32)
