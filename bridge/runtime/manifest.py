"""What a bounce was made from and how: for `manifest.json`, and to know the same job again."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import soundfile

from bridge import __version__
from bridge.config import BounceSettings
from bridge.core.rates import RateMap
from bridge.core.timeline import Span
from bridge.engine.base import Ensemble
from bridge.runtime.audio_input import Source
from bridge.runtime.audio_output import Encoding
from bridge.runtime.outputs import Output, stems_needed
from bridge.runtime.preset import SILENT, Preset
from bridge.runtime.preset_render import Parts
from bridge.runtime.render import Rendering, Written
from bridge.runtime.writing import writing

SCHEMA = 1
_PACKAGES = ("torch", "demucs", "numpy", "numba", "soxr", "pedalboard")


@dataclass(frozen=True)
class Song:
    """One song with everything that was decided about it. `span` is at the input's rate.

    preset, parts: where it is bounced with a preset.
    """

    source: Source
    span: Span
    ensemble: Ensemble
    outputs: tuple[Output, ...]
    encoding: Encoding
    settings: BounceSettings
    machine: dict[str, str | int]
    batch: int
    preset: Preset | None = None
    parts: Parts | None = None

    @property
    def stems(self) -> tuple[str, ...]:
        """The model's stems that have to be computed."""
        if self.parts is not None:
            return self.parts.computed
        return stems_needed(self.ensemble.first.sources, self.outputs)

    @property
    def rates(self) -> RateMap:
        """From the input's rate to the model's."""
        return RateMap(self.source.rate, self.ensemble.first.rate)

    @property
    def model_frames(self) -> int:
        """Length of the span at the model's rate."""
        return self.rates.frames(self.span.length)


def identity(song: Song, input_hash: str) -> dict[str, Any]:
    """Everything that the bits of the result depend on. Equal identities give equal files."""
    first = song.ensemble.first
    preset = {} if song.preset is None else {"preset": _preset_identity(song.preset)}
    return {
        **preset,
        "input": {
            "sha256": input_hash,
            "rate": song.source.rate,
            "channels": song.source.channels,
            "frames": song.source.frames,
            "span": [song.span.start, song.span.stop],
        },
        "model": {
            "name": song.ensemble.name,
            "sources": list(first.sources),
            "rate": first.rate,
            "segments": [member.separator.segment for member in song.ensemble.members],
            "weights": [list(member.weights) for member in song.ensemble.members],
            "sha256": [member.separator.weights_hash for member in song.ensemble.members],
        },
        "settings": {**song.settings.identity(), "batch": song.batch},
        "machine": song.machine,
        "versions": {
            "stembridge": __version__,
            "python": platform.python_version(),
            "libsndfile": soundfile.__libsndfile_version__,
            **{package: version(package) for package in _PACKAGES},
        },
    }


def describe(
    song: Song, what: dict[str, Any], rendering: Rendering, files: dict[str, str]
) -> dict[str, Any]:
    """The manifest of a finished song. `files` are paths relative to the manifest."""
    first = song.ensemble.first

    def facts(name: str, file: Written) -> dict[str, Any]:
        return {
            "name": name,
            "file": files[name],
            "frames": file.frames or song.span.length,
            "peak": file.peak,
            "samples_over_full_scale": file.over,
        }

    return {
        "schema": SCHEMA,
        "input": str(song.source.path),
        "frames": song.span.length,
        "rate": song.source.rate,
        "channels": song.source.channels,
        "time_reference": song.source.origination,
        "preview": first.preview,
        "licence": first.licence,
        "stems": [
            facts(name, file)
            for name, file in rendering.files.items()
            if name not in rendering.mixes
        ],
        "mixes": [
            facts(name, rendering.files[name]) | {"gains": _gains(song, name)} | more
            for name, more in rendering.mixes.items()
        ],
        "preset": None if song.preset is None else _preset_identity(song.preset),
        "gain": rendering.gain,
        "null_peak": rendering.null_peak,
        "identity": what,
    }


def _gains(song: Song, name: str) -> dict[str, float | None]:
    """dB of every stem of the model in a mix, None for silence."""
    if song.preset is None:
        return {}
    mix = song.preset.mixes[name]
    sources = song.ensemble.first.sources
    decibels = {stem: mix.gains.get(stem, mix.remaining) for stem in sources}
    return {stem: None if gain == SILENT else gain for stem, gain in decibels.items()}


def _preset_identity(preset: Preset) -> dict[str, str]:
    return {"name": preset.name, "sha256": preset.sha256}


def write_manifest(manifest: dict[str, Any], path: Path) -> None:
    """Write a manifest to `path`. Raises OutputError."""
    with writing(path):
        # A file name that is not UTF-8 becomes JSON's own escapes, which lead back to its bytes.
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
