"""A study of one song: how far live stems are from the offline ones, by plan, and at what latency.

    the song's part -> separated offline, twice -> a pass for each length of the window -> rows

What was measured stays when it is interrupted: `rows` and `summary` tell of all that is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bridge.config import BounceSettings
from bridge.core.latency import MICROSECONDS
from bridge.core.rates import RateMap
from bridge.core.study import HOPS, NEAR_US, QUICK_HOPS, Case, Score, cases, step
from bridge.core.timeline import Span
from bridge.engine.base import Audio, Ensemble
from bridge.engine.live_model import LiveModel, live_model
from bridge.engine.offline import OfflineRun, Settings
from bridge.engine.study import Outcome, Pass, Song
from bridge.errors import UsageError
from bridge.runtime.models import Models, prepare
from bridge.runtime.study_latency import Latencies
from bridge.runtime.study_song import choose_part, inspect, read_part, read_truth

Tell = Callable[[str, float, float], None]
"""Told (what, done, total); done and total in runs of a full window."""

MOVED_SEED = 1
"""Of the random shift by which offline windows are moved: what is just as right differs so much."""


@dataclass(frozen=True)
class Row:
    """One plan. Times in seconds, latencies in ms, the rest in dB.

    join: how its hops are joined; sessions average where both can be done.
    seconds: of the song that were compared. snr: of each stem against the offline one. sdr: of each
    against the true one, empty without those. seams: error near seams over that elsewhere.
    latency: of this plan, None where this device does not keep up with its hops. smallest: that a
    session with this window and look-ahead has here, with the hop that suits this device.
    """

    window: float
    hop: float
    lookahead: float
    join: str
    seconds: float
    snr: dict[str, float]
    sdr: dict[str, float]
    seams: float
    latency: float | None
    smallest: float | None


def lived(rows: Iterable[Row]) -> list[Row]:
    """Of the rows that differ only in how hops are joined, those that are joined as sessions do."""
    return list({(row.window, row.hop, row.lookahead): row for row in rows}.values())


class Study:
    """A song, a model, and what was found so far.

    truth: a folder with the true stems, STEM.wav, or None. quick: leave the shortest hops out.

    Attributes
    ----------
    model: its name. sources: names of the stems. rate: in Hz. window: the full one in seconds.
    part: of the song that is used. device: on which runs are timed. latencies: from their times.

    Raises InputError, UsageError or ModelError, before anything is computed.
    """

    def __init__(
        self,
        path: Path,
        settings: BounceSettings,
        models: Models,
        *,
        seconds: float | None = None,
        quick: bool = False,
        truth: Path | None = None,
    ) -> None:
        source = inspect(path)
        self._ensemble = models.load(source.rate)
        self._live = live = _windowed(self._ensemble)
        self._batch = models.batch
        self.model, self.sources, self.rate = live.name, live.sources, live.rate
        self.window = live.traits.window / live.rate
        self.device = str(models.machine["device"])
        self.latencies = Latencies(live.traits, live.rate, shares=self.device == "cpu")
        self.part = choose_part(source.frames, source.rate, self.window, settings.start, seconds)
        audio = read_part(path, self.part, live.rate)
        measured = self.part.measured_at(live.rate)
        true = read_truth(truth, live.sources, source, self.part, live.rate) if truth else None
        reference = np.zeros((len(live.sources), 2, measured.length), np.float32)
        near = RateMap(MICROSECONDS, live.rate).frames(NEAR_US)
        self._song = Song(audio, measured, reference, near, true)
        hops, stems = QUICK_HOPS if quick else HOPS, len(live.sources)
        self._passes = _passes(live, self._song, hops)
        self._moved, self._truth = Score(stems), Score(stems)

    def run(self, tell: Tell) -> None:
        """Measure everything."""
        frames = self._song.audio.shape[1]
        settings = Settings(self.sources, batch=self._batch)
        moved = Settings(self.sources, shifts=1, seed=MOVED_SEED, batch=self._batch)
        offline = [OfflineRun(self._ensemble, frames, each) for each in (settings, moved)]
        full = self.window * self.rate
        weights = [window / full * each.runs for window, each in self._passes.items()]
        done, total = 0.0, sum(run.windows for run in offline) + sum(weights)
        tell("loading", done, total)
        for window in {self._ensemble.first.segment, *self._passes}:
            for member in self._ensemble.members:
                telling = lambda _: tell("preparing", done, total)  # noqa: E731
                prepare(member.separator, window, telling, telling)
        tell("offline", done, total)
        for run, take in zip(offline, (self._take_reference, self._take_moved), strict=True):
            for chunk in run.run(iter([self._song.audio])):
                take(chunk.span, chunk.stems)
                done += chunk.windows
                tell("offline", done, total)
        for window, each in self._passes.items():
            run_one = self.latencies.timed(window, partial(_run_one, self._live))
            for count in each.play(run_one):
                tell(f"window {window / self.rate:.2f} s", done + count * window / full, total)
            done += each.runs * window / full

    def _take_reference(self, span: Span, stems: Audio) -> None:
        shared, song = span.intersect(self._song.measured), self._song
        if shared:
            place = shared.slice_in(song.measured)
            song.reference[..., place] = part = stems[..., shared.slice_in(span)]
            if song.truth is not None:
                self._truth.add(song.truth[..., place], part, np.zeros(shared.length, bool))

    def _take_moved(self, span: Span, stems: Audio) -> None:
        shared, song = span.intersect(self._song.measured), self._song
        if shared:
            reference = song.reference[..., shared.slice_in(song.measured)]
            part = stems[..., shared.slice_in(span)]
            self._moved.add(reference, part, np.zeros(shared.length, bool))

    @property
    def rows(self) -> list[Row]:
        """All plans of which anything was measured."""
        outcomes = [each for one in self._passes.values() for each in one.outcomes]
        return [self._row(outcome) for outcome in outcomes if outcome.score.frames.any()]

    def _row(self, outcome: Outcome) -> Row:
        case, rate = outcome.case, self.rate
        return Row(
            case.window / rate,
            case.hop / rate,
            case.lookahead / rate,
            case.join,
            int(outcome.score.frames.sum()) / rate,
            self._by_stem(outcome.score),
            self._by_stem(outcome.truth),
            outcome.score.seam_excess(),
            self.latencies.of(case),
            self.latencies.smallest(case.window, case.lookahead),
        )

    def _by_stem(self, score: Score) -> dict[str, float]:
        return dict(zip(self.sources, score.snr(), strict=True)) if score.frames.any() else {}

    def summary(self) -> dict[str, Any]:
        """What was studied, and what there is to compare the rows with.

        moved: SNR by stem of the offline result whose windows begin elsewhere, against the offline
        result: how far that is from itself, and so any single run from it. offline_sdr: of the
        offline result against the truth. runs: times by length of the window.
        """
        rate, part = self.part.rate, self.part
        costs = {window: self.latencies.cost(window) for window in self._passes}
        return {
            "model": self.model,
            "device": self.device,
            "window": self.window,
            "from": part.measured.start / rate,
            "to": part.measured.stop / rate,
            "lead": (part.measured.start - part.read.start) / rate,
            "moved": self._by_stem(self._moved),
            "offline_sdr": self._by_stem(self._truth),
            "runs": [
                {
                    "window": window / self.rate,
                    "typical_ms": cost.typical_us / 1000,
                    "longest_ms": cost.worst_us / 1000,
                }
                for window, cost in costs.items()
                if cost is not None
            ],
        }


def _windowed(ensemble: Ensemble) -> LiveModel:
    """The model as sessions run it. Raises UsageError where there is nothing to study."""
    model = live_model(ensemble)
    if model.traits.fixed:
        raise UsageError(
            f"{model.name} always reads the same window and look-ahead, so that live it gives what "
            "it gives offline; name a network with -m"
        )
    return model


def _run_one(model: LiveModel, context: Any) -> Audio:
    return model.run([context])[0]


def _passes(model: LiveModel, song: Song, hops: tuple[int, ...]) -> dict[int, Pass]:
    """A pass for each length of the window, long ones first."""
    traits = model.traits
    by_window: dict[int, list[Case]] = {}
    for case in cases(traits, model.rate, hops):
        by_window.setdefault(case.window, []).append(case)
    unit = step(traits, hops)
    return {w: Pass(model, song, some, unit) for w, some in by_window.items()}
