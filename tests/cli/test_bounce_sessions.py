"""`--session`: what a user finds beside the stems, and what is done with what was there."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import soundfile

from bridge.runtime import riff
from tests.audio import real_song
from tests.cli.helpers import (
    FAKE,
    STEMS,
    bounce,
    good,
    manifest,
    music,
    read,
    refused,
    song,
    tree,
    write,
)
from tests.runtime.reading_sessions import (
    SCHEMA,
    Read,
    parsed,
    read_ardour,
    read_dawproject,
    read_reaper,
    schemas,
)

ALL = ("--session", "dawproject,ardour,reaper")
EPSILON = Fraction(2, 10**12)


def places(folder: Path, name: str = "song") -> dict[str, Path]:
    return {
        "dawproject": folder / f"{name}.dawproject",
        "ardour": folder / f"{name}-ardour" / f"{name}.ardour",
        "reaper": folder / f"{name}.rpp",
    }


def tracks(kind: str, path: Path) -> list[Read]:
    if kind == "dawproject":
        return read_dawproject(path)
    return (read_ardour if kind == "ardour" else read_reaper)(path.read_bytes())


def heard(kind: str, path: Path, track: Read) -> np.ndarray:
    """The frames of a track's file that a session plays, read by way of the session."""
    if kind == "dawproject" and not (path.parent / track.file).exists():
        with ZipFile(path) as archive, archive.open(track.file) as file:
            samples, rate = soundfile.read(file, always_2d=True)
    else:
        samples, rate = soundfile.read(path.parent / track.file, always_2d=True)
    start, length = round(track.start * rate), round(track.length * rate)
    found: np.ndarray = samples[start : start + length]
    assert len(found) == length
    return found


def check(kind: str, path: Path, folder: Path, mix: np.ndarray, *, original: bool = True) -> None:
    """The session has the manifest's stems at their place, and the song, muted, if it can."""
    said = manifest(folder)
    found = tracks(kind, path)
    names = [stem["name"] for stem in said["stems"]]
    assert [t.name for t in found[: len(names)]] == names
    assert len(found) == len(names) + original
    for track, stem in zip(found, said["stems"], strict=False):
        assert track.position == track.start == 0
        assert abs(track.length - Fraction(stem["frames"], said["rate"])) < EPSILON
        assert (track.gain, track.muted) == (1, False)
        assert np.array_equal(heard(kind, path, track), read(folder / stem["file"]))
    total = sum(heard(kind, path, track) for track in found if not track.muted)
    assert np.abs(total - mix).max() <= 10 ** (-120 / 20)
    if original:
        assert found[-1].muted
        assert found[-1].position == 0
        assert np.array_equal(heard(kind, path, found[-1]), mix)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["song", "Dvořák & “x” 'y' `z`", "<a> 100%"])
def test_every_kind_has_the_stems_of_the_manifest(name: str, tmp_path: Path):
    mix = read(song(tmp_path, f"{name}.wav"))
    good(f"{name}.wav", *FAKE, "-o", "out", *ALL, "--tempo", "97.5", cwd=tmp_path)
    (folder,) = (tmp_path / "out").iterdir()
    said = {entry["kind"]: entry for entry in manifest(folder)["sessions"]}
    assert said.keys() == {"dawproject", "ardour", "reaper"}
    for kind, path in places(folder, folder.name).items():
        assert folder / said[kind]["file"] == path
        assert said[kind]["tempo"] == 97.5
        check(kind, path, folder, mix)


@pytest.mark.slow
def test_the_real_song(tmp_path: Path):
    options = ("-m", "spectral", "-o", "out", "--start", "3", "--end", "7.123")
    good(real_song(), *options, *ALL, cwd=tmp_path)
    (folder,) = (tmp_path / "out").iterdir()
    mix = read(real_song())[3 * 44100 : round(7.123 * 44100)]
    for kind, path in places(folder, folder.name).items():
        check(kind, path, folder, mix, original=False)  # hosts do not agree where an mp3 begins


def test_the_published_schema(tmp_path: Path):
    folder = schemas()
    if folder is None:
        pytest.skip(f"no schema: set {SCHEMA} to a folder with bitwig/dawproject's *.xsd")
    etree: Any = pytest.importorskip("lxml.etree")
    tags = {"title": "A & B\n\"c\" 'd'", "artist": "Dvořák", "comment": "<x>\x07"}
    path = write(tmp_path / "söng & 'x'.wav", music(44100, 1))
    with soundfile.SoundFile(path, "r+") as file:
        for tag, text in tags.items():
            setattr(file, tag, text)
    for options in ((), ("--tempo", "120.25"), ("--two-stems", "vocals", "--start", "0.3")):
        good(path.name, *FAKE, "-o", "out", *ALL, *options, "--overwrite", cwd=tmp_path)
        with ZipFile(places(tmp_path / "out" / path.stem, path.stem)["dawproject"]) as archive:
            for name, schema in (("project", "Project.xsd"), ("metadata", "MetaData.xsd")):
                rules = etree.XMLSchema(etree.parse(str(folder / schema)))
                rules.assertValid(etree.fromstring(archive.read(f"{name}.xml")))


def test_part_of_a_mono_song_with_a_time_reference(tmp_path: Path):
    path = write(tmp_path / "song.wav", music(48000, 1), 48000)
    riff.append_time_reference(path, 48000 * 3600)
    good("song.wav", *FAKE, *ALL, "--start", "0.25", "--end", "0.75", "-o", "out", cwd=tmp_path)
    folder = tmp_path / "out/song"
    for kind, place in places(folder).items():
        check(kind, place, folder, read(path)[12000:36000])
        assert tracks(kind, place)[-1].start == Fraction(1, 4)
    assert riff.read_time_reference(folder / "drums.wav") == 48000 * 3600 + 12000


@pytest.mark.slow
@pytest.mark.parametrize("audio_format", ["flac", "mp3", "ogg", "aiff"])
def test_other_formats(audio_format: str, tmp_path: Path):
    song(tmp_path)
    ended = good("song.wav", *FAKE, *ALL, "--format", audio_format, "-o", "out", cwd=tmp_path)
    folder = tmp_path / "out/song"
    for kind, place in places(folder).items():
        for track, name in zip(tracks(kind, place), STEMS, strict=False):
            assert track.file.endswith(f"{name}.{audio_format}")
            stem = read(folder / f"{name}.{audio_format}")
            assert np.array_equal(heard(kind, place, track), stem)
    sources = {"flac": "FLAC", "mp3": "MP3", "ogg": "VORBIS", "aiff": "WAVE"}
    text = places(folder)["reaper"].read_text()
    assert text.count(f"<SOURCE {sources[audio_format]}\n") >= 4
    assert f"not every DAW takes {audio_format}" in ended.err
    assert ("not every Ardour" in ended.err) == (audio_format == "mp3")


def test_stems_elsewhere_and_several_songs(tmp_path: Path):
    for index, name in enumerate(("a", "b")):
        song(tmp_path, f"{name}.wav", 0.2, seed=index)
    template = ("--template", "{stem}/{track}.{ext}")
    ended = good("a.wav", "b.wav", *FAKE, *ALL, *template, "-o", "out", "--json", cwd=tmp_path)
    done = [event for event in ended.events if event["event"] == "done"]
    for name, event in zip("ab", done, strict=True):
        found = places(tmp_path / "out", name)
        assert event["sessions"] == {
            kind: str(path.relative_to(tmp_path)) for kind, path in found.items()
        }
        for kind, path in found.items():
            total = sum(heard(kind, path, t) for t in tracks(kind, path) if not t.muted)
            assert np.array_equal(total, read(tmp_path / f"{name}.wav"))
    text = (tmp_path / "out/a.manifest.json").read_text()
    assert [entry["file"] for entry in json.loads(text)["sessions"]] == [
        *("a.dawproject", "a-ardour/a.ardour", "a.rpp")
    ]


def test_a_folder_that_moves_keeps_its_sessions(tmp_path: Path):
    mix = read(song(tmp_path))
    good("song.wav", *FAKE, *ALL, "-o", "out", cwd=tmp_path)
    shutil.move(tmp_path / "out", tmp_path / "elsewhere")
    folder = tmp_path / "elsewhere/song"
    for kind in ("dawproject", "reaper"):
        check(kind, places(folder)[kind], folder, mix)


def test_through_links_to_the_folders(tmp_path: Path):
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "out").symlink_to("far/away")
    mix = read(song(tmp_path))
    good("song.wav", *FAKE, *ALL, "-o", "out", cwd=tmp_path)
    for kind, path in places(tmp_path / "out/song").items():
        check(kind, path, tmp_path / "out/song", mix)


def test_what_is_too_large_is_named_and_not_copied(tmp_path: Path, monkeypatch):
    from bridge.cli.main import main
    from bridge.runtime.sessions import dawproject

    mix = read(song(tmp_path))
    monkeypatch.setattr(dawproject, "LARGEST", 44100 * 2 * 4 * 5 - 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["stembridge", "bounce", "song.wav", *FAKE, *ALL, "-o", "out"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    path = places(tmp_path / "out/song")["dawproject"]
    with ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.xml", "project.xml"]
    check("dawproject", path, tmp_path / "out/song", mix)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--session cubase", "--session cubase is unknown dawproject, ardour, reaper"),
        ("--session ardour,", "'ardour,' list of names"),
        ("--session ardour --session reaper,ardour", "ardour,reaper,ardour twice"),
        ("--session ardour --tempo 19.9", "--tempo 19.9 20 to 666"),
        ("--session ardour --tempo nan", "--tempo nan 20 to 666"),
        ("--session ardour --tempo inf", "--tempo inf 20 to 666"),
        ("--session ardour --tempo fast", "--tempo 'fast'"),
        ("--tempo 120", "--tempo --session"),
        ("--session reaper --template {track}/\"'`{stem}.{ext}", "three kinds of quotes"),
        ("--session ardour --template {track}/\x07{stem}.{ext}", "--session ardour plain"),
    ],
)
def test_what_cannot_work_is_refused_before_the_work(options: str, words: str, tmp_path: Path):
    song(tmp_path)
    before = tree(tmp_path)
    ended = bounce("song.wav", *FAKE, "-o", "out", *options.split(" "), cwd=tmp_path)
    refused(ended, 2, *words.split(" "))
    assert tree(tmp_path) == before


def test_a_stem_with_the_name_of_a_session(tmp_path: Path):
    song(tmp_path, "drums.wav")
    options = ("--session", "reaper", "--template", "{track}/{stem}.rpp", "-o", "out")
    refused(bounce("drums.wav", *FAKE, *options, cwd=tmp_path), 2, "--template", "reaper session")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "resume"), [("dawproject", ()), ("ardour", ("--resume",)), ("reaper", ())]
)
def test_a_session_of_the_users_is_kept(kind: str, resume: tuple[str, ...], tmp_path: Path):
    song(tmp_path)
    path = places(tmp_path / "out/song")[kind]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"hours of work")
    before = tree(tmp_path)
    for _ in range(2):
        ended = bounce("song.wav", *FAKE, "-o", "out", *ALL, *resume, cwd=tmp_path)
        refused(ended, 4, path.name, "exists already", "--overwrite")
        assert tree(tmp_path) == before
    good("song.wav", *FAKE, "-o", "out", *ALL, "--overwrite", cwd=tmp_path)
    assert len(tracks(kind, path)) == 5


def test_sessions_are_added_to_finished_stems(tmp_path: Path):
    mix = read(song(tmp_path))
    good("song.wav", *FAKE, "-o", "out", cwd=tmp_path)
    folder = tmp_path / "out/song"
    before, stems = manifest(folder), {n: (folder / f"{n}.wav").stat().st_mtime_ns for n in STEMS}
    assert before["sessions"] == []
    resume = ("song.wav", *FAKE, "-o", "out", "--resume", "--json")
    for options in (("--session", "reaper"), ALL):
        ended = good(*resume, *options, cwd=tmp_path)
        assert ended.events[-1]["skipped"] is True
    for kind, path in places(folder).items():
        check(kind, path, folder, mix)
    after = manifest(folder)
    assert [entry["kind"] for entry in after["sessions"]] == ["reaper", "dawproject", "ardour"]
    assert after | {"sessions": []} == before
    assert stems == {n: (folder / f"{n}.wav").stat().st_mtime_ns for n in STEMS}
    assert not (tmp_path / "out/.stembridge-part").exists()

    # What a DAW saved into them since is the user's.
    places(folder)["ardour"].write_bytes(b"hours of work")
    good(*resume, *ALL, cwd=tmp_path)
    assert places(folder)["ardour"].read_bytes() == b"hours of work"
    # Nor is it touched where a stem has to be made again.
    (folder / "vocals.wav").unlink()
    good(*resume, *ALL, cwd=tmp_path)
    assert places(folder)["ardour"].read_bytes() == b"hours of work"
    after = manifest(folder)
    assert [entry["kind"] for entry in after["sessions"]] == ["dawproject", "ardour", "reaper"]
    plain = [option for option in resume if option != "--json"]
    refused(bounce(*plain, *ALL, "--tempo", "90", cwd=tmp_path), 4, "song.dawproject", "exists")
    assert manifest(folder) == after


def test_a_session_that_was_lost_is_made_again(tmp_path: Path):
    song(tmp_path)
    options = ("song.wav", *FAKE, "-o", "out", *ALL, "--resume")
    good(*options, cwd=tmp_path)
    before = tree(tmp_path)
    shutil.rmtree(tmp_path / "out/song/song-ardour")
    (tmp_path / "out/song/song.dawproject").unlink()
    good(*options, cwd=tmp_path)
    after = tree(tmp_path)
    assert after.keys() == before.keys()
    said = {str(Path("out/song/manifest.json"))}
    assert {name for name in before if before[name] != after[name]} <= said


@pytest.mark.slow
@pytest.mark.parametrize("rename", [8, 10])  # the first session has its name, or all of them
def test_killed_between_two_final_names(rename: int, tmp_path: Path):
    if shutil.which("strace") is None:
        pytest.skip("killing between two renames needs strace")
    song(tmp_path)
    options = ("song.wav", *FAKE, *ALL, "--resume", "-o")
    good(*options, "fresh", cwd=tmp_path)
    inject = f"inject=rename:signal=KILL:when={rename}"
    trap = ("strace", "-f", "-o", "/dev/null", "-e", "trace=rename", "-e", inject)
    assert bounce(*options, "out", cwd=tmp_path, before=trap).status < 0
    folder, whole = tmp_path / "out/song", tmp_path / "fresh/song"
    assert not (folder / "manifest.json").exists()
    there = {kind: path for kind, path in places(folder).items() if path.exists()}
    assert there
    for kind, path in there.items():
        assert len(tracks(kind, path)) == 5
    good(*options, "out", cwd=tmp_path)
    for name in ("song.rpp", "song.dawproject", *(f"{stem}.wav" for stem in STEMS)):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
    assert [entry["kind"] for entry in manifest(folder)["sessions"]] == [
        *("dawproject", "ardour", "reaper")
    ]


def test_defaults_of_the_users_own(tmp_path: Path):
    song(tmp_path)
    (tmp_path / "config").mkdir()
    environment = {"STEMBRIDGE_CONFIG_DIR": str(tmp_path / "config")}
    more: dict[str, Any] = {"cwd": tmp_path, "environment": environment}
    for text in ('session = "ardour,reaper"', 'session = ["ardour", "reaper"]\ntempo = 90'):
        (tmp_path / "config/config.toml").write_text(f"[bounce]\n{text}\n")
        good("song.wav", *FAKE, "-o", "out", "--overwrite", **more)
        kinds = [entry["kind"] for entry in manifest(tmp_path / "out/song")["sessions"]]
        assert kinds == ["ardour", "reaper"]
    environment["STEMBRIDGE_BOUNCE_SESSION"] = "dawproject,reaper"
    good("song.wav", *FAKE, "-o", "out", "--overwrite", **more)
    with ZipFile(tmp_path / "out/song/song.dawproject") as archive:
        tempo = parsed(archive.read("project.xml")).find("Transport/Tempo")
    assert tempo is not None
    assert tempo.get("value") == "90.0"


@pytest.mark.parametrize(
    ("preset", "heard_ones"), [("remix-kit", STEMS), ("karaoke", ("karaoke",))]
)
def test_mixes_of_a_preset_are_not_heard_on_top_of_the_stems(
    preset: str, heard_ones: tuple[str, ...], tmp_path: Path
):
    write(tmp_path / "song.wav", music(20_000))
    good("song.wav", *FAKE, "--preset", preset, *ALL, cwd=tmp_path)
    for kind, path in places(tmp_path / "stems" / "song").items():
        found = {track.name: track.muted for track in tracks(kind, path)}
        assert {name for name, muted in found.items() if not muted} == set(heard_ones), kind
        made = manifest(tmp_path / "stems" / "song")
        assert len(found) == len(made["stems"]) + len(made["mixes"]) + 1
