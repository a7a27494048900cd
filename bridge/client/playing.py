"""Plays a file through a running sidecar as a DAW would, and writes the stems that come back.

Blocks go in one after the other; the stems come out `latency` frames later and are moved back by
just that, as a host does, so that the files line up with the song.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.client.stream import StemStream
from bridge.config import BounceSettings
from bridge.core.line import Line
from bridge.core.rates import RateMap
from bridge.core.timeline import Span
from bridge.errors import UsageError
from bridge.runtime.audio_input import Source, open_source, read_blocks, verify
from bridge.runtime.audio_output import (
    StemWriter,
    check_size,
    check_whole,
    choose_encoding,
    finish,
)
from bridge.runtime.manifest import SCHEMA
from bridge.runtime.outputs import Output, output_paths
from bridge.runtime.places import check_inputs, check_places
from bridge.runtime.resample import resampled
from bridge.runtime.workspace import Workspace
from bridge.runtime.writing import writing

Audio = NDArray[np.float32]

RANDOM_LARGEST = 1024
"""Frames of the largest block where blocks are random: what a host that varies them announces."""


@dataclass(frozen=True)
class PlaySettings:
    """How a file is played.

    block: frames, 0 for random sizes up to `RANDOM_LARGEST`. rate: of the host in Hz, None for the
    file's. origin: file frame at which the hop grid starts. latency_ms: None for the smallest.
    context: seconds of the window, None for all of it. seed: of the random sizes.
    """

    block: int = 512
    rate: int | None = None
    origin: int = 0
    realtime: bool = False
    latency_ms: float | None = None
    context: float | None = None
    seed: int = 0

    @property
    def largest(self) -> int:
        """Frames of the largest block."""
        return self.block or RANDOM_LARGEST


@dataclass(frozen=True)
class Played:
    """What came of it: final paths by name, and what the manifest says."""

    paths: dict[str, Path]
    manifest: dict[str, Any]


Progress = Callable[[str, int, int], None]
"""Told (what, done, total) while a model is made ready and while the song plays."""


def play(
    path: Path,
    folder: Path,
    settings: BounceSettings,
    how: PlaySettings,
    *,
    connection: Path | None = None,
    progress: Progress = lambda _what, _done, _all: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Played:
    """Play the song at `path`; stems go below `folder`, laid out as a bounce does.

    Raises InputError, OutputError, UsageError, or ServerError when the sidecar cannot do it.
    """
    with Workspace(folder, path, keep=False) as work:
        source = open_source(path, work.path)
        verify(source)
        with _open(source, settings, how, connection, progress) as stream:
            for text in stream.warnings:
                warn(text)
            song = _Playing(source, stream, settings, how)
            paths = output_paths(folder, path, song.outputs, settings, stream.model)
            check_inputs(paths, (path,))
            check_places(folder, paths, replace=settings.overwrite)
            files = song.render(work.path, progress)
            manifest = song.describe(paths)
        for name, file in files.items():
            with writing(paths[name]):
                paths[name].parent.mkdir(parents=True, exist_ok=True)
                file.replace(paths[name])
        with writing(paths["manifest"]):
            paths["manifest"].write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        return Played(paths, manifest)


def _open(
    source: Source,
    settings: BounceSettings,
    how: PlaySettings,
    connection: Path | None,
    progress: Progress,
) -> StemStream:
    return StemStream(
        how.rate or source.rate,
        how.largest,
        settings.model,
        how.latency_ms,
        channels=source.channels,
        context=how.context,
        residual=settings.residual == "other",
        realtime=how.realtime,
        precision=settings.precision,
        connection=connection,
        origin=max(0, how.origin),
        on_progress=progress,
    )


class _Playing:
    """A song in front of a stream that is open."""

    def __init__(
        self, source: Source, stream: StemStream, settings: BounceSettings, how: PlaySettings
    ) -> None:
        self._source = source
        self._stream = stream
        self._how = how
        self._rates = RateMap(source.rate, how.rate or source.rate)
        self._frames = self._rates.frames(source.frames)
        if how.origin >= self._frames:
            raise UsageError(
                f"--origin {how.origin} is not within the {self._frames} frames of {source.path}; "
                "use an earlier one"
            )
        names = (*stream.stems, *(("residual",) if settings.residual == "file" else ()))
        self.outputs = tuple(Output(name, (name,)) for name in names)
        rate, channels = self._rates.target, source.channels
        self._encoding = choose_encoding(settings.format, settings.bits, rate, channels)
        check_size(self._encoding, self._frames, channels)
        self._seed = settings.seed
        self._peaks: dict[str, float] = {}

    def render(self, folder: Path, progress: Progress) -> dict[str, Path]:
        """Play it all; the finished files, by the names of the outputs."""
        files = {}
        for output in self.outputs:
            files[output.name] = folder / f"{output.name}.{self._encoding.format}"
        with ExitStack() as stack:
            writers = [
                stack.enter_context(
                    StemWriter(
                        files[output.name],
                        self._encoding,
                        self._rates.target,
                        self._source.channels,
                        (self._seed, number),
                        self._frames,
                        tags={**self._source.tags, "title": output.name},
                    )
                )
                for number, output in enumerate(self.outputs)
            ]
            done = 0
            for mix, stems in self._aligned():
                rest = mix - stems.sum(axis=0)
                for writer, signal in zip(writers, (*stems, rest), strict=False):
                    writer.write(signal)
                done += mix.shape[1]
                progress("playing", done, self._frames)
        for writer in writers:
            self._peaks[writer.path.stem] = writer.peak
            finish(writer.path, self._encoding, self._source.origination)
            check_whole(writer.path, self._frames)
        return files

    def _aligned(self) -> Iterator[tuple[Audio, Audio]]:
        """The mix (C, n) and its stems (S, C, n), moved back by the latency, in order."""
        origin, stream = self._how.origin, self._stream
        played = Line(self._source.channels, origin)
        shape = (len(stream.stems), self._source.channels)
        blocks = _cut(self._signal(), self._sizes())
        if origin > 0:  # what is before the origin is not played
            unplayed = next(blocks)
            yield unplayed, np.zeros((*shape, unplayed.shape[1]), np.float32)
        heard = origin - stream.latency
        for block in self._paced(blocks):
            played.append(block)
            yield from self._pair(played, heard, stream.process(block))
            heard += block.shape[1]
        yield from self._pair(played, heard, stream.drain())

    def _pair(self, played: Line, heard: int, stems: Audio) -> Iterator[tuple[Audio, Audio]]:
        known = Span(heard, stems.shape[2])
        span = known.intersect(Span.between(max(0, self._how.origin), self._frames))
        if span:
            yield played.view(span.start, span.stop), stems[..., span.slice_in(known)]
            played.forget(span.stop)

    def _signal(self) -> Iterator[Audio]:
        """The song at the host's rate, behind the silence that an origin before it asks for."""
        if self._how.origin < 0:
            yield np.zeros((self._source.channels, -self._how.origin), np.float32)
        blocks = read_blocks(self._source, Span(0, self._source.frames))
        yield from resampled(blocks, self._rates, self._frames)

    def _sizes(self) -> Iterator[int]:
        if self._how.origin > 0:
            yield self._how.origin
        random = Random(self._how.seed)  # noqa: S311 - sizes of blocks are no secret
        while True:
            yield self._how.block or random.randint(1, RANDOM_LARGEST)

    def _paced(self, blocks: Iterator[Audio]) -> Iterator[Audio]:
        """The blocks, each no earlier than a host that plays would have it."""
        began, done = time.monotonic(), 0
        for block in blocks:
            done += block.shape[1]
            ahead = began + done / self._rates.target - time.monotonic()
            if self._how.realtime and ahead > 0:
                time.sleep(ahead)
            yield block

    def describe(self, paths: dict[str, Path]) -> dict[str, Any]:
        """The manifest of what was played."""
        stream, folder = self._stream, paths["manifest"].parent
        return {
            "schema": SCHEMA,
            "input": str(self._source.path),
            "frames": self._frames,
            "rate": self._rates.target,
            "channels": self._source.channels,
            "preview": stream.preview,
            "licence": stream.licence,
            "stems": [
                {
                    "name": output.name,
                    "file": os.path.relpath(paths[output.name], folder),
                    "frames": self._frames,
                    "peak": self._peaks[output.name],
                }
                for output in self.outputs
            ],
            "live": {
                "model": stream.model,
                "latency_frames": stream.latency,
                "plan": {name: getattr(stream.plan, name) for name in stream.plan.kinds},
                "played": asdict(self._how),
                "figures": stream.stats(),
            },
            "warnings": list(stream.warnings),
        }


def _cut(blocks: Iterator[Audio], sizes: Iterator[int]) -> Iterator[Audio]:
    """The same frames in blocks of `sizes`; the last one may be shorter."""
    held: Line | None = None
    size = next(sizes)
    for block in blocks:
        held = held or Line(block.shape[0])
        held.append(block)
        while held.stop - held.start >= size:
            yield held.view(held.start, held.start + size).copy()
            held.forget(held.start + size)
            size = next(sizes)
    if held is not None and held.stop > held.start:
        yield held.view(held.start, held.stop).copy()
