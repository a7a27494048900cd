"""The sessions of a song beside its stems: what they hold, where they lie, and when one is kept.

A DAW saves into an Ardour session or a REAPER project what its user does there, so that one which
was not just written by us is replaced with `--overwrite` alone, whatever else goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from bridge.core.timeline import Span
from bridge.errors import OutputError, UsageError
from bridge.runtime.audio_input import Source
from bridge.runtime.manifest import Song, write_manifest
from bridge.runtime.outputs import track_name
from bridge.runtime.places import check_places
from bridge.runtime.sessions import ardour, dawproject, reaper
from bridge.runtime.sessions.description import Session, Track
from bridge.runtime.writing import native, writing

# By libsndfile's name. Hosts decode these to the same samples at the same place; lossy ones may
# begin some frames earlier or later there.
_LOSSLESS = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "AIFF": "aiff", "FLAC": "flac"}


@dataclass(frozen=True)
class SessionFile:
    """One session of a song, not written yet.

    path: its final one. text: the XML or the project, all that depends on the tracks. audio: files
    that go into it, by their final paths; metadata: that of a DAWproject file.
    """

    kind: str
    path: Path
    tempo: float | None
    text: bytes
    metadata: bytes = b""
    audio: Mapping[Path, str] = field(default_factory=dict)

    def is_there(self) -> bool:
        """Whether this very session, as it was written, is at its place."""
        try:
            if self.kind == "dawproject":
                return dawproject.read_project(self.path) == self.text
            return self.path.read_bytes() == self.text
        except OSError:
            return False

    def write(self, path: Path, now: Mapping[Path, Path]) -> None:
        """Write it to `path`. `now` says where files are that do not have their final paths yet.

        Raises OutputError.
        """
        with writing(path):
            if self.kind == "dawproject":
                audio = {name: now.get(final, final) for final, name in self.audio.items()}
                dawproject.write(path, self.text, self.metadata, audio)
            else:
                path.write_bytes(self.text)

    @property
    def entry(self) -> dict[str, Any]:
        """What the manifest says of it, but its place."""
        return {"kind": self.kind, "tempo": self.tempo}


def plan_sessions(song: Song, paths: Mapping[str, Path]) -> list[SessionFile]:
    """The sessions that the settings of a song ask for.

    `paths` are final ones, by output, and the manifest's. Raises UsageError for a path that a
    session cannot hold.
    """
    settings = song.settings
    name = track_name(song.source.path)
    beside = paths["manifest"].parent
    places = {
        "dawproject": beside / f"{name}.dawproject",
        # A folder of its own: Ardour makes several more beside the file.
        "ardour": beside / f"{name}-ardour" / f"{name}.ardour",
        "reaper": beside / f"{name}.rpp",
    }
    if not settings.session:
        return []
    for kind in settings.session:
        if places[kind] in paths.values():
            raise UsageError(
                f"--template '{settings.template}' gives a stem the name of the {kind} session"
            )
    session = _describe(song, name, paths)
    return [_session_file(kind, places[kind], session) for kind in settings.session]


def _session_file(kind: str, path: Path, session: Session) -> SessionFile:
    place = _absolute(path)
    if kind == "reaper":
        return SessionFile(kind, path, session.tempo, reaper.project(session, place))
    if kind == "ardour":
        return SessionFile(kind, path, session.tempo, ardour.session_xml(session))
    audio = dawproject.embedded_names(session) if _is_small(session) else {}
    text = dawproject.project_xml(session, place, audio)
    return SessionFile(kind, path, session.tempo, text, dawproject.metadata_xml(session), audio)


def _is_small(session: Session) -> bool:
    """Whether all audio fits into one file, however well the format packs it."""
    sizes = (4 * track.frames * track.channels for track in session.tracks)
    return sum(sizes) <= dawproject.LARGEST


def _describe(song: Song, name: str, paths: Mapping[str, Path]) -> Session:
    source, span = song.source, song.span
    muted = _beside_others(song)
    tracks = [
        Track(
            name=output.name,
            path=_absolute(paths[output.name]),
            format=song.encoding.format,
            channels=source.channels,
            frames=span.length,
            span=Span(0, span.length),
            muted=output.name in muted,
        )
        for output in song.outputs
    ]
    reference = _reference(source, span, name)
    if reference is not None:
        tracks.append(reference)
    return Session(name, source.rate, tuple(tracks), song.settings.tempo, source.tags)


def _beside_others(song: Song) -> tuple[str, ...]:
    """Mixes of a preset that would be heard on top of the stems, or of another mix."""
    mixes = song.preset.out_mixes if song.preset is not None else ()
    return mixes[1:] if len(mixes) == len(song.outputs) else mixes


def _reference(source: Source, span: Span, name: str) -> Track | None:
    """The song itself, muted, to compare with; None where it would not line up to the sample."""
    path = _absolute(source.path)
    if source.readable != source.path or not reaper.can_name(str(path)):
        return None
    with soundfile.SoundFile(native(source.path)) as file:
        audio_format = _LOSSLESS.get(file.format)
    if audio_format is None:
        return None
    return Track(
        name=f"{name} (original)",
        path=path,
        format=audio_format,
        channels=source.channels,
        frames=source.frames,
        span=span,
        muted=True,
    )


def _absolute(path: Path) -> Path:
    """`path` through no links but a last one, so that steps up from it lead where they should."""
    return Path(os.path.realpath(path.parent)) / path.name


def session_losses(song: Song) -> list[str]:
    """What a DAW may not do with the files of a song, as warnings."""
    kind, audio_format = song.settings.session, song.encoding.format
    found = []
    if "dawproject" in kind and audio_format != "wav":
        found.append(f"not every DAW takes {audio_format} in a DAWproject file; --format wav works")
    if kind and song.preset is not None and song.preset.keep_tails:
        found.append("clips of a session end with the song; tails are in the files alone")
    if "ardour" in kind and audio_format == "mp3":
        found.append("not every Ardour plays mp3 in a session; use --format wav or flac")
    return found


def check_sessions(folder: Path, sessions: Iterable[SessionFile], *, replace: bool) -> None:
    """Raise OutputError, before the work, where a session could not get its final name.

    One that is there as it would be written is in nobody's way.
    """
    for session in sessions:
        if not replace and session.path.is_file() and not session.is_there():
            raise OutputError(
                f"{session.path} exists already, with other content; move it away, add "
                "--overwrite, or choose another -o"
            )
    check_places(folder, {s.kind: s.path for s in sessions}, replace=True)


def write_sessions(
    sessions: Iterable[SessionFile], folder: Path, now: Mapping[Path, Path]
) -> dict[Path, SessionFile]:
    """Write sessions into `folder` under working names, which are the keys.

    `now` says where files are, by their final paths. Raises OutputError.
    """
    made = {_absolute(final): path for final, path in now.items()}
    written = {}
    for session in sessions:
        temporary = folder / f"session.{session.kind}"
        session.write(temporary, made)
        written[temporary] = session
    return written


def publish_sessions(written: Mapping[Path, SessionFile]) -> None:
    """Give finished sessions their final names; the keys are those that they have now."""
    for temporary, session in written.items():
        with writing(session.path):
            session.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(session.path)


def session_entries(sessions: Iterable[SessionFile], manifest: Path) -> list[dict[str, Any]]:
    """What the manifest at that path says of its sessions."""
    return [
        {**session.entry, "file": str(session.path.relative_to(manifest.parent))}
        for session in sessions
    ]


def missing_sessions(
    sessions: Iterable[SessionFile], earlier: Mapping[str, Any] | None
) -> list[SessionFile]:
    """Those that the run of an earlier manifest did not make, or that are gone.

    The others are left alone: a DAW may have saved into them.
    """
    entries = earlier.get("sessions", []) if earlier is not None else []
    made = [{key: value for key, value in entry.items() if key != "file"} for entry in entries]
    return [s for s in sessions if not (s.entry in made and s.path.is_file())]


def add_sessions(
    folder: Path, missing: list[SessionFile], path: Path, manifest: dict[str, Any], work: Path
) -> None:
    """Make the sessions that a finished song lacks, and name them in its manifest at `path`.

    `work` is a folder for unfinished files. Raises OutputError.
    """
    if not missing:
        return
    check_sessions(folder, missing, replace=False)
    written = write_sessions(missing, work, {})
    kinds = {session.kind for session in missing}
    kept = [entry for entry in manifest.get("sessions", []) if entry["kind"] not in kinds]
    manifest["sessions"] = kept + session_entries(missing, path)
    publish_sessions(written)
    write_manifest(manifest, work / "manifest.json")
    with writing(path):
        (work / "manifest.json").replace(path)
