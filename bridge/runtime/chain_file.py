"""The effects of a preset on one file, without separation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.config import check_bits
from bridge.core.timeline import Span
from bridge.errors import OutputError, UsageError
from bridge.runtime.audio_input import Source, open_source, read_blocks, verify
from bridge.runtime.audio_output import Encoding, check_size, choose_encoding, losses
from bridge.runtime.chain import Lane, Runner
from bridge.runtime.peaks import peak_warnings
from bridge.runtime.places import check_inputs, check_places
from bridge.runtime.preset import Mix, Preset, check_loudness, whole_warnings
from bridge.runtime.render import Rendering
from bridge.runtime.takes import Take, TakeWriter, encode_take, level
from bridge.runtime.workspace import Workspace
from bridge.runtime.writing import writing


@dataclass(frozen=True)
class Chained:
    """A file that went through a chain. loudness: LUFS, None where the preset asks for none."""

    source: Source
    path: Path
    preset: Preset
    frames: int
    peak: float
    loudness: float | None
    warnings: tuple[str, ...]
    seconds: float

    def facts(self) -> dict[str, Any]:
        """What was done, for JSON."""
        return {
            "input": str(self.source.path),
            "file": str(self.path),
            "preset": {"name": self.preset.name, "sha256": self.preset.sha256},
            "frames": self.frames,
            "rate": self.source.rate,
            "channels": self.source.channels,
            "peak": self.peak,
            "loudness": self.loudness,
            "warnings": list(self.warnings),
            "seconds": self.seconds,
        }


def chain_file(
    preset: Preset,
    path: Path,
    output: Path,
    *,
    stem: str | None = None,
    mix: str | None = None,
    bits: str | None = None,
    keep: bool | None = None,
    overwrite: bool = False,
    warn: Callable[[str], None] = lambda _: None,
) -> Chained:
    """Put a chain of `preset` on the file `path` and write `output`, whose ending is its format.

    Parameters: `stem` or `mix` name a chain, else it is the one that every mix passes; `bits` and
    `keep` (tails) win over the preset. Raises InputError, OutputError or UsageError; `output` is
    there then only as it was.
    """
    began = time.monotonic()
    track = Mix(stem, chain=preset.chain(stem=stem)) if stem is not None else preset.track(mix)
    if not track.chain and track.loudness is None and stem not in preset.widths:
        raise UsageError(_nothing_to_do(preset))
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        warn(text)

    check_places(output.parent, {"out": output}, replace=overwrite)
    check_inputs({"out": output}, (path,))
    with Workspace(output.parent, output, keep=False, kind="chain") as workspace:
        work = workspace.path
        source = open_source(path, work)
        verify(source)
        encoding = _encoding(preset, output, bits, source)
        check_size(encoding, source.frames, source.channels)
        check_loudness(track, source.rate)
        runner = Runner(track.chain, source.rate, source.channels)
        for text in (
            *whole_warnings("chain", track.chain),
            *losses(encoding, source.origination),
        ):
            say(text)
        keep = preset.keep_tails if keep is None else keep
        take = _take(source, runner, track, work, preset.widths.get(stem or "", 1.0), keep=keep)
        adjusted = level("the file", take, track.loudness, track.peak_db)
        if adjusted.warning:
            say(adjusted.warning)
        written = encode_take(
            take,
            work / f"out.{encoding.format}",
            encoding,
            source,
            frames=take.frames,
            gain=adjusted.gain,
        )
        for text in peak_warnings(Rendering({output.name: written}, 1.0, None), encoding, None):
            say(text)
        if output.exists() and not overwrite:  # another run may have been here
            raise OutputError(f"{output} exists already; add --overwrite, or choose another -o")
        with writing(output):
            written.path.replace(output)
    seconds = round(time.monotonic() - began, 3)
    frames, peak, reached = take.frames, written.peak, adjusted.reached
    return Chained(source, output, preset, frames, peak, reached, tuple(said), seconds)


def _nothing_to_do(preset: Preset) -> str:
    ways = [f"--stem {name}" for name, chain in preset.stems.items() if chain]
    ways += [f"--mix {name}" for name in preset.mixes if preset.track(name).chain]
    hint = f"use {' or '.join(ways)}" if ways else "it only separates: use `stembridge bounce`"
    return f"preset {preset.name} has no effects there; {hint}"


def _encoding(preset: Preset, output: Path, bits: str | None, source: Source) -> Encoding:
    kind = output.suffix[1:].lower()
    if bits is not None:
        check_bits(kind, bits)
    return choose_encoding(kind, preset.bits(kind, bits), source.rate, source.channels)


def _take(
    source: Source, runner: Runner, track: Mix, work: Path, width: float, *, keep: bool
) -> Take:
    rate = None if track.loudness is None else source.rate
    with TakeWriter(work / "take.f32", source.channels, rate) as writer:
        lane = Lane(runner, writer.write, width)
        for block in read_blocks(source, Span(0, source.frames)):
            lane.push(block)
        lane.finish(source.frames, keep=keep)
    return writer.take()
