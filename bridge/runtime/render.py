"""Turns separated stems at the model's rate into files at the input's rate.

Stems are brought back to the input's rate, are written to unfinished files in lockstep, and then
the rest is computed from those files as they can be read again: whatever
rounding, dither or lossy coding did to the other stems is in it. With effects: `preset_render.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.core.mix import residual
from bridge.core.rates import RateMap
from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.runtime.audio_input import BLOCK, Source, read_blocks
from bridge.runtime.audio_output import Encoding, StemWriter, check_whole, finish
from bridge.runtime.outputs import Output
from bridge.runtime.resample import rechunked, resampled
from bridge.runtime.sequential import SequentialFile
from bridge.runtime.workspace import Workspace
from bridge.runtime.writing import native, writing

# A rescaled song stays this far below full scale, so that rounding and dither cannot pass it.
RESCALE_CEILING = 1 - 2.0**-10


@dataclass(frozen=True)
class Written:
    """One finished file that still has its working name.

    peak: highest absolute sample before quantisation, 1.0 is full scale. over: samples beyond
    full scale. frames: its length, 0 where it is that of the song.
    """

    path: Path
    peak: float
    over: int
    frames: int = 0


@dataclass(frozen=True)
class Rendering:
    """All files of a song, the gain that all of them got alike, and how well they sum to the input.

    null_peak: highest absolute difference between the sum of the files, read again, and the input
    times `gain`; None when the files are not meant to sum to it. mixes: what the manifest says of
    those files that are mixes, by name.
    """

    files: dict[str, Written]
    gain: float
    null_peak: float | None
    mixes: dict[str, dict[str, Any]] = field(default_factory=dict)


class Renderer:
    """Renders the stems that `work` holds for `span` of `source`.

    Parameters: `model_rate` in Hz; `stems`, the model's stems in the order of the working file;
    `outputs`, what to write; `clip`, one of none, rescale and clamp; `seed` of the dither.
    """

    def __init__(
        self,
        source: Source,
        span: Span,
        work: Workspace,
        *,
        model_rate: int,
        stems: tuple[str, ...],
        outputs: tuple[Output, ...],
        encoding: Encoding,
        clip: str,
        seed: int,
    ) -> None:
        self._source, self._span, self._work = source, span, work
        self._model_rate = model_rate
        self._stems, self._outputs, self._encoding = stems, outputs, encoding
        self._clip, self._seed = clip, seed
        self._gain = 1.0

    def render(self) -> Rendering:
        """Write every file. Raises OutputError when the disk does not take them."""
        if self._clip == "rescale":
            peak = self._loudest()
            self._gain = RESCALE_CEILING / peak if peak > 1 else 1.0
        files = self._write_stems()
        null = None
        for output in self._outputs:
            if not output.parts:
                files[output.name] = self._write_rest(output, files)
                null = max(float(np.abs(rest).max()) for rest in self._rest(files.values()))
        origination = self._source.origination
        if origination is not None:
            origination += self._span.start
        for file in files.values():
            finish(file.path, self._encoding, origination)
            check_whole(file.path, self._span.length)
        return Rendering(
            {output.name: files[output.name] for output in self._outputs}, self._gain, null
        )

    def _blocks(self) -> Iterator[dict[str, Audio]]:
        """Blocks of every output that has parts, shape (C, n), cut as those of the input."""
        for stems in stem_blocks(
            self._work, len(self._stems), self._source, self._span.length, self._model_rate
        ):
            yield {
                output.name: self._sum(output, stems) for output in self._outputs if output.parts
            }

    def _sum(self, output: Output, stems: Audio) -> Audio:
        rows = [self._stems.index(part) for part in output.parts]
        total: Audio = stems[rows[0]] if len(rows) == 1 else stems[rows].sum(axis=0)
        return np.ascontiguousarray(total * np.float32(self._gain))

    def _input(self) -> Iterator[NDArray[np.float64]]:
        for block in read_blocks(self._source, self._span):
            yield block.astype(np.float64) * self._gain

    def _loudest(self) -> float:
        """Highest absolute sample over all outputs, the rest included."""
        has_rest = any(not output.parts for output in self._outputs)
        loudest = 0.0
        for mix, stems in zip(self._input(), self._blocks(), strict=True):
            rest = [residual(mix, stems)] if has_rest else []
            peaks = [float(np.abs(signal).max()) for signal in stems.values()]
            peaks += [float(np.abs(signal).max()) for signal in rest]
            loudest = max(loudest, *peaks)
        return loudest

    def _write_stems(self) -> dict[str, Written]:
        with ExitStack() as stack:
            writers = {
                output.name: stack.enter_context(self._writer(output))
                for output in self._outputs
                if output.parts
            }
            for stems in self._blocks():
                for name, stem in stems.items():
                    writers[name].write(stem)
        return {name: self._whole(writer) for name, writer in writers.items()}

    def _write_rest(self, output: Output, others: dict[str, Written]) -> Written:
        with self._writer(output) as writer:
            for rest in self._rest(others.values()):
                writer.write(rest.astype(np.float32))
        return self._whole(writer)

    def _whole(self, writer: StemWriter) -> Written:
        check_whole(writer.path, self._span.length)
        return Written(writer.path, writer.peak, writer.over)

    def _rest(self, files: Iterable[Written]) -> Iterator[NDArray[np.float64]]:
        """The input minus the sum of written files, in blocks of shape (C, n)."""
        with ExitStack() as stack:
            readers = []
            for file in files:
                with writing(file.path):
                    readers.append(stack.enter_context(SequentialFile(native(file.path))))
            for mix in self._input():
                stems = {
                    str(index): reader.read(mix.shape[1], dtype="float32", always_2d=True).T
                    for index, reader in enumerate(readers)
                }
                yield residual(mix, stems)

    def _writer(self, output: Output) -> StemWriter:
        index = self._outputs.index(output)
        return StemWriter(
            path=self._work.path / f"{index}.{self._encoding.format}",
            encoding=self._encoding,
            rate=self._source.rate,
            channels=self._source.channels,
            seed=(self._seed, index),
            frames=self._span.length,
            clamp=self._clip == "clamp",
            tags=self._source.tags,
        )


def stem_blocks(
    work: Workspace, stems: int, source: Source, frames: int, model_rate: int
) -> Iterator[Audio]:
    """The separated stems at the input's rate: blocks (S, C, n), cut as those of the input."""
    rates = RateMap(model_rate, source.rate)
    blocks = resampled(work.read(stems * source.channels), rates, frames)
    for block in rechunked(blocks, BLOCK):
        yield block.reshape(stems, source.channels, -1)
