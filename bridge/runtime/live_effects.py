"""The effects of a preset on the stems of a live stream: in step with them, their state kept.

An effect that holds frames back gives them later, so that stems trail by as much more as the
slowest chain takes; a plan counts that into its latency. How chains run is in `chain.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import log10

import numpy as np

from bridge.core.line import Line
from bridge.core.mix import widen
from bridge.engine.base import Audio
from bridge.errors import UsageError
from bridge.protocol import limits
from bridge.runtime.chain import Runner
from bridge.runtime.preset import Chain, Effect, Preset

BLOCK = 2048
"""Frames that an effect is prepared for, and gets at most at once."""


@dataclass(frozen=True)
class StemEffects:
    """What the stems of a stream pass through.

    chains: of each stem, in the order of the model's. sha256: of the preset. latency: host frames
    by which every stem trails what went in, which is what the slowest chain holds back. gains: of
    the stems in the first mix that the preset writes, or of those that it writes where that is not
    all, as CONFIGURED has them.
    widths: of the stems before their chains, 1 for each where there are none.
    """

    chains: tuple[Chain, ...]
    rate: int
    channels: int
    sha256: str
    latency: int
    gains: tuple[int, ...] = ()
    widths: tuple[float, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether stems pass through nothing, so that it is a mix alone."""
        return not any(self.chains) and all(width == 1 for width in self.widths)

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
        latency = max(_runner(chain, rate, channels).latency for chain in chains)
        gains = tuple(_hundredths(gain) for gain in _gains(preset, sources))
        widths = tuple(preset.widths.get(source, 1.0) for source in sources)
        return cls(chains, rate, channels, preset.sha256, latency, gains, widths)


class LiveEffects:
    """The effects of one epoch of a stream, with their state."""

    def __init__(self, design: StemEffects) -> None:
        self._design = design
        self._taken: int | None = None
        self._make()

    def _make(self) -> None:
        design = self._design
        self._runners = [_runner(chain, design.rate, design.channels) for chain in design.chains]

    def _begin(self, start: int) -> None:
        """Frames are taken and given from host frame `start` on."""
        if self._taken is not None:
            self._make()
        self._ready = [Line(self._design.channels, start) for _ in self._design.chains]
        self._taken = self._given = start

    def process(self, start: int, stems: Audio) -> tuple[int, Audio]:
        """Take the stems (S, C, n), float32, from host frame `start` on; returns what is done.

        That are the frames up to `latency` before the end of what was taken, or a few more, and the
        first of them. After a gap in what comes, effects begin anew: nothing that is given depends
        on frames that were never there.
        """
        if self._taken is None or start != self._taken:
            self._begin(start)
        self._taken = start + stems.shape[2]
        widths = self._design.widths or (1.0,) * len(stems)
        for runner, line, stem, width in zip(
            self._runners, self._ready, stems, widths, strict=True
        ):
            with _in_words():
                line.append(runner.push(widen(stem, width)))
        return self._give(min(line.stop for line in self._ready))

    def finish(self) -> tuple[int, Audio]:
        """What is left of the stems that were taken; silence follows them."""
        if self._taken is None:
            self._begin(0)
        for runner, line in zip(self._runners, self._ready, strict=True):
            with _in_words():
                line.append(runner.finish())
        return self._give(min(line.stop for line in self._ready))

    def _give(self, stop: int) -> tuple[int, Audio]:
        start, self._given = self._given, stop
        given = np.stack([line.view(start, stop) for line in self._ready])
        for line in self._ready:
            line.forget(stop)
        return start, given


@contextmanager
def _in_words() -> Iterator[None]:
    """Raises UsageError in place of what effects themselves raise."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        words = " ".join(str(error).split())[:200]
        raise UsageError(f"an effect of the preset failed: {words}; choose another") from error


def _runner(chain: Chain, rate: int, channels: int) -> Runner:
    return Runner(chain, rate, channels, BLOCK, direct=True)


def _gains(preset: Preset, sources: tuple[str, ...]) -> tuple[float, ...]:
    """What is heard of each stem of what a bounce with the preset would write; () for all."""
    mix = next(iter(preset.written_mixes()), None)
    if mix is not None:
        return tuple(mix.gain(source) for source in sources)
    if preset.out_stems is None or set(sources) <= set(preset.out_stems):
        return ()
    return tuple(float(source in preset.out_stems) for source in sources)


def _hundredths(gain: float) -> int:
    """A linear gain in hundredths of a dB, within what a message can hold."""
    least = -limits.SILENCE
    return min(max(least, round(2000 * log10(gain))), limits.GAIN) if gain > 0 else least


def _check(effect: Effect) -> None:
    """Raises UsageError for an external plugin: each takes long to make, and may take us along."""
    if effect.plugin is not None:
        raise UsageError(
            f"{effect.place}: an external plug-in does not run in the sidecar; put it on the "
            "stem's bus in the DAW, or bounce with this preset"
        )
