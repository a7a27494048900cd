"""Signals of one song on the disk as raw floats, between separation and the files of the user.

A take is written once, block by block, and measured on the way; it is read as often as mixes need
it. So memory holds blocks, whatever a preset does, and levels are known before a file is encoded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from bridge.core.loudness import LoudnessMeter
from bridge.engine.base import Audio
from bridge.runtime.audio_input import BLOCK, Source
from bridge.runtime.audio_output import Encoding, StemWriter, check_size, check_whole, finish
from bridge.runtime.render import Written
from bridge.runtime.writing import writing


@dataclass(frozen=True)
class Take:
    """A finished signal: raw interleaved float32 in `path`.

    frames, channels: its shape. peak: highest absolute sample. loudness: LUFS, minus infinity for
    silence, None where it was not measured.
    """

    path: Path
    channels: int
    frames: int
    peak: float
    loudness: float | None

    def blocks(self, frames: int | None = None) -> Iterator[Audio]:
        """Blocks of (C, BLOCK) and a rest, padded with zeros or cut to `frames` frames."""
        left = self.frames if frames is None else frames
        with self.path.open("rb") as file:
            while left > 0:
                count = min(BLOCK, left)
                data = np.frombuffer(file.read(count * self.channels * 4), "<f4")
                block = data.reshape(-1, self.channels).T
                yield np.pad(block, ((0, 0), (0, count - block.shape[1])))
                left -= count


class TakeWriter:
    """Writes a take to `path`, and measures its loudness where `rate` is given."""

    def __init__(self, path: Path, channels: int, rate: int | None = None) -> None:
        self._path, self._channels = path, channels
        self._meter = LoudnessMeter(rate, channels) if rate else None
        self._frames, self._peak = 0, 0.0

    def __enter__(self) -> Self:
        with writing(self._path):
            self._file = self._path.open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with writing(self._path):
            self._file.close()

    def write(self, block: Audio) -> None:
        """Append frames (C, n). Raises OutputError when the disk is full."""
        with writing(self._path):
            self._file.write(np.ascontiguousarray(block.T, "<f4").data)
        self._frames += block.shape[1]
        self._peak = max(self._peak, float(np.abs(block).max(initial=0.0)))
        if self._meter is not None:
            self._meter.push(block)

    def take(self) -> Take:
        """What was written. To be asked when the context was left."""
        loudness = None if self._meter is None else self._meter.integrated()
        return Take(self._path, self._channels, self._frames, self._peak, loudness)


@dataclass(frozen=True)
class Level:
    """The gain that brings a take to its loudness, and what is said about it.

    reached: LUFS after it, None where it has no target or is silent.
    """

    gain: float = 1.0
    reached: float | None = None
    warning: str = ""

    def turned(self, gain: float) -> Level:
        """The same with a further gain."""
        reached = None if self.reached is None else self.reached + 20 * math.log10(gain)
        return Level(self.gain * gain, reached, self.warning)


def level(name: str, take: Take, target: float | None, peak_db: float) -> Level:
    """Gain for a take whose loudness was measured; lower where samples would pass `peak_db`."""
    if target is None or take.loudness is None:
        return Level()
    if take.loudness == -math.inf or not take.peak:
        return Level(warning=f"{name} is silent or under 0.4 s long, so it is left at its level")
    wanted = 10 ** ((target - take.loudness) / 20)
    gain = min(wanted, 10 ** (peak_db / 20) / take.peak)
    reached = take.loudness + 20 * math.log10(gain)
    warning = ""
    if reached < target - 0.05:
        warning = (
            f"{name} reaches {reached:.1f} instead of {target:g} LUFS, or its peaks would pass "
            f"{peak_db:g} dBFS; a BrickwallLimiter with a lower ceiling_db makes room"
        )
    return Level(gain, reached, warning)


def encode_take(
    take: Take,
    path: Path,
    encoding: Encoding,
    source: Source,
    *,
    frames: int,
    start: int = 0,
    gain: float = 1.0,
    seed: tuple[int, ...] = (0, 0),
    clamp: bool = False,
) -> Written:
    """Write a take times `gain` to the audio file `path`, and remove the take.

    Parameters: `source`, the song it was made of, whose rate, tags and time reference the file
    gets; `frames`, its length, for which the take is padded with zeros or cut; `start`, where in
    the song its first frame lies; `seed` of the dither; `clamp` limits samples to full scale.
    Raises UsageError for more than the format holds, OutputError when the disk does not take it.
    """
    check_size(encoding, frames, source.channels)
    with StemWriter(
        path=path,
        encoding=encoding,
        rate=source.rate,
        channels=source.channels,
        seed=seed,
        frames=frames,
        clamp=clamp,
        tags=source.tags,
    ) as writer:
        for block in take.blocks(frames):
            writer.write(block if gain == 1 else block * np.float32(gain))
    check_whole(path, frames)
    take.path.unlink()
    finish(path, encoding, None if source.origination is None else source.origination + start)
    check_whole(path, frames)
    return Written(path, writer.peak, writer.over, frames)
