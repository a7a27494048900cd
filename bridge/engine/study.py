"""Plays a song live by many plans at once, and compares each with the offline result.

The joining is that of `LiveStream`. What differs from a session is only that runs are shared: a run
that reads the same window for several plans is made once, and each plan takes its hop from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge.core.conversion import Conversion
from bridge.core.live_plan import LivePlan
from bridge.core.study import Case, Score
from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.engine.live import LiveStream
from bridge.engine.live_model import LiveModel

Run = Callable[[Any], Audio]
"""Separates the window at the end of a context: stems (S, C, n) of its newest frames."""


@dataclass(frozen=True)
class Song:
    """What is played and what it is compared with, at the model's rate.

    audio: (C, n), float32, C as many as the model has. measured: its frames that are compared, as
    many as `reference` has, the offline stems (S, C, m). truth: the true ones, or None. near:
    frames on either side of a seam that count as near it.
    """

    audio: Audio
    measured: Span
    reference: Audio
    near: int
    truth: Audio | None = None


class Outcome:
    """What one plan gives, as far as it was played.

    score: against the offline stems. truth: against the true ones, empty without them.
    """

    def __init__(self, case: Case, stems: int) -> None:
        self.case = case
        self.score, self.truth = Score(stems), Score(stems)

    def compare(self, song: Song, start: int, stems: Audio) -> None:
        """Count finished stems (S, C, n), whose first frame is `start`, where they are measured."""
        given = Span(start, stems.shape[-1])
        span = given.intersect(song.measured)
        if not span:
            return
        near = self.case.is_near(span, song.near)
        stems, place = stems[..., span.slice_in(given)], span.slice_in(song.measured)
        self.score.add(song.reference[..., place], stems, near)
        if song.truth is not None:
            self.truth.add(song.truth[..., place], stems, near)


class Pass:
    """All plans with one window, played side by side.

    cases: with the same window, and hops that are multiples of `step`.

    Attributes
    ----------
    outcomes: of every plan, growing with `play`. runs: that `play` makes.
    """

    def __init__(self, model: LiveModel, song: Song, cases: Sequence[Case], step: int) -> None:
        self._model, self._song, self._step = model, song, step
        same = Conversion(model.rate, model.rate)
        reach = max(case.hop + case.lookahead for case in cases)
        self._newest = LivePlan(same, same, reach, 0, cases[0].window)
        stems = len(model.sources)
        self._streams = [(Outcome(case, stems), _Live(case, model)) for case in cases]
        self.outcomes = [outcome for outcome, _ in self._streams]
        # A run at this frame gives nothing that depends on those left out before it.
        self._first = song.measured.start
        last = max(song.measured.stop + case.lookahead + case.hop for case in cases)
        self._ends = range(step, last + step, step)
        self.runs = sum(
            end >= self._first and any(case.is_due(end) for case in cases) for end in self._ends
        )

    def play(self, run: Run) -> Iterator[int]:
        """Play the song to its end; yields after each run how many were made.

        `run` is the model's, of one context: the caller may time it.
        """
        context, done = self._model.open(self._newest), 0
        for end in self._ends:
            block = _part(self._song.audio, Span(end - self._step, self._step))
            context.push(block)
            due = [each for each in self._streams if each[1].push(end, block)]
            if end < self._first:
                for _, stream in due:
                    stream.skip()
            elif due:
                stems = run(context)
                for outcome, stream in due:
                    outcome.compare(self._song, *stream.take(stems))
                done += 1
                yield done


def _part(audio: Audio, span: Span) -> Audio:
    """Frames of `audio`, behind which there is silence."""
    found = audio[:, span.start : span.stop]
    return np.pad(found, ((0, 0), (0, span.length - found.shape[1])))


class _Nothing:
    """The context of a stream whose windows another one keeps."""

    def push(self, audio: Audio) -> None:
        pass


class _Live:
    """A stream with one plan, joined as live sessions do it: by their own code."""

    def __init__(self, case: Case, model: LiveModel) -> None:
        same = Conversion(model.rate, model.rate)
        plan = LivePlan(same, same, case.hop, case.lookahead, case.window, case.fade)
        origin, silence = -case.lead, np.zeros((model.channels, case.lead), np.float32)
        self._case = case
        self._stream = LiveStream(
            plan,
            _Nothing(),
            model.sources,
            model.channels,
            residual=False,
            origin=origin,
            start=origin,
        )
        if case.lead:
            self._stream.push(origin, silence)

    def push(self, end: int, block: Audio) -> bool:
        """Take the next frames of the song, up to `end`; True when a run is due."""
        self._stream.push(end - block.shape[1], block)
        return self._stream.ready()

    def skip(self) -> None:
        """That run is not made."""
        self._stream.skip()

    def take(self, stems: Audio) -> tuple[int, Audio]:
        """Take what it says of the newest frames; returns stems, and which frame is the first."""
        self._stream.advance()
        case = self._case
        start = stems.shape[-1] - case.lookahead - case.hop
        return self._stream.finish(stems[..., start : start + case.hop + case.fade])
