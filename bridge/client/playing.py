"""Plays a file through a running sidecar as a DAW would, and writes the stems that come back.

Blocks go in one after the other; the stems come out `latency` frames later and are moved back by
just that, as a host does, so that the files line up with the song.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.client.play_settings import RANDOM_LARGEST, PlaySettings
from bridge.client.stem_files import StemFiles
from bridge.client.stream import StemStream
from bridge.config import BounceSettings
from bridge.core.line import Line
from bridge.core.rates import RateMap
from bridge.core.timeline import Span
from bridge.errors import UsageError
from bridge.runtime.audio_input import Source, open_source, read_blocks, verify
from bridge.runtime.audio_output import check_size, choose_encoding
from bridge.runtime.manifest import SCHEMA
from bridge.runtime.outputs import Output, output_paths
from bridge.runtime.peaks import peak_warnings
from bridge.runtime.places import check_inputs, check_places
from bridge.runtime.render import Rendering
from bridge.runtime.resample import resampled
from bridge.runtime.workspace import Workspace
from bridge.runtime.writing import writing

Audio = NDArray[np.float32]


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
            rendering = song.render(work.path, progress)
            warnings = song.warnings(rendering)
            for text in warnings:
                warn(text)
            manifest = song.describe(paths, rendering, (*stream.warnings, *warnings))
        for name, file in rendering.files.items():
            with writing(paths[name]):
                paths[name].parent.mkdir(parents=True, exist_ok=True)
                file.path.replace(paths[name])
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
        source.rate if how.rate is None else how.rate,
        how.largest,
        settings.model,
        how.latency,
        channels=source.channels,
        context=how.context,
        residual=settings.residual == "other",
        realtime=how.realtime,
        precision=settings.precision,
        preset=how.preset,
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
        self._rates = RateMap(source.rate, source.rate if how.rate is None else how.rate)
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
        self._settings = settings
        self._carrier = "other" if "other" in stream.stems else stream.stems[-1]

    def render(self, folder: Path, progress: Progress) -> Rendering:
        """Play it all into finished files, which still have their working names."""
        residual = self._settings.residual
        files = StemFiles(
            folder,
            tuple(output.name for output in self.outputs),
            self._source,
            self._rates.target,
            self._frames,
            self._encoding,
            seed=self._settings.seed,
            sums=not self._how.preset
            and (residual == "file" or (residual == "other" and "other" in self._stream.stems)),
        )
        with files:
            done = 0
            for mix, stems in self._aligned():
                rest = mix - stems.sum(axis=0)
                files.write(np.stack([*stems, rest][: len(self.outputs)]))
                done += mix.shape[1]
                progress("playing", done, self._frames)
        return files.finish()

    def warnings(self, rendering: Rendering) -> list[str]:
        """What the user must know of the song as it was played and written."""
        lines, late = peak_warnings(rendering, self._encoding, None), self._stream.late_frames
        if late:
            lines.append(
                f"{late} of {self._frames} frames came too late and are the dry signal in "
                f"{self._carrier}; use a longer --latency, or leave --realtime out to wait for all"
            )
        return lines

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

    def describe(
        self, paths: dict[str, Path], rendering: Rendering, warnings: tuple[str, ...]
    ) -> dict[str, Any]:
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
                    "name": name,
                    "file": os.path.relpath(paths[name], folder),
                    "frames": self._frames,
                    "peak": file.peak,
                    "samples_over_full_scale": file.over,
                }
                for name, file in rendering.files.items()
            ],
            "live": {
                "model": stream.model,
                "latency_frames": stream.latency,
                "plan": {name: getattr(stream.plan, name) for name in stream.plan.kinds},
                "played": asdict(self._how),
                "figures": stream.stats(),
            },
            "warnings": list(warnings),
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
