"""One song from an audio file to stem files.

The way of a song: `open_source` and `verify` -> `_separate` into the workspace -> `Renderer` into
unfinished files -> `_publish` under the final names, the manifest last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bridge.config import BounceSettings
from bridge.core.timeline import Span
from bridge.engine.base import Audio, Ensemble
from bridge.engine.offline import Chunk, OfflineRun, Settings
from bridge.errors import UsageError
from bridge.runtime.audio_input import Source, open_source, read_blocks, verify
from bridge.runtime.audio_output import check_size, choose_encoding, losses
from bridge.runtime.manifest import Song, describe, identity, write_manifest
from bridge.runtime.models import Models
from bridge.runtime.outputs import Output, output_paths, plan_outputs
from bridge.runtime.peaks import peak_warnings
from bridge.runtime.places import all_whole, check_inputs, check_places, earlier_manifest
from bridge.runtime.prefetch import prefetched
from bridge.runtime.preset import Preset
from bridge.runtime.preset_render import PresetRenderer, plan_parts
from bridge.runtime.render import Renderer, Rendering
from bridge.runtime.resample import resampled
from bridge.runtime.session_files import (
    SessionFile,
    add_sessions,
    check_sessions,
    missing_sessions,
    plan_sessions,
    publish_sessions,
    session_entries,
    session_losses,
    write_sessions,
)
from bridge.runtime.workspace import Workspace
from bridge.runtime.writing import writing

_AHEAD = 8  # blocks read ahead: a few seconds, against the disk's and the decoder's hiccups


@dataclass(frozen=True)
class Progress:
    """How far the separation of a song is; frames are at the input's rate.

    computed: windows that this run computed itself; `windows` counts those of earlier runs too.
    seconds: since it began with the first of them.
    """

    computed: int
    windows: int
    total_windows: int
    frames: int
    rate: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """A song that is done: final paths by output name, and what the manifest says.

    sessions: final paths by kind, of those that were asked for.
    """

    paths: dict[str, Path]
    manifest: dict[str, Any]
    skipped: bool = False
    sessions: dict[str, Path] = field(default_factory=dict)


def bounce(
    path: Path,
    folder: Path,
    settings: BounceSettings,
    models: Models,
    *,
    preset: Preset | None = None,
    inputs: Sequence[Path] = (),
    progress: Callable[[Progress], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Result:
    """Separate the song at `path` into files below `folder`.

    Parameters: `models` loads what the settings name; `preset` says what is written and what it
    passes through, and `settings` were made from it; `inputs` are other files that results must
    not replace; `progress` and `warn` are called as the work goes on.
    Raises InputError, OutputError, ModelError, ResumeError or UsageError; a file has its final
    name then only if it is whole.
    """
    began = time.monotonic()
    warnings = list(models.warnings)

    def say(text: str) -> None:
        warnings.append(text)
        warn(text)

    with Workspace(folder, path, keep=settings.resume) as work:
        source = open_source(path, work.path)
        ensemble = models.load(source.rate)
        song = _plan(source, ensemble, settings, models, preset)
        effects = [] if preset is None else preset.checked(source.rate)
        paths = output_paths(folder, path, song.outputs, settings, ensemble.name)
        sessions = plan_sessions(song, paths)
        places = {session.kind: session.path for session in sessions}
        what = identity(song, verify(source))
        check_inputs(paths, (path, *inputs))
        earlier = earlier_manifest(paths, what) if settings.resume else None
        missing = missing_sessions(sessions, earlier)
        if earlier is not None and all_whole(paths, earlier):
            add_sessions(folder, missing, paths["manifest"], earlier, work.path)
            return Result(paths, earlier, skipped=True, sessions=places)
        replace_old = settings.overwrite or work.resumes(what) or earlier is not None
        check_places(folder, paths, replace=replace_old)
        check_sessions(folder, missing, replace=settings.overwrite)
        work.begin(what)
        known = losses(song.encoding, source.origination) + session_losses(song)
        for loss in (*known, *effects):
            say(loss)
        models.prepare(ensemble, song.stems, warn)
        computed, windows = _separate(song, work, progress, say)
        rendering = _renderer(song, work, say).render()
        for text in peak_warnings(rendering, song.encoding, settings.clip):
            say(text)
        files = {name: str(p.relative_to(paths["manifest"].parent)) for name, p in paths.items()}
        manifest = describe(song, what, rendering, files)
        manifest["sessions"] = session_entries(sessions, paths["manifest"])
        manifest["warnings"] = warnings
        manifest["windows"] = {"total": windows, "computed": computed}
        made = {paths[name]: file.path for name, file in rendering.files.items()}
        written = write_sessions(missing, work.path, made)
        check_sessions(folder, missing, replace=settings.overwrite)
        check_places(folder, paths, replace=replace_old)  # another run may have been here
        manifest["seconds"] = round(time.monotonic() - began, 3)
        _publish(rendering, paths, manifest, work, written)
    return Result(paths, manifest, sessions=places)


def _plan(
    source: Source,
    ensemble: Ensemble,
    settings: BounceSettings,
    models: Models,
    preset: Preset | None,
) -> Song:
    start = round((settings.start or 0) * source.rate)
    end = source.frames if settings.end is None else round(settings.end * source.rate)
    span = Span.between(start, min(end, source.frames))
    if not span:
        seconds = source.frames / source.rate
        asked = "--start" if start >= source.frames else "--end"
        value = settings.start if asked == "--start" else settings.end
        raise UsageError(
            f"{asked} {value} s leaves nothing of {source.path}, which lasts {seconds:.3f} s"
        )
    sources = ensemble.first.sources
    outputs = plan_outputs(sources, settings)
    parts = None
    if preset is not None:
        parts = plan_parts(preset, sources, rest=settings.residual == "other")
        names = (*preset.written_stems(sources), *preset.out_mixes)
        outputs = tuple(Output(name, parts.computed) for name in names)
    encoding = choose_encoding(settings.format, settings.bits, source.rate, source.channels)
    check_size(encoding, span.length, source.channels)
    return Song(
        source,
        span,
        ensemble,
        outputs,
        encoding,
        settings,
        models.machine,
        models.batch,
        preset,
        parts,
    )


def _separate(
    song: Song,
    work: Workspace,
    progress: Callable[[Progress], None],
    warn: Callable[[str], None],
) -> tuple[int, int]:
    """Separate into the workspace; returns windows computed now, and windows in all."""
    settings = song.settings
    run = OfflineRun(
        song.ensemble,
        song.model_frames,
        Settings(song.stems, settings.overlap, settings.shifts, settings.seed, song.batch),
        warn,
    )
    mono = song.source.channels == 1
    state = work.restore(len(song.stems) * song.source.channels)
    first = run.first_read(state)
    stereo = (_as_stereo(block) for block in read_blocks(song.source, song.span))
    blocks = _after(resampled(stereo, song.rates, song.model_frames), first)
    computed, before = 0, run.windows_in(state.groups_done)
    began = time.monotonic()
    with prefetched(blocks, _AHEAD) as ahead:
        for chunk in run.run(ahead, first, state):
            work.append(_as_mono(chunk) if mono else chunk)
            computed += chunk.windows
            frames = song.rates.inverse.frames(chunk.state.released)
            done = before + computed
            took = time.monotonic() - began
            progress(Progress(computed, done, run.windows, frames, song.source.rate, took))
    return computed, run.windows


def _as_stereo(block: Audio) -> Audio:
    return np.repeat(block, 2, axis=0) if block.shape[0] == 1 else block


def _as_mono(chunk: Chunk) -> Chunk:
    return replace(chunk, stems=chunk.stems.mean(axis=1, keepdims=True))


def _after(blocks: Iterator[Audio], frames: int) -> Iterator[Audio]:
    """The blocks without their first `frames` frames."""
    for block in blocks:
        left, frames = block[:, frames:], max(0, frames - block.shape[1])
        if left.shape[1]:
            yield left


def _renderer(
    song: Song, work: Workspace, warn: Callable[[str], None]
) -> Renderer | PresetRenderer:
    if song.preset is not None and song.parts is not None:
        return PresetRenderer(
            song.source,
            song.span,
            work,
            preset=song.preset,
            parts=song.parts,
            model_rate=song.ensemble.first.rate,
            encoding=song.encoding,
            clip=song.settings.clip,
            seed=song.settings.seed,
            warn=warn,
        )
    return Renderer(
        song.source,
        song.span,
        work,
        model_rate=song.ensemble.first.rate,
        stems=song.stems,
        outputs=song.outputs,
        encoding=song.encoding,
        clip=song.settings.clip,
        seed=song.settings.seed,
    )


def _publish(
    rendering: Rendering,
    paths: dict[str, Path],
    manifest: dict[str, Any],
    work: Workspace,
    sessions: dict[Path, SessionFile],
) -> None:
    """Give the finished files their final names, the manifest last.

    An earlier manifest goes first: it must not speak of files that are being replaced.
    """
    temporary = work.path / "manifest.json"
    write_manifest(manifest, temporary)
    with writing(paths["manifest"]):
        paths["manifest"].unlink(missing_ok=True)
    for name, file in rendering.files.items():
        with writing(paths[name]):
            paths[name].parent.mkdir(parents=True, exist_ok=True)
            file.path.replace(paths[name])
    publish_sessions(sessions)
    with writing(paths["manifest"]):
        temporary.replace(paths["manifest"])
