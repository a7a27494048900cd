"""What every separator offers to the engines, whatever is inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.core.timeline import Span

Audio = NDArray[np.float32]


class Described(Protocol):
    """What separators say of themselves, offline and live.

    Attributes
    ----------
    name: what a user calls it, such as `htdemucs` or `spectral`.
    sources: names of the stems, in the order of the output.
    rate: frames a second that it works at.
    channels: channels in and out.
    licence: one line on what may be done with it.
    preview: True when its quality is far from that of a trained model.
    weights_hash: sha256 of what it was loaded from, or "" when it has no weights.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - the attributes are described above
    @property
    def sources(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def rate(self) -> int: ...  # noqa: D102
    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def licence(self) -> str: ...  # noqa: D102
    @property
    def preview(self) -> bool: ...  # noqa: D102
    @property
    def weights_hash(self) -> str: ...  # noqa: D102


class Separator(Described, Protocol):
    """Splits windows of a stereo mix into stems. Holds no state from one window to the next.

    Attributes
    ----------
    segment: frames that one full window emits offline.
    overlap: share of a segment that successive windows have in common, by default, in [0, 1).
    streams: batches worth running at once, each from a thread of its own.
    shares: whether they share what a batch `alone` has for itself, and is sooner done with.
    """

    @property
    def segment(self) -> int: ...  # noqa: D102 - the attributes are described above
    @property
    def overlap(self) -> float: ...  # noqa: D102
    @property
    def streams(self) -> int: ...  # noqa: D102
    @property
    def shares(self) -> bool: ...  # noqa: D102

    def read_span(self, emit: Span) -> Span:
        """The input frames that must be read to emit `emit` (context and look-ahead included)."""
        ...

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:
        """Separate a batch of windows of one length.

        Parameters: `batch` of shape (B, C, T), float32, full scale 1.0, at `rate`. alone: no other
        batch runs meanwhile, so that this one may use what the other `streams` leave.
        Returns: stems of shape (B, S, C, T), float32; frame t belongs to input frame t.
        Frames outside the `emit` span that the window was read for carry no promise.
        """
        ...


@dataclass(frozen=True)
class Member:
    """One separator of an ensemble, with its weight for each source, in `sources` order."""

    separator: Separator
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Ensemble:
    """What a user names as a model: one separator, or several whose stems are averaged.

    All members have the same sources, rate and channels; the weight of a source over all members
    is above zero. demucs calls this a bag of models.
    """

    name: str
    members: tuple[Member, ...]

    @property
    def first(self) -> Separator:
        """The separator whose sources, rate and channels stand for all."""
        return self.members[0].separator

    def contributing(self, stems: tuple[str, ...]) -> tuple[Member, ...]:
        """Members with a weight above zero for any of `stems`; the others need not be run."""
        columns = [self.first.sources.index(stem) for stem in stems]
        return tuple(m for m in self.members if any(m.weights[c] != 0 for c in columns))
