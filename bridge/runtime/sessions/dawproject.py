"""DAWproject 1.0, the exchange format of Bitwig Studio, Studio One, Cubase and others.

A ZIP of project.xml, metadata.xml and, unless they are large, the audio files. The specification is
at https://github.com/bitwig/dawproject (Project.xsd, MetaData.xsd).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from bridge import __version__
from bridge.config import MAX_TEMPO, MIN_TEMPO
from bridge.runtime.sessions.description import (
    Session,
    Track,
    clean,
    number,
    path_text,
    relative,
    seconds,
    unique,
)

LARGEST = 2**31 - 2**20
"""Bytes of audio in one file. More would need sizes that not every reader of ZIP files knows."""

_NO_FILE_NAME = '<>:"/\\|?*'
_PROJECT, _METADATA = "project.xml", "metadata.xml"
# Elements of metadata.xml, in the order of its schema, and the fields that they come from.
_TAGS = {
    "Title": "title",
    "Artist": "artist",
    "Album": "album",
    "Year": "date",
    "Genre": "genre",
    "Copyright": "copyright",
    "Comment": "comment",
}


def embedded_names(session: Session) -> dict[Path, str]:
    """Where in the ZIP each track's file lies, by its path.

    Hosts show the name of a file, so that it has the name of its track.
    """
    names: dict[Path, str] = {}
    taken: list[str] = []
    for track in session.tracks:
        name = "".join("_" if c in _NO_FILE_NAME or c < " " else c for c in clean(track.name))
        taken.append(unique(name, taken))
        names.setdefault(track.path, f"audio/{taken[-1]}.{track.format}")
    return names


def project_xml(session: Session, place: Path, embedded: Mapping[Path, str]) -> bytes:
    """project.xml of the DAWproject file at `place`.

    `embedded` are the names in the ZIP of files that are in it; all others are named from its own
    folder. Raises UsageError for paths that are not text.
    """
    ids = (f"id{n}" for n in count())
    project = Element("Project", version="1.0")
    SubElement(project, "Application", name="Stem Bridge", version=__version__)
    if session.tempo is not None:
        transport = SubElement(project, "Transport")
        tempo = {
            "unit": "bpm",
            "value": number(session.tempo),
            "min": str(MIN_TEMPO),
            "max": str(MAX_TEMPO),
        }
        SubElement(transport, "Tempo", tempo | {"id": next(ids), "name": "Tempo"})
    structure = SubElement(project, "Structure")
    master = next(ids)
    rows = [(next(ids), track) for track in session.tracks]
    for row, track in rows:
        element = _track(structure, row, track.name)
        channel = {"destination": master, "role": "regular", "id": next(ids)}
        _channel(element, channel, track.channels, gain=track.gain, muted=track.muted)
    channels = max(track.channels for track in session.tracks)
    element = _track(structure, next(ids), "Master")
    _channel(element, {"role": "master", "id": master}, channels, gain=1.0, muted=False)
    arrangement = SubElement(project, "Arrangement", id=next(ids))
    # Seconds, so that no tempo, the host's own included, moves or stretches anything.
    lanes = SubElement(arrangement, "Lanes", timeUnit="seconds", id=next(ids))
    for row, track in rows:
        lane = SubElement(lanes, "Lanes", track=row, id=next(ids))
        clips = SubElement(lane, "Clips", id=next(ids))
        _clip(clips, next(ids), track, session.rate, _reference(track.path, place, embedded))
    return _text(project)


def _track(structure: Element, row: str, name: str) -> Element:
    named = {"contentType": "audio", "loaded": "true", "id": row, "name": clean(name)}
    return SubElement(structure, "Track", named)


def _channel(
    track: Element, attributes: dict[str, str], channels: int, *, gain: float, muted: bool
) -> None:
    attributes = {"audioChannels": str(channels), "solo": "false", **attributes}
    channel = SubElement(track, "Channel", attributes)
    SubElement(channel, "Mute", value="true" if muted else "false", name="Mute")
    straight = {"unit": "normalized", "value": "0.5", "min": "0", "max": "1"}
    SubElement(channel, "Pan", straight, name="Pan")
    level = {"unit": "linear", "value": number(gain), "min": "0", "max": "2"}
    SubElement(channel, "Volume", level, name="Volume")


def _clip(
    clips: Element, audio_id: str, track: Track, rate: int, reference: dict[str, str]
) -> None:
    times = {
        "time": seconds(track.position, rate),
        "duration": seconds(track.span.length, rate),
        "playStart": seconds(track.span.start, rate),
        "playStop": seconds(track.span.stop, rate),
        "fadeInTime": "0.0",
        "fadeOutTime": "0.0",
    }
    units = {"contentTimeUnit": "seconds", "fadeTimeUnit": "seconds"}
    clip = SubElement(clips, "Clip", times | units, name=clean(track.name))
    audio = {
        "timeUnit": "seconds",
        "duration": seconds(track.frames, rate),
        "sampleRate": str(rate),
        "channels": str(track.channels),
        "id": audio_id,
    }
    SubElement(SubElement(clip, "Audio", audio), "File", reference)


def _reference(path: Path, place: Path, embedded: Mapping[Path, str]) -> dict[str, str]:
    if path in embedded:
        return {"path": embedded[path]}
    name = path_text(relative(path, place), "dawproject").replace("\\", "/")
    return {"path": name, "external": "true"}


def metadata_xml(session: Session) -> bytes:
    """metadata.xml: the song's own fields, and its name where it has no title."""
    metadata = Element("MetaData")
    tags = {"title": session.name, **session.tags}
    for element, tag in _TAGS.items():
        if tag in tags:
            SubElement(metadata, element).text = clean(tags[tag])
    return _text(metadata)


def _text(root: Element) -> bytes:
    indent(root)
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def write(path: Path, project: bytes, metadata: bytes, audio: Mapping[str, Path]) -> None:
    """Write a DAWproject file. `audio` are the files that go into it, by their names there.

    Equal content makes equal bytes. Raises OSError.
    """
    with ZipFile(path, "w", ZIP_STORED) as archive:
        archive.writestr(ZipInfo(_METADATA), metadata)
        archive.writestr(ZipInfo(_PROJECT), project)
        for name, source in audio.items():
            entry = ZipInfo(name)  # of 1980, not of now
            entry.file_size = source.stat().st_size
            with source.open("rb") as file, archive.open(entry, "w") as inside:
                shutil.copyfileobj(file, inside, 1 << 20)


def read_project(path: Path) -> bytes | None:
    """project.xml of the file at `path`; None where it is no DAWproject file."""
    try:
        with ZipFile(path) as archive:
            return archive.read(_PROJECT)
    except (OSError, BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError):
        return None
