"""Models as a live stream runs them: each stream has a context, which a run reads the end of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bridge.core.line import Line
from bridge.core.live_plan import LivePlan
from bridge.core.traits import Traits
from bridge.engine.base import Audio, Described, Ensemble
from bridge.engine.live_windows import WindowModel

if TYPE_CHECKING:
    from bridge.engine.spectral import SpectralSeparator, SpectralStream

HOPS = 16
"""Hops of `spectral` in one run at most, 0.2 s of audio: longer ones would not make it quicker, and
as nothing interrupts a run (2 ms at 48 kHz), they would make the runs of other sessions late."""


class Context(Protocol):
    """What a model keeps of one stream: as much of its past as a window reads."""

    def push(self, audio: Audio) -> None:
        """Take the next frames, shape (C, n), float32, at the model's rate."""


class LiveModel(Described, Protocol):  # contexts are those that the same model opened
    """A model that runs hop by hop.

    traits: what its plans have to look like. batch: windows worth running at once.
    """

    @property
    def traits(self) -> Traits: ...  # noqa: D102 - described above
    @property
    def batch(self) -> int: ...  # noqa: D102

    def warm_up(self) -> None:
        """Have all that the first run would wait for: seconds, where something is compiled."""
        ...

    def open(self, plan: LivePlan) -> Context:
        """A context in front of which there is silence."""
        ...

    def run(self, contexts: Sequence[Any]) -> list[Audio]:
        """Separate the window at the end of each context; all have the same plan.

        Returns stems of shape (S, C, hop + fade), float32: those of `plan.reach`.
        Raises ModelError when they are not finite.
        """
        ...


def live_model(ensemble: Ensemble) -> LiveModel:
    """What runs `ensemble` live."""
    if ensemble.name == "spectral":
        return SpectralModel(ensemble.first)  # type: ignore[arg-type]  # no other has that name
    return WindowModel(ensemble)


class _SpectralContext:
    """A stream, and the input that it was not given yet: at most a window."""

    def __init__(self, separator: SpectralSeparator, plan: LivePlan) -> None:
        self._separator = separator
        self._plan = plan
        # Made when it is needed: it takes longer than anything else that a message can ask for.
        self._stream: SpectralStream | None = None
        self._fresh = Line(separator.channels)

    def push(self, audio: Audio) -> None:
        self._fresh.append(audio)
        # A window is all that its stems depend on, whatever the stream was given before.
        self._fresh.forget(self._fresh.stop - self._plan.window)

    def stems(self) -> Audio:
        """The newest hop of stems; what was pushed begins and ends on the stream's grid."""
        fresh = self._fresh
        self._stream = self._stream or self._separator.stream()
        stems = self._stream.process(fresh.view(fresh.start, fresh.stop))
        fresh.forget(fresh.stop)
        return stems[..., -self._plan.hop :]


class SpectralModel:
    """`spectral` as one stream: its state is its context, so that nothing is computed twice."""

    batch = 1

    def __init__(self, separator: SpectralSeparator) -> None:
        self._separator = separator
        self.name, self.sources = separator.name, separator.sources
        self.rate, self.channels = separator.rate, separator.channels
        self.licence, self.preview = separator.licence, separator.preview
        self.weights_hash = separator.weights_hash
        hop, past, ahead = separator.hop, separator.context, separator.lookahead
        window = past + HOPS * hop + ahead
        # Its windows overlap by themselves, so that all of the look-ahead counts as its edge.
        self.traits = Traits(hop, ahead, ahead, window, past, fixed=True)

    def warm_up(self) -> None:
        """See `SpectralSeparator.warm_up`."""
        self._separator.warm_up()

    def open(self, plan: LivePlan) -> _SpectralContext:
        """A stream in front of which there is silence."""
        return _SpectralContext(self._separator, plan)

    def run(self, contexts: Sequence[_SpectralContext]) -> list[Audio]:
        """The newest hop of each stream."""
        return [context.stems() for context in contexts]
