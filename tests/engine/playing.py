"""Live streams played block by block, with a look at every step, and models to play them with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import numpy as np

from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.core.timeline import Span
from bridge.engine.base import Audio, Ensemble, Member
from bridge.engine.fake import FakeSeparator
from bridge.engine.live import LiveStream
from bridge.engine.live_model import live_model
from bridge.engine.spectral import SpectralSeparator
from tests.engine.trust import Trust

FOUR = ("drums", "bass", "other", "vocals")
RATES = (44_100, 48_000, 88_200, 96_000, 192_000)
BLOCKS = (1, 16, 64, 441, 512, 1024, 8192, "random")


@dataclass(frozen=True)
class Placed:
    """Stems that depend on where in a window a frame lies, and on its every other frame."""

    segment: int = 9000
    rate: int = 44_100
    scale: float = 1.0
    sources: tuple[str, ...] = FOUR
    name: str = "placed"
    overlap: float = 0.25
    streams: int = 1
    shares: bool = False
    channels: int = 2
    licence: str = "none"
    preview: bool = False
    weights_hash: str = "1"

    def read_span(self, emit: Span) -> Span:
        return emit

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:  # noqa: ARG002 - for others
        place = np.linspace(-1, 1, batch.shape[-1], dtype=np.float32)
        sides = np.array([[1], [0.5]], np.float32)
        stems = [
            batch * place * sides,
            0.25 * batch + batch.mean(axis=-1, keepdims=True),
            0.5 * batch[..., ::-1],
            np.roll(batch[:, ::-1], batch.shape[-1] // 3, axis=-1) * (1 - place),
        ]
        made = [stems[number % 4] for number in range(len(self.sources))]
        return np.stack(made, axis=1) * np.float32(self.scale)


def alone(separator: Any) -> Any:
    """A live model of one separator."""
    shares = (1.0,) * len(separator.sources)
    return live_model(Ensemble(separator.name, (Member(separator, shares),)))


def fake(delay: int = 100, rate: int = 44_100) -> Any:
    return alone(FakeSeparator(rate, 8000, delay=delay))


def placed(**values: Any) -> Any:
    return alone(Placed(**values))


def spectral(rate: int) -> Any:
    return alone(SpectralSeparator(rate))


def plan_for(
    model: Any,
    rate: int,
    hop: int,
    *,
    lookahead: int | None = None,
    window: int | None = None,
    fade: int | None = None,
) -> LivePlan:
    """A plan as `choose` would cut it, unless it is said otherwise."""
    traits = model.traits
    ahead = traits.lookahead if lookahead is None else lookahead
    if fade is None:
        fade = traits.fade(hop, ahead)
    there, back = design(rate, model.rate), design(model.rate, rate)
    return LivePlan(there, back, hop, ahead, window or traits.window, fade)


def noise(frames: int, channels: int = 2, seed: int = 0) -> Audio:
    """Never above a quarter of full scale, and louder every other while."""
    rng = np.random.default_rng(seed)
    loud = 0.02 + 0.23 * (np.arange(frames) // 701 % 2)
    return (rng.uniform(-1, 1, (channels, frames)) * loud).astype(np.float32)


class Player:
    """Plays one epoch of `signal` (C, n), whose frame 0 is host frame `origin`, from `start` on.

    phase: how far before the origin the grid lies.

    Every step checks that runs come exactly when the plan says: as soon as their input is there.
    """

    def __init__(
        self,
        model: Any,
        plan: LivePlan,
        signal: Audio,
        *,
        origin: int = 0,
        start: int = 0,
        residual: bool = True,
        phase: int = 0,
    ) -> None:
        self.model, self.plan, self.signal, self.origin = model, plan, signal, origin
        self.phase = phase
        self.stream = LiveStream(
            plan,
            model.open(plan),
            model.sources,
            len(signal),
            residual=residual,
            origin=origin,
            start=origin + start,
            phase=phase,
        )
        self.place = start
        self.pieces: list[tuple[int, Audio]] = []
        trust = Trust(plan, start + phase if start else 0)
        self.run = next(run for run in count() if trust.run(run))

    def push(self, frames: int) -> None:
        """Hand over the next frames of the signal."""
        stop = min(self.place + frames, self.signal.shape[1])
        self.stream.push(self.origin + self.place, self.signal[:, self.place : stop])
        self.place = stop
        assert self.stream.received == self.origin + stop
        assert self.stream.ready() == (self.plan.host_needed(self.run) <= stop + self.phase)

    def step(self) -> None:
        """Do the next run."""
        plan, final = self.plan, self.stream.next_final()
        assert final == plan.host_emit(self.run).shift(self.origin - self.phase)
        audio = self.model.run([self.stream.advance()])[0]
        assert audio.shape == (len(self.model.sources), 2, plan.hop + plan.fade)
        start, stems = self.stream.finish(audio)
        assert stems.dtype == np.float32
        assert final.covers(Span(start, stems.shape[2]))
        self.run += 1
        if stems.shape[2]:
            self.pieces.append((start - self.origin, stems))

    def skip(self) -> None:
        self.stream.skip()
        self.run += 1

    def work(self) -> None:
        """Do every run whose input is there."""
        while self.stream.ready():
            self.step()

    def play(self, block: int | str, stop: int | None = None) -> Player:
        """Hand over the signal up to `stop`, or all, in blocks of one length or of any."""
        last = self.signal.shape[1] if stop is None else stop
        rng = np.random.default_rng(5)
        while self.place < last:
            frames = block if isinstance(block, int) else int(rng.choice([1, 7, 64, 333, 2000]))
            self.push(min(frames, last - self.place))
            if self.stream.ready():
                self.work()
        return self

    def end(self, stop: int | None = None) -> Player:
        """The input ends where it is, or nothing is wanted from `stop` on."""
        self.stream.drain(self.origin + (self.place if stop is None else stop))
        self.work()
        assert self.stream.done
        return self

    def given(self) -> set[int]:
        """Frames that were given, which is once at most."""
        frames = list(chain.from_iterable(range(at, at + s.shape[2]) for at, s in self.pieces))
        assert len(set(frames)) == len(frames)
        return set(frames)

    def worst(self, expected: Any) -> float:
        """Largest difference from the stems (S, C, n) that were expected from frame 0 on."""
        differences = [0.0]
        for at, stems in self.pieces:
            differences.append(float(np.abs(stems - expected[..., at : at + stems.shape[2]]).max()))
        return max(differences)


def everything(player: Player) -> Audio:
    """The stems from the first frame through the last."""
    place = 0
    for at, stems in player.pieces:
        assert at == place
        place += stems.shape[2]
    return np.concatenate([stems for _, stems in player.pieces], axis=-1)
