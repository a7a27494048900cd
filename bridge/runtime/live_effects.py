"""The effects of a preset on the stems of a live stream: in step with them, their state kept.

An effect that holds frames back gives them later, so that stems trail by as much more as the
slowest chain takes; a plan counts that into its latency. pedalboard compensates what its own
effects hold back: what comes out of them is in step, and only shorter at first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np
from pedalboard import Pedalboard

from bridge.core.line import Line
from bridge.engine.base import Audio
from bridge.errors import ModelError, UsageError
from bridge.protocol import limits
from bridge.runtime.effects import EQUAL_BLOCKS
from bridge.runtime.preset import Chain, Effect, Preset

BLOCK = 2048
"""Frames that an effect is prepared for, and gets at most at once."""

_HELD_BLOCKS = 100
"""What an effect may hold back; it is measured with as many blocks of silence."""

_SHORTEST = 3
"""Frames of a first block that pedalboard cannot take for channels, from whose count it tells which
is which. Fewer wait for those after them, which hops of a few frames alone ever bring about."""


@dataclass(frozen=True)
class StemEffects:
    """What the stems of a stream pass through.

    chains: of each stem, in the order of the model's. sha256: of the preset. latency: host frames
    by which every stem trails what went in, which is what the slowest chain holds back. gains: of
    the stems in the first mix that the preset writes, as CONFIGURED has them; none without one.
    """

    chains: tuple[Chain, ...]
    rate: int
    channels: int
    sha256: str
    latency: int
    gains: tuple[int, ...] = ()

    @classmethod
    def of(cls, preset: Preset, sources: tuple[str, ...], rate: int, channels: int) -> StemEffects:
        """The effects of `preset` for stems at `rate` Hz, each made once.

        Raises ModelError or UsageError for a stem that the model lacks, and for what cannot run
        live.
        """
        preset.written_stems(sources)
        chains = tuple(preset.stems.get(source, ()) for source in sources)
        for effect in (effect for chain in chains for effect in chain):
            _check(effect)
        latency = max(_Board(chain, rate, channels).latency for chain in chains)
        mix = next(iter(preset.written_mixes()), None)
        gains = tuple(_centibels(mix.gain(source)) for source in sources) if mix else ()
        return cls(chains, rate, channels, preset.sha256, latency, gains)

    def start(self) -> LiveEffects:
        """Fresh effects for one epoch."""
        return LiveEffects(self)


class LiveEffects:
    """The effects of one epoch of a stream, with their state."""

    def __init__(self, design: StemEffects) -> None:
        self.latency = design.latency
        self._boards = [_Board(chain, design.rate, design.channels) for chain in design.chains]
        self._channels = design.channels
        self._begin(0)

    def _begin(self, start: int) -> None:
        """Frames are taken and given from host frame `start` on."""
        for board in self._boards:
            board.reset()
        self._taken = self._given = start
        self._ready = [Line(self._channels, start) for _ in self._boards]

    def process(self, start: int, stems: Audio) -> tuple[int, Audio]:
        """Take the stems (S, C, n), float32, from host frame `start` on; returns what is done.

        That are the frames up to `latency` before the end of what was taken, and the first of
        them. After a gap in what comes, effects begin anew: nothing that is given depends on
        frames that were never there.
        """
        if start != self._taken:
            self._begin(start)
        self._taken += stems.shape[2]
        for board, line, stem in zip(self._boards, self._ready, stems, strict=True):
            line.append(board.push(stem))
        return self._give(min(line.stop for line in self._ready))

    def finish(self) -> tuple[int, Audio]:
        """What is left of the stems that were taken; silence follows them."""
        end = self._taken
        count = self.latency + _SHORTEST
        silence = np.zeros((len(self._boards), self._channels, count), np.float32)
        start, rest = self.process(end, silence)
        return start, rest[..., : end - start]

    def _give(self, stop: int) -> tuple[int, Audio]:
        start, self._given = self._given, stop
        given = np.stack([line.view(start, stop) for line in self._ready])
        for line in self._ready:
            line.forget(stop)
        return start, given


class _Board:
    """One chain as pedalboard runs it, prepared before the first frame; latency in frames."""

    def __init__(self, chain: Chain, rate: int, channels: int) -> None:
        self._chain = chain
        self._rate, self._channels = rate, channels
        self._board = Pedalboard([effect.make(rate) for effect in chain])
        self.latency: int = self._prepare()

    def _prepare(self) -> int:
        """Have it prepared for its largest block, which would reset it later."""
        self.reset()
        zeros, held = np.zeros((self._channels, BLOCK), np.float32), 0
        for _ in range(_HELD_BLOCKS):
            given = int(self.push(zeros).shape[1])
            held += BLOCK - given
            if given == BLOCK:
                self.reset()
                return held
        raise UsageError(f"{self._chain[0].place}: this chain holds back too much to be used live")

    def reset(self) -> None:
        """Begin anew, as after silence."""
        self._board.reset()
        self._first: Audio | None = np.zeros((self._channels, 0), np.float32)

    def push(self, audio: Audio) -> Audio:
        """The frames (C, m) that are done after `audio` (C, n)."""
        if not self._chain:
            return audio
        if self._first is not None:
            audio = np.concatenate([self._first, audio], axis=1)
            self._first = audio if audio.shape[1] < _SHORTEST else None
            if self._first is not None:
                return audio[:, :0]
        pieces = [self._call(audio[:, at : at + BLOCK]) for at in range(0, audio.shape[1], BLOCK)]
        return np.concatenate([audio[:, :0], *pieces], axis=1)

    def _call(self, audio: Audio) -> Audio:
        block = np.ascontiguousarray(audio)
        out: Any = self._board(block, self._rate, buffer_size=BLOCK, reset=False)
        if not np.isfinite(out).all():
            place = self._chain[0].place
            raise ModelError(f"{place}: this chain gives values that are no numbers; change it")
        return np.asarray(out)


def _centibels(gain: float) -> int:
    """A linear gain in hundredths of a dB, within what a message can hold."""
    least = -limits.SILENCE
    return min(max(least, round(2000 * log10(gain))), limits.GAIN) if gain > 0 else least


def _check(effect: Effect) -> None:
    """Raises UsageError for an effect that blocks of any size, at once, would change."""
    if effect.plugin is not None:
        raise UsageError(
            f"{effect.place}: an external plug-in does not run in the sidecar; put it on the "
            "stem's bus in the DAW, or bounce with this preset"
        )
    if effect.whole or effect.name in EQUAL_BLOCKS:
        raise UsageError(
            f"{effect.place}: {effect.name} does not run live, as it gives something else in "
            "short blocks; bounce with this preset, or take another effect"
        )
