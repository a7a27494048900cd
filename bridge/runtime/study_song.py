"""The part of a song that a study uses, and what is read of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from bridge.core.rates import RateMap
from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.errors import InputError, UsageError
from bridge.runtime.audio_input import Source, open_source, read_blocks
from bridge.runtime.resample import resampled

SECONDS = 20.0
"""Of a song, unless it is said otherwise."""

SHORTEST = 1.0
"""Seconds below which a figure says nothing."""

TAIL = 0.75
"""Seconds of the song behind the part that is measured: what the longest look-ahead reads."""


@dataclass(frozen=True)
class Part:
    """Which frames of a song are used, at the song's rate: those read, and those measured."""

    read: Span
    measured: Span
    rate: int

    def measured_at(self, rate: int) -> Span:
        """The measured frames at another rate, counted from the first that is read."""
        there = RateMap(self.rate, rate)
        start = there.frames(self.measured.start - self.read.start)
        return Span(start, there.frames(self.measured.length))


def choose_part(
    frames: int, rate: int, window: float, start: float | None, seconds: float | None
) -> Part:
    """The part of a song of `frames` frames: its middle, unless `start` says where it begins.

    window: of the model, in seconds. As much is read before and behind as the stems of the part
    depend on; without `start`, the song has a whole window before it.
    Raises InputError for a song that is too short, and UsageError for a start too near its end.
    """
    lead, tail, wanted = (round(time * rate) for time in (window, TAIL, seconds or SECONDS))
    last = frames - tail
    begin = max(lead, (lead + last - wanted) // 2) if start is None else round(start * rate)
    measured = Span.between(begin, min(begin + wanted, last))
    if measured.length < SHORTEST * rate:
        if start is not None:
            raise UsageError(
                f"--start {start:g} s leaves too little of the song, which lasts "
                f"{frames / rate:.1f} s; start {TAIL + SHORTEST:g} s or more before its end"
            )
        raise InputError(
            f"{frames / rate:.1f} s of audio are too short for this model, whose window is "
            f"{window:.1f} s; use a song of {ceil(10 * (window + TAIL + SHORTEST)) / 10} s or more"
        )
    # Offline windows reach a window to either side.
    read = Span.between(max(0, begin - lead), min(frames, measured.stop + lead + tail))
    return Part(read, measured, rate)


def read_part(path: Path, part: Part, rate: int) -> Audio:
    """The part's frames as stereo at `rate`, shape (2, n), float32."""
    with tempfile.TemporaryDirectory(prefix="stembridge-") as folder:
        source = open_source(path, Path(folder))
        blocks = read_blocks(source, part.read)
        stereo = (np.repeat(b, 2, axis=0) if b.shape[0] == 1 else b for b in blocks)
        rates = RateMap(source.rate, rate)
        return np.concatenate(
            list(resampled(stereo, rates, rates.frames(part.read.length))), axis=1
        )


def inspect(path: Path) -> Source:
    """What the file says of itself. Raises InputError."""
    with tempfile.TemporaryDirectory(prefix="stembridge-") as folder:
        return open_source(path, Path(folder))


def read_truth(folder: Path, stems: tuple[str, ...], song: Source, part: Part, rate: int) -> Audio:
    """The measured frames of the true stems, STEM.wav in `folder`: shape (S, 2, n), float32.

    Raises InputError where one is missing or is not as long as the song.
    """
    measured, found = part.measured_at(rate), []
    for name in stems:
        path = folder / f"{name}.wav"
        source = inspect(path)
        if (source.frames, source.rate) != (song.frames, song.rate):
            raise InputError(
                f"{path} has {source.frames} frames at {source.rate} Hz, and the song has "
                f"{song.frames} at {song.rate}; use the true stems of this song"
            )
        found.append(read_part(path, part, rate)[:, measured.start : measured.stop])
    return np.stack(found)
