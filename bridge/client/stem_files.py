"""The files of a song that is played, and what their encoding cuts off of its stems."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bridge.runtime.audio_input import Source
from bridge.runtime.audio_output import Encoding, StemWriter, check_whole, finish
from bridge.runtime.render import Rendering, Written

Audio = NDArray[np.float32]


class StemFiles:
    """Unfinished files in `folder`, one for each of `names`, written in lockstep.

    rate, frames: of each file. sums: whether they are meant to sum to the song. As a context it
    keeps the files open.
    """

    def __init__(
        self,
        folder: Path,
        names: tuple[str, ...],
        source: Source,
        rate: int,
        frames: int,
        encoding: Encoding,
        *,
        seed: int,
        sums: bool,
    ) -> None:
        self._source, self._frames, self._encoding = source, frames, encoding
        self._cuts = sums and encoding.bits in ("16", "24")
        self._lost = 0.0
        self._writers = {
            name: StemWriter(
                folder / f"{name}.{encoding.format}",
                encoding,
                rate,
                source.channels,
                (seed, number),
                frames,
                tags={**source.tags, "title": name},
            )
            for number, name in enumerate(names)
        }

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for writer in self._writers.values():
                stack.enter_context(writer)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def write(self, signals: Audio) -> None:
        """Append to every file; shape (files, C, n). Raises OutputError."""
        for writer, signal in zip(self._writers.values(), signals, strict=True):
            writer.write(signal)
        if self._cuts:
            cut = (signals - np.clip(signals, -1, 1)).sum(axis=0)
            self._lost = max(self._lost, float(np.abs(cut).max(initial=0)))

    def finish(self) -> Rendering:
        """Look at the files once they are closed, and say what is in them. Raises OutputError."""
        files = {}
        for name, writer in self._writers.items():
            finish(writer.path, self._encoding, self._source.origination)
            check_whole(writer.path, self._frames)
            files[name] = Written(writer.path, writer.peak, writer.over)
        return Rendering(files, 1.0, self._lost if self._cuts else None)
