"""Runs a chain of effects over a signal block by block, aligned to the sample.

pedalboard keeps an effect's state between calls with `reset=False`. Four things make that exact:

- An effect is prepared once, with its largest block, before the first frame. pedalboard would
  prepare it again, and lose its state, when a larger block comes, and a plug-in tells its true
  latency only then.
- Every block has one size, filled with zeros at the end: effects that code in frames (mp3) and
  plug-ins are prepared for one.
- Frames that an effect holds back at first (a limiter's look-ahead, a plug-in's latency) come out
  of it afterwards, when zeros are fed behind the signal. What comes out is already in step.
- Effects that give something else in blocks (`effects.WHOLE`) get the whole signal in one call.

A live stream cannot wait for full blocks: see `Runner.direct`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pedalboard import Pedalboard

from bridge.core.mix import widen
from bridge.errors import UsageError
from bridge.runtime import preset
from bridge.runtime.effects import EQUAL_BLOCKS, WHOLE

Audio = NDArray[np.float32]

BLOCK = 8192  # frames that effects get at once; pedalboard's own default
QUIET = 1e-5  # a tail below -100 dBFS has ended
TAIL_SECONDS = 60  # of a tail at most: there are effects that never fall silent
WHOLE_TAIL_SECONDS = 10  # after effects that get the whole signal
_PATIENCE_SECONDS = 2.0  # of silence that end a tail, beyond all echoes one after the other
_HELD_SECONDS = 60  # an effect that holds back more is broken
_LEAST = 3  # frames of a block: pedalboard cannot tell one or two from so many channels


class Runner:
    """A chain of effects with its state, for one signal at `rate` Hz with `channels` channels.

    Parameters: `effects`, of a preset; `block`, frames that each effect is prepared for and gets at
    once. With `direct`, for a live stream, effects get blocks of any size up to that as they come;
    at least all but the last `latency` frames have come out then after every push.
    Raises UsageError, with file and line, where an effect cannot be made, not at this rate, or not
    live.
    """

    def __init__(
        self,
        effects: Sequence[preset.Effect],
        rate: int,
        channels: int,
        block: int = BLOCK,
        *,
        direct: bool = False,
    ) -> None:
        self.rate, self.channels = rate, channels
        self._stages: list[_Stage | _WholeStage] = []
        self._echo = 0.0
        for effect in effects:
            made = effect.make(rate)
            self._echo += float(getattr(made, "delay_seconds", 0.0))
            if direct and effect.name in WHOLE | EQUAL_BLOCKS:
                raise UsageError(
                    f"{effect.place}: {effect.name} cannot run live, only on files: it needs "
                    f"{'the whole signal' if effect.whole else 'blocks of one size'}"
                )
            if effect.whole:
                self._stages.append(_WholeStage(made, rate, channels))
                continue
            # Plug-ins are prepared again, and lose their state, when a block is smaller.
            equal = not direct or effect.plugin is not None
            self._stages.append(_Stage(made, effect.place, rate, channels, block, equal=equal))
        self._taken = 0

    @property
    def whole(self) -> bool:
        """True where nothing comes out before the signal has ended."""
        return any(isinstance(stage, _WholeStage) for stage in self._stages)

    @property
    def latency(self) -> int:
        """Frames that are held back in all at most, measured when the effects were prepared."""
        return sum(stage.latency for stage in self._stages)

    @property
    def patience(self) -> int:
        """Frames of silence after which a tail has ended."""
        return round((_PATIENCE_SECONDS + self._echo) * self.rate)

    def push(self, block: Audio) -> Audio:
        """Take the next frames (C, n), float32; give those that are done, in step with the input.

        The first frame that ever comes out belongs to the first that went in.
        """
        self._taken += block.shape[1]
        for stage in self._stages:
            block = stage.push(block)
        return block

    def finish(self) -> Audio:
        """The frames that are still missing. As many have come out then as went in."""
        block = np.zeros((self.channels, 0), np.float32)
        for stage in self._stages:
            block = np.concatenate([stage.push(block), stage.finish(self._taken)], axis=1)
        return block


class _Stage:
    """One effect in blocks of one size, or up to that size where they need not be `equal`."""

    def __init__(
        self, made: Any, place: str, rate: int, channels: int, block: int, *, equal: bool
    ) -> None:
        self._board = Pedalboard([made])
        self._place, self._rate, self._block, self._equal = place, rate, block, equal
        self._held = np.zeros((channels, 0), np.float32)
        self._given = 0
        self._prepare()  # only now does a plug-in say what its latency is
        self.latency = self._prepare() + (block if equal else _LEAST) - 1

    def _prepare(self) -> int:
        """Have it prepared for its largest block; returns the frames that it holds back then."""
        zeros = np.zeros((self._held.shape[0], self._block), np.float32)
        taken = given = 0
        while taken <= _HELD_SECONDS * self._rate:
            out = int(self._call(zeros).shape[1])
            taken, given = taken + self._block, given + out
            if out >= self._block or given >= self._block:
                self._board.reset()
                return taken - given
        raise UsageError(
            f"{self._place}: the effect gives nothing for {_HELD_SECONDS} s; leave it out"
        )

    def push(self, block: Audio) -> Audio:
        signal = np.concatenate([self._held, block], axis=1)
        rest = signal.shape[1] % self._block
        whole = signal.shape[1] - (rest if self._equal or rest < _LEAST else 0)
        outs = [
            self._call(np.ascontiguousarray(signal[:, at : at + self._block]))
            for at in range(0, whole, self._block)
        ]
        self._held = signal[:, whole:]
        self._given += sum(out.shape[1] for out in outs)
        return np.concatenate([*outs, self._held[:, :0]], axis=1)

    def finish(self, total: int) -> Audio:
        """Frames up to `total`, counted from the first, by feeding zeros."""
        outs = [self._held[:, :0]]
        missing, limit = total - self._given, total + _HELD_SECONDS * self._rate
        fed = self._given
        while missing > 0 and fed <= limit:
            fed += self._block
            zeros = self._block - self._held.shape[1]
            outs.append(self.push(np.zeros((self._held.shape[0], zeros), np.float32))[:, :missing])
            missing -= outs[-1].shape[1]
        return np.concatenate(outs, axis=1)

    def _call(self, block: Audio) -> Audio:
        out: Audio = self._board(block, self._rate, buffer_size=self._block, reset=False)
        if not np.isfinite(out).all():
            raise UsageError(f"{self._place}: the effect gives values that are no numbers")
        return out


class _WholeStage:
    """One effect that gets all frames in one call."""

    latency = 0  # not known: all of it

    def __init__(self, made: Any, rate: int, channels: int) -> None:
        self._board = Pedalboard([made])
        self._rate = rate
        self._blocks: list[Audio] = []
        self._nothing = np.zeros((channels, 0), np.float32)

    def push(self, block: Audio) -> Audio:
        self._blocks.append(block.copy())
        return self._nothing

    def finish(self, total: int) -> Audio:
        signal = np.concatenate([self._nothing, *self._blocks], axis=1)
        self._blocks.clear()
        if not total:
            return self._nothing
        out: Audio = self._board(signal, self._rate, reset=True)[:, :total]
        return np.pad(out, ((0, 0), (0, total - out.shape[1])))


class Lane:
    """One signal on its way through a chain to where `write` puts it; its width comes first."""

    def __init__(self, runner: Runner, write: Callable[[Audio], None], width: float = 1.0) -> None:
        self._runner, self._write, self._width = runner, write, width
        self._given = 0

    def push(self, block: Audio) -> None:
        """Take the next frames (C, n), float32."""
        piece = self._runner.push(widen(block, self._width))
        self._given += piece.shape[1]
        if piece.shape[1]:
            self._write(piece)

    def finish(self, frames: int, *, keep: bool) -> None:
        """Write what is missing of the `frames` frames that were pushed.

        With `keep`, the tail that effects leave behind them too, until it stays below -100 dBFS.
        """
        if not keep:
            self._write(self._runner.finish())
            return
        waiting: list[Audio] = []
        for piece in _tail(self._runner, frames, self._given):
            inside = max(0, min(piece.shape[1], frames - self._given))
            self._given += piece.shape[1]
            self._write(piece[:, :inside])
            waiting.append(piece[:, inside:])
            if _is_loud(piece[:, inside:]):
                for late in waiting:
                    self._write(late)
                waiting.clear()


def _tail(runner: Runner, frames: int, given: int) -> Iterator[Audio]:
    """What comes out after the signal, until it was silent for long enough."""
    seconds = WHOLE_TAIL_SECONDS if runner.whole else TAIL_SECONDS
    zeros = np.zeros((runner.channels, BLOCK), np.float32)
    fed = silent = 0
    while fed < seconds * runner.rate and silent < runner.patience:
        piece = runner.push(zeros)
        fed += BLOCK
        given += piece.shape[1]
        if piece.shape[1] and given > frames:
            silent = 0 if _is_loud(piece) else silent + piece.shape[1]
        yield piece
    yield runner.finish()


def _is_loud(piece: Audio) -> bool:
    return float(np.abs(piece).max(initial=0.0)) >= QUIET
