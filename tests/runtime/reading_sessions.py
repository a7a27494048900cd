"""Reads the sessions of every kind back, for what they say of their tracks."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from zipfile import ZipFile

SUPERCLOCK = 282_240_000
SCHEMA = "STEMBRIDGE_DAWPROJECT_XSD"
"""Names the folder of Project.xsd and MetaData.xsd, which are not ours to hand on."""


@dataclass(frozen=True)
class Read:
    """A track as a DAW finds it. Times are seconds; file: as the session names it."""

    name: str
    file: str
    position: Fraction
    length: Fraction
    start: Fraction
    gain: float
    muted: bool


def parsed(text: bytes) -> Element:
    return fromstring(text)  # noqa: S314 - it is ours


def read_dawproject(path: Path) -> list[Read]:
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        return read_project_xml(archive.read("project.xml"))


def read_project_xml(text: bytes) -> list[Read]:
    project = parsed(text)
    lanes = {lane.get("track"): lane for lane in project.iter("Lanes") if lane.get("track")}
    found = []
    for track in project.iterfind("Structure/Track"):
        channel = one(track, "Channel")
        if channel.get("role") == "master":
            continue
        master = project.find(f".//Channel[@id='{channel.get('destination')}']")
        assert master is not None
        assert master.get("role") == "master"
        clip = one(lanes[track.get("id")], "Clips/Clip")
        assert one(project, "Arrangement/Lanes").get("timeUnit") == "seconds"
        assert clip.get("contentTimeUnit") == "seconds"
        start, stop = (Fraction(clip.get(name, "")) for name in ("playStart", "playStop"))
        length = Fraction(clip.get("duration", ""))
        assert abs(stop - start - length) < Fraction(1, 10**11)
        found.append(
            Read(
                track.get("name", ""),
                one(clip, "Audio/File").get("path", ""),
                Fraction(clip.get("time", "")),
                length,
                start,
                float(one(channel, "Volume").get("value", "")),
                one(channel, "Mute").get("value") == "true",
            )
        )
    return found


def one(parent: Element, path: str) -> Element:
    (found,) = parent.findall(path)
    return found


def read_ardour(text: bytes) -> list[Read]:
    session = parsed(text)
    ids = [element.get("id") for element in session.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(int(number or 0) < int(session.get("id-counter", "")) for number in ids)
    found = []
    for route in session.iterfind("Routes/Route"):
        if "audio-playlist" not in route.attrib:
            continue
        playlist = one(session, f"Playlists/Playlist[@id='{route.get('audio-playlist')}']")
        assert playlist.get("orig-track-id") == route.get("id")
        region = one(playlist, "Region")
        sources = [
            one(session, f"Sources/Source[@id='{region.get(f'source-{n}')}']")
            for n in range(int(region.get("channels", "")))
        ]
        assert [source.get("channel") for source in sources] == ["0", "1"][: len(sources)]
        (file,) = {source.get("origin", "") for source in sources}
        length, position = region.get("length", "").split("@")
        gain = one(route, "Processor[@type='amp']/Controllable").get("value", "")
        found.append(
            Read(
                route.get("name", ""),
                file,
                _clock(position),
                _clock(length),
                _clock(region.get("start", "")),
                float(gain),
                one(route, "Controllable[@name='mute']").get("value") == "1",
            )
        )
    return found


def _clock(text: str) -> Fraction:
    assert text[0] == "a"
    return Fraction(int(text[1:]), SUPERCLOCK)


def read_reaper(text: bytes) -> list[Read]:
    head, children = read_rpp(text.decode())
    assert head[0] == "REAPER_PROJECT"
    found = []
    for track in blocks(children, "TRACK"):
        (item,) = blocks(track, "ITEM")
        (source,) = blocks(item, "SOURCE")
        assert values(item, "LOOP") == ["0"]
        assert values(item, "PLAYRATE")[0] == "1"
        position, length, start = (
            Fraction(Decimal(values(item, name)[0])) for name in ("POSITION", "LENGTH", "SOFFS")
        )
        found.append(
            Read(
                values(track, "NAME")[0],
                values(source, "FILE")[0],
                position,
                length,
                start,
                float(values(track, "VOLPAN")[0]),
                values(track, "MUTESOLO")[0] == "1",
            )
        )
    return found


def read_rpp(text: str) -> tuple[list[str], list[Any]]:
    """The outermost block: its line, and its children, which are lines or blocks."""
    opened: list[tuple[list[str], list[Any]]] = [([], [])]
    for line in text.split("\n"):
        words = [
            next(part for part in match if part)
            for match in re.findall(r'"([^"]*)"|\'([^\']*)\'|`([^`]*)`|(\S+)', line)
        ]
        if line.strip() == ">":
            block = opened.pop()
            opened[-1][1].append(block)
        elif line.strip().startswith("<"):
            opened.append(([words[0][1:], *words[1:]], []))
        elif words:
            opened[-1][1].append(words)
    ((_, [(head, children)]),) = opened
    return head, children


def blocks(children: list[Any], name: str) -> list[list[Any]]:
    return [child[1] for child in children if isinstance(child, tuple) and child[0][0] == name]


def values(children: list[Any], name: str) -> list[str]:
    (line,) = [child for child in children if isinstance(child, list) and child[0] == name]
    return line[1:]


def schemas() -> Path | None:
    """The folder of the published schemas, where there is one."""
    return Path(os.environ[SCHEMA]) if os.environ.get(SCHEMA) else None
