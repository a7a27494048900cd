"""Ardour sessions, in the form that Ardour 7 writes; later ones read it, earlier ones do not.

Files stay where they are, outside of the session's folder, as when a user imports them without
copying. Ardour keeps such files by absolute path.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bridge.runtime.sessions.description import Session, Track, clean, number, path_text, unique

_VERSION = "7002"  # of the form of the file, not of Ardour
_SUPERCLOCK = 282_240_000
"""Ticks in a second of Ardour's time line; a whole number of them is a frame at any common rate."""

_NO_TEMPO = 120.0  # what Ardour itself takes
# Of what is recorded later. Ardour opens no session without the first.
_OPTIONS = {"native-file-data-format": "FormatFloat", "native-file-header-format": "WAVE"}
_MASTER = "Master"
# Names that Ardour gives to routes itself.
_TAKEN = (_MASTER, "Monitor", "Click", "Auditioner", "LTC-in", "LTC-out", "MIDI")


class _Ids:
    """Numbers that every object of a session has for its own."""

    def __init__(self) -> None:
        self._next = count(100)
        self.last = 0

    def __call__(self) -> str:
        self.last = next(self._next)
        return str(self.last)


def session_xml(session: Session) -> bytes:
    """The `.ardour` file. Raises UsageError for a path that is not text."""
    ids = _Ids()
    root = Element("Session", version=_VERSION, name=clean(session.name))
    root.set("sample-rate", str(session.rate))
    config = SubElement(root, "Config")
    for option, value in _OPTIONS.items():
        SubElement(config, "Option", name=option, value=value)
    SubElement(root, "Metadata")
    sources = SubElement(root, "Sources")
    regions = SubElement(root, "Regions")
    _locations(root, ids, session)
    SubElement(root, "Bundles")
    routes = SubElement(root, "Routes")
    playlists = SubElement(root, "Playlists")
    rows = list(zip(route_names(session), session.tracks, strict=True))
    _master(routes, ids, [name for name, _ in rows])
    for order, (name, track) in enumerate(rows, 1):
        files = [_source(sources, ids, track, channel) for channel in range(track.channels)]
        _region(regions, ids, name, track, files, session.rate, whole=True)
        playlist, row = ids(), ids()
        attributes = {"id": playlist, "name": name, "type": "audio", "orig-track-id": row}
        element = SubElement(playlists, "Playlist", attributes)
        _region(element, ids, name, track, files, session.rate, whole=False)
        _track(routes, ids, name, track, order, row, playlist)
    SubElement(root, "RouteGroups")
    _click(root, ids)
    _tempo(root, session.tempo)
    root.set("id-counter", str(ids.last + 1))
    indent(root)
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def route_names(session: Session) -> list[str]:
    """A name for each track that no other route has, and that Ardour's port names can hold."""
    names: list[str] = []
    for track in session.tracks:
        plain = " ".join(clean(track.name).replace(":", "-").replace("/", "-").split()) or "Track"
        names.append(unique(plain, (*names, *_TAKEN)))
    return names


def _clock(frames: int, rate: int) -> str:
    """A time of Ardour's audio time domain."""
    return f"a{round(Fraction(frames * _SUPERCLOCK, rate))}"


def _source(sources: Element, ids: _Ids, track: Track, channel: int) -> str:
    path = path_text(str(track.path), "ardour")
    attributes = {
        "name": track.path.name,
        "type": "audio",
        "flags": "",  # neither written to nor removed by Ardour
        "id": ids(),
        "channel": str(channel),
        "origin": path,
        "gain": "1",
    }
    SubElement(sources, "Source", attributes)
    return attributes["id"]


def _region(
    parent: Element,
    ids: _Ids,
    name: str,
    track: Track,
    files: list[str],
    rate: int,
    *,
    whole: bool,
) -> None:
    """The region of the list of regions, which is all of the file, or the one that is played."""
    start, length = (0, track.frames) if whole else (track.span.start, track.span.length)
    position = 0 if whole else track.position
    attributes = {
        "name": name,
        "type": "audio",
        "id": ids(),
        "start": _clock(start, rate),
        "length": f"{_clock(length, rate)}@{_clock(position, rate)}",
        "whole-file": "1" if whole else "0",
        "opaque": "1",
        "default-fade-in": "0",
        "default-fade-out": "0",
        "fade-in-active": "0",
        "fade-out-active": "0",
        "scale-amplitude": "1",
        "channels": str(len(files)),
    }
    attributes |= {f"source-{n}": file for n, file in enumerate(files)}
    attributes |= {f"master-source-{n}": file for n, file in enumerate(files)}
    SubElement(parent, "Region", attributes)


def _locations(root: Element, ids: _Ids, session: Session) -> None:
    """The session range: what is exported unless the user says otherwise."""
    attributes = {
        "id": ids(),
        "name": "session",
        "start": _clock(0, session.rate),
        "end": _clock(session.stop, session.rate),
        "flags": "IsSessionRange",
        "locked": "0",
    }
    SubElement(SubElement(root, "Locations"), "Location", attributes)


def _master(routes: Element, ids: _Ids, names: list[str]) -> None:
    route = _route(routes, ids(), _MASTER, 0, "MasterOut")
    inputs = [[f"{name}/audio_out {n}" for name in names] for n in (1, 2)]
    _ports(route, ids(), _MASTER, "Input", "in", inputs)
    _ports(route, ids(), _MASTER, "Output", "out", _playback())
    _levels(route, ids, _MASTER, 1.0, muted=False)


def _track(
    routes: Element, ids: _Ids, name: str, track: Track, order: int, row: str, playlist: str
) -> None:
    route = _route(routes, row, name, order, "AudioTrack")
    route.set("audio-playlist", playlist)
    route.set("mode", "Normal")
    _ports(route, ids(), name, "Input", "in", [[] for _ in range(track.channels)])
    outputs = [[f"{_MASTER}/audio_in {n}"] for n in (1, 2)]
    _ports(route, ids(), name, "Output", "out", outputs)
    _levels(route, ids, name, track.gain, muted=track.muted, disk=True)


def _route(routes: Element, row: str, name: str, order: int, kind: str) -> Element:
    attributes = {"version": _VERSION, "id": row, "name": name, "default-type": "audio"}
    route = SubElement(routes, "Route", attributes | {"active": "1"})
    SubElement(route, "PresentationInfo", order=str(order), flags=f"{kind},OrderSet")
    return route


def _ports(
    route: Element, io: str, name: str, direction: str, side: str, connections: list[list[str]]
) -> None:
    attributes = {"name": name, "id": io, "direction": direction, "default-type": "audio"}
    element = SubElement(route, "IO", attributes)
    for n, others in enumerate(connections, 1):
        port = SubElement(element, "Port", type="audio", name=f"{name}/audio_{side} {n}")
        for other in others:
            SubElement(port, "Connection", other=other)


def _levels(
    route: Element, ids: _Ids, name: str, gain: float, *, muted: bool, disk: bool = False
) -> None:
    """Mute, fader and panner: straight through, since the file has the song's channels already."""
    state = str(int(muted))
    SubElement(route, "MuteMaster", {"mute-point": "PostFader,Listen,Main", "muted": state})
    SubElement(route, "Controllable", name="mute", id=ids(), value=state)
    if disk:
        _processor(route, ids, f"player:{name}", "diskreader")
        _processor(route, ids, f"recorder:{name}", "diskwriter")
    fader = _processor(route, ids, "Amp", "amp")
    SubElement(fader, "Controllable", name="gaincontrol", id=ids(), value=number(gain))
    _processor(route, ids, f"meter-{name}", "meter")
    outputs = _processor(route, ids, name, "main-outs")
    outputs.attrib |= {"own-input": "1", "own-output": "0", "output": name, "role": "Main"}
    SubElement(outputs, "PannerShell", {"bypassed": "1", "linked-to-route": "1"})


def _processor(route: Element, ids: _Ids, name: str, kind: str) -> Element:
    return SubElement(route, "Processor", id=ids(), name=name, active="1", type=kind)


def _click(root: Element, ids: _Ids) -> None:
    """The metronome, which is heard where the master is."""
    element = SubElement(root, "Click")
    _ports(element, ids(), "Click", "Output", "out", _playback())
    fader = _processor(element, ids, "Amp", "amp")
    SubElement(fader, "Controllable", name="gaincontrol", id=ids(), value="1")


def _playback() -> list[list[str]]:
    return [[f"system:playback_{n}"] for n in (1, 2)]


def _tempo(root: Element, tempo: float | None) -> None:
    beats = number(_NO_TEMPO if tempo is None else tempo)
    start = {"sclock": "0", "quarters": "0:0", "bbt": "1|1|0"}
    element = SubElement(root, "TempoMap", {"superclocks-per-second": str(_SUPERCLOCK)})
    speed = {"npm": beats, "enpm": beats, "note-type": "4", "type": "Tempo::Constant"}
    flags = {"active": "1", "locked-to-meter": "0", "continuing": "0", "omega": "0"}
    SubElement(SubElement(element, "Tempos"), "Tempo", speed | flags | start)
    meter = {"note-value": "4", "divisions-per-bar": "4"}
    SubElement(SubElement(element, "Meters"), "Meter", meter | start)
    SubElement(element, "MusicTimes")
