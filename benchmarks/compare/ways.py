"""The ways to separate that `side` runs: demucs' own function, ours, and a whole bounce."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile

from benchmarks.compare.core_clock import CoreClock
from benchmarks.compare.rounds import say
from benchmarks.compare.variant import Variant
from bridge.engine.base import Audio
from bridge.engine.offline import OfflineRun, Settings
from bridge.runtime.bounce import bounce
from bridge.runtime.models import Models

WARM_FRAMES = 343_980
"""One window of htdemucs: what is done once, such as a conversion, is done after it."""


class Way(Protocol):
    """Separates the same audio again and again."""

    def warm(self) -> None:
        """Do what is only slow the first time."""

    def run(self) -> dict[str, float]:
        """Separate all of it; returns what there is to tell besides the time."""

    def stems(self) -> Audio:
        """What the last run gave, shape (stems, C, T)."""


def make(kind: str, **arguments: Any) -> Way:
    """The way of a kind: `demucs`, `ours`, `bounce` or `live`."""
    from benchmarks.compare.live import Live

    kinds: dict[str, Any] = {"demucs": Demucs, "ours": Ours, "bounce": Bounce, "live": Live}
    way: Way = kinds[kind](**arguments)
    return way


class Demucs:
    """`demucs.apply.apply_model(shifts=0)`.

    plain: without torch's fused attention, which is slower than the plain one on CPUs. As demucs
    comes it is on.
    """

    def __init__(self, model: str, song: str, *, plain: bool = False) -> None:
        import torch
        from demucs.pretrained import get_model

        if plain:
            torch.backends.mha.set_fastpath_enabled(value=False)
        self._model = get_model(model)
        self._mix = torch.from_numpy(_read(song))[None]

    def warm(self) -> None:
        """One window."""
        self._separate(WARM_FRAMES)

    def run(self) -> dict[str, float]:
        """All of it; the time says everything."""
        self._stems = self._separate(self._mix.shape[-1])
        return {}

    def stems(self) -> Audio:
        """Of the last run."""
        return self._stems

    def _separate(self, frames: int) -> Audio:
        import torch
        from demucs.apply import apply_model

        with torch.no_grad():
            found: Audio = apply_model(self._model, self._mix[..., :frames], shifts=0)[0].numpy()
        return found


class Ours:
    """The engine of a bounce, from samples in memory to samples in memory."""

    def __init__(
        self, model: str, song: str, variant: str, stems: tuple[str, ...] | None = None
    ) -> None:
        self._mix = _read(song)
        models = Models(Variant.parse(variant).settings(model), lambda _name, _required: None)
        rate = soundfile.info(song).samplerate
        self._ensemble, self._batch = models.load(rate), models.batch
        self._wanted = tuple(stems or self._ensemble.first.sources)
        models.prepare(self._ensemble, self._wanted, say)

    def warm(self) -> None:
        """One window."""
        self._separate(WARM_FRAMES)

    def run(self) -> dict[str, float]:
        """All of it; the time says everything."""
        self._stems = self._separate(self._mix.shape[1])
        return {}

    def stems(self) -> Audio:
        """Of the last run."""
        return self._stems

    def _separate(self, frames: int) -> Audio:
        mix = self._mix[:, :frames]
        run = OfflineRun(
            self._ensemble, mix.shape[1], Settings(self._wanted, batch=self._batch), say
        )
        stems = np.empty((len(self._wanted), *mix.shape), np.float32)
        for chunk in run.run(iter([mix])):
            stems[..., chunk.span.start : chunk.span.stop] = chunk.stems
        return stems


class Bounce:
    """A whole bounce with the model loaded: from a file to files."""

    def __init__(self, model: str, song: str, variant: str) -> None:
        self._song = Path(song)
        self._settings = Variant.parse(variant).settings(model, overwrite=True)
        self._models = Models(self._settings, lambda _name, _required: None)
        self._clock = CoreClock()

    def warm(self) -> None:
        """A bounce of one window."""
        with tempfile.TemporaryDirectory() as folder:
            short = Path(folder) / "short.wav"
            samples, rate = soundfile.read(self._song, frames=WARM_FRAMES, dtype="int16")
            soundfile.write(short, samples, rate)
            bounce(short, Path(folder), self._settings, self._models)

    def run(self) -> dict[str, float]:
        """A bounce; `network` is for how long some network was computed."""
        with tempfile.TemporaryDirectory(dir=self._song.parent) as folder, self._clock as clock:
            bounce(self._song, Path(folder), self._settings, self._models)
        return {"network": clock.seconds}

    def stems(self) -> Audio:
        """They lie in files that are gone."""
        raise NotImplementedError("a bounce leaves files")


def _read(path: str) -> Audio:
    samples = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return np.ascontiguousarray(samples.T, np.float32)
