"""Sessions of every kind say what they were told, for any name, rate and length."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core.timeline import Span
from bridge.errors import UsageError
from bridge.runtime.sessions import ardour, dawproject, reaper
from bridge.runtime.sessions.description import Session, Track, clean, number, relative, seconds
from tests.runtime.reading_sessions import (
    Read,
    parsed,
    read_ardour,
    read_dawproject,
    read_project_xml,
    read_reaper,
    read_rpp,
    values,
)

PLACE = Path("/music/stems/song/song.session")
RATES = st.sampled_from([8000, 11025, 22050, 44100, 48000, 88200, 96000, 192000, 384000])
FRAMES = st.integers(1, 2**32)
FORMATS = st.sampled_from(["wav", "flac", "mp3", "ogg", "aiff"])
NAMES = st.text(min_size=1, max_size=30)
EPSILON = Fraction(2, 10**12)


@st.composite
def sessions(draw) -> Session:
    tracks = []
    for index in range(draw(st.integers(1, 5))):
        frames = draw(FRAMES)
        start = draw(st.integers(0, frames - 1))
        audio_format = draw(FORMATS)
        tracks.append(
            Track(
                name=draw(NAMES),
                path=PLACE.parent / f"{index}.{audio_format}",
                format=audio_format,
                channels=draw(st.sampled_from([1, 2])),
                frames=frames,
                span=Span(start, draw(st.integers(1, frames - start))),
                position=draw(st.integers(0, 2**40)),
                gain=draw(st.floats(0, 2)),
                muted=draw(st.booleans()),
            )
        )
    tempo = draw(st.none() | st.floats(20, 666))
    tags = draw(st.dictionaries(st.sampled_from(["title", "artist", "comment"]), st.text()))
    return Session(draw(NAMES), draw(RATES), tuple(tracks), tempo, tags)


def check(found: list[Read], session: Session) -> None:
    """Everything but names and files is as it was told, times to far less than a frame."""
    assert len(found) == len(session.tracks)
    for read, track in zip(found, session.tracks, strict=True):
        times = (read.position, read.length, read.start)
        frames = (track.position, track.span.length, track.span.start)
        for time, count in zip(times, frames, strict=True):
            assert 0 <= time - Fraction(count, session.rate) < EPSILON
        assert read.gain == track.gain
        assert read.muted is track.muted


@given(FRAMES, st.integers(1000, 768_000))
@example(1, 44100)
@example(2**32, 44100)
def test_seconds_find_the_frame_however_a_host_rounds(frames: int, rate: int):
    text = seconds(frames, rate)
    assert "e" not in text.lower()
    exact = Fraction(text) * rate
    assert math.floor(exact) == round(exact) == frames
    assert exact - frames < Fraction(1, 10**6)
    # As a double times the rate, which is what hosts compute.
    assert round(float(text) * rate) == frames


@given(st.floats(0, 1e6))
def test_numbers_are_plain_and_exact(value: float):
    assert "e" not in number(value).lower()
    assert float(number(value)) == value


@given(sessions())
def test_dawproject_says_what_it_was_told(session: Session):
    embedded = dawproject.embedded_names(session)
    text = dawproject.project_xml(session, PLACE, embedded)
    found = read_project_xml(text)
    check(found, session)
    assert [read.name for read in found] == [clean(t.name) for t in session.tracks]
    assert [read.file for read in found] == [embedded[t.path] for t in session.tracks]
    assert len(set(embedded.values())) == len(session.tracks)
    assert all(name.startswith("audio/") and name.count("/") == 1 for name in embedded.values())
    project = parsed(text)
    tempo = project.find("Transport/Tempo")
    assert (tempo is None) == (session.tempo is None)
    if tempo is not None:
        assert float(tempo.get("value", "")) == session.tempo
    ids = [element.get("id") for element in project.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    audio = list(project.iter("Audio"))
    for element, track in zip(audio, session.tracks, strict=True):
        assert element.get("sampleRate") == str(session.rate)
        assert element.get("channels") == str(track.channels)
        duration = Fraction(element.get("duration", ""))
        assert 0 <= duration - Fraction(track.frames, session.rate) < EPSILON


@given(sessions())
def test_metadata_holds_the_tags(session: Session):
    found = {e.tag: e.text or "" for e in parsed(dawproject.metadata_xml(session))}

    def lines(text: str) -> str:
        return clean(text).replace("\r\n", "\n").replace("\r", "\n")  # as every XML reader does

    assert found["Title"] == lines(session.tags.get("title", session.name))
    assert found.get("Comment") == (
        lines(session.tags["comment"]) if "comment" in session.tags else None
    )


@given(sessions())
def test_ardour_says_what_it_was_told(session: Session):
    text = ardour.session_xml(session)
    found = read_ardour(text)
    check(found, session)
    assert [read.file for read in found] == [str(track.path) for track in session.tracks]
    names = [read.name for read in found]
    assert len({*names, "Master"}) == len(names) + 1
    assert not any(set(name) & {":", "/"} for name in names)
    root = parsed(text)
    assert root.get("sample-rate") == str(session.rate)
    (tempo,) = root.iterfind("TempoMap/Tempos/Tempo")
    assert float(tempo.get("npm", "")) == (session.tempo or 120)
    (whole,) = root.iterfind("Locations/Location")
    stop = max(track.position + track.span.length for track in session.tracks)
    assert whole.get("end") == f"a{round(Fraction(stop * 282_240_000, session.rate))}"


def test_ardour_keeps_the_names_of_its_own_routes():
    names = ("Master", "Click", "vocals", "Vocals", "a:b/c", " ", "Track")
    tracks = tuple(
        Track(name, Path(f"/{n}.wav"), "wav", 2, 10, Span(0, 10)) for n, name in enumerate(names)
    )
    assert ardour.route_names(Session("song", 44100, tracks)) == [
        *("Master 2", "Click 2", "vocals", "Vocals 2", "a-b-c", "Track", "Track 2")
    ]


@given(sessions())
def test_reaper_says_what_it_was_told(session: Session):
    text = reaper.project(session, PLACE)
    found = read_reaper(text)
    check(found, session)
    assert [read.file for read in found] == [track.path.name for track in session.tracks]
    _, children = read_rpp(text.decode())
    assert values(children, "SAMPLERATE")[0] == str(session.rate)
    assert float(values(children, "TEMPO")[0]) == (session.tempo or 120)


@given(NAMES)
@example("a \"b\" 'c'")
@example("'c' `d`")
@example("\"a\" 'b' `c`")
@example(">")
@example("<TRACK")
def test_reaper_quotes_any_text(text: str):
    quoted = reaper.quoted(text)
    assert len(quoted.splitlines()) == 1
    head, children = read_rpp(f"<X\n  NAME {quoted} 1\n>\n")
    assert head == ["X"]
    name, one = values(children, "NAME")
    assert one == "1"
    if all(quote in text for quote in "\"'`"):
        text = text.replace("`", "'")
    if text.isprintable():
        assert name == text


@pytest.mark.parametrize("write", [reaper.project, dawproject.project_xml, ardour.session_xml])
@pytest.mark.parametrize("name", ["a\nb.wav", "a\x07b.wav", "a\udcffb.wav"])
def test_paths_that_are_no_text_are_refused(write, name: str):
    track = Track("vocals", PLACE.parent / name, "wav", 2, 10, Span(0, 10))
    place = () if write is ardour.session_xml else (PLACE,)
    more: tuple[dict[Path, str], ...] = ({},) if write is dawproject.project_xml else ()
    with pytest.raises(UsageError, match="cannot name") as raised:
        write(Session("song", 44100, (track,)), *place, *more)
    assert "\n" not in str(raised.value)


def test_reaper_refuses_a_path_in_all_quotes():
    track = Track("vocals", PLACE.parent / "\"a\" 'b' `c`.wav", "wav", 2, 10, Span(0, 10))
    with pytest.raises(UsageError, match="three kinds of quotes"):
        reaper.project(Session("song", 44100, (track,)), PLACE)


def test_files_are_named_from_the_folder_of_the_session():
    assert relative(Path("/music/song.wav"), PLACE) == "../../song.wav"
    assert relative(PLACE.parent / "vocals.wav", PLACE) == "vocals.wav"
    track = Track("song", Path("/music/a & b.wav"), "wav", 2, 10, Span(0, 10))
    (read,) = read_project_xml(dawproject.project_xml(Session("s", 8000, (track,)), PLACE, {}))
    assert read.file == "../../a & b.wav"
    assert b'external="true"' in dawproject.project_xml(Session("s", 8000, (track,)), PLACE, {})


def test_equal_content_makes_equal_files(tmp_path: Path):
    (tmp_path / "vocals.wav").write_bytes(b"audio" * 1000)
    track = Track("vocals", tmp_path / "vocals.wav", "wav", 2, 10, Span(0, 10))
    session = Session("song", 44100, (track,))
    names = dawproject.embedded_names(session)
    text = dawproject.project_xml(session, tmp_path / "x", names)
    for name in ("a", "b"):
        audio = {inside: path for path, inside in names.items()}
        dawproject.write(tmp_path / name, text, dawproject.metadata_xml(session), audio)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert dawproject.read_project(tmp_path / "a") == text
    # Cubase wants sizes and checksums before the data, and none behind it.
    raw = (tmp_path / "a").read_bytes()
    with ZipFile(tmp_path / "a") as archive:
        for entry in archive.infolist():
            flags, crc, size = struct.unpack_from("<6xH6xII", raw, entry.header_offset)
            assert not flags & 8
            assert (crc, size) == (entry.CRC, entry.file_size)
    assert len(read_dawproject(tmp_path / "a")) == 1
    with ZipFile(tmp_path / "a") as archive:
        assert archive.read("audio/vocals.wav") == b"audio" * 1000


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + 18 * b"\0"])
def test_files_that_are_no_dawproject(content: bytes, tmp_path: Path):
    (tmp_path / "x").write_bytes(content)
    assert dawproject.read_project(tmp_path / "x") is None
    assert dawproject.read_project(tmp_path / "missing") is None
