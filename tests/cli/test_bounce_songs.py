"""Which songs a bounce takes, where it puts them, and what it says about them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import pty
import subprocess
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from tests.cli.helpers import (
    COMMAND,
    FAKE,
    STEMS,
    Ended,
    bounce,
    good,
    manifest,
    music,
    read,
    refused,
    shown,
    song,
    tree,
    write,
)


@pytest.fixture
def with_ffmpeg(tmp_path: Path) -> dict[str, str]:
    """An environment that has `ffmpeg` on PATH, and nothing else there."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    return {"PATH": str(folder)}


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_folders_are_searched(tmp_path: Path):
    for name in ("one.wav", "disc 1/two.WAV", "disc 1/deep/er/three.wav", ".hidden.wav"):
        song(tmp_path / "music", name.lower(), seconds=0.1)
    (tmp_path / "music/disc 1/two.wav").rename(tmp_path / "music/disc 1/two.WAV")
    song(tmp_path / "music/.trash", seconds=0.1)
    (tmp_path / "music/notes.txt").write_text("no audio")
    (tmp_path / "music/manifest.json").write_text('{"name": "of another program"}')
    (tmp_path / "music/round").symlink_to(tmp_path / "music")
    template = "{folder}-{model}/{track} {stem}.{ext}"
    good("music", *FAKE, "-o", "music/stems", "--template", template, cwd=tmp_path)
    songs = {("music", "one"), ("disc 1", "two"), ("er", "three")}
    expected = {f"{folder}-fake/{track} {s}.wav" for folder, track in songs for s in STEMS}
    expected |= {f"{folder}-fake/{track}.manifest.json" for folder, track in songs}
    assert written(tmp_path / "music/stems") == expected
    # The stems lie inside now, and are no songs: only the three are there to be refused.
    again = bounce("music", *FAKE, "-o", "music/stems", "--template", template, cwd=tmp_path)
    assert again.status == 7
    assert "3 of 3 inputs failed" in again.err
    assert written(tmp_path / "music/stems") == expected


def test_mixes_of_an_earlier_bounce_are_no_songs(tmp_path: Path):
    song(tmp_path, seconds=0.1)
    words = (".", *FAKE, "--preset", "karaoke", "--resume", "--json")
    good(*words, cwd=tmp_path)
    assert (tmp_path / "stems/song/karaoke.wav").exists()
    events = good(*words, cwd=tmp_path).events
    assert [e["skipped"] for e in events if e["event"] == "done"] == [True]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("{track} - {stem}.{ext}", {"song - vocals.flac", "song.manifest.json"}),
        ("{stem}/{track}.{ext}", {"vocals/song.flac", "song.manifest.json"}),
        ("{model}/{track}/{stem}", {"fake/song/vocals", "fake/song/manifest.json"}),
        ("{folder}/{stem}.{ext}", {"album/vocals.flac", "album/manifest.json"}),
        ("{track}/a/{stem}.{ext}", {"song/a/vocals.flac", "song/a/manifest.json"}),
    ],
)
def test_templates(template: str, paths: set[str], tmp_path: Path):
    song(tmp_path / "album")
    options = ("-o", "out", "--format", "flac", "--stems", "vocals", "--template", template)
    good("album/song.wav", *FAKE, *options, cwd=tmp_path)
    assert written(tmp_path / "out") == paths
    (name,) = paths - {p for p in paths if p.endswith("manifest.json")}
    (listing,) = (tmp_path / "out").rglob("*manifest.json")
    (stem,) = json.loads(listing.read_text())["stems"]
    assert listing.parent / stem["file"] == tmp_path / "out" / name
    assert soundfile.info(tmp_path / "out" / name).format == "FLAC"


def test_batch_goes_on_past_bad_songs(tmp_path: Path):
    songs = [song(tmp_path, f"{name}.wav", seconds=0.2) for name in "abc"]
    songs[1].write_bytes(songs[1].read_bytes()[:9000])
    (tmp_path / "none").mkdir()
    inputs = ("a.wav", "b.wav", "missing.wav", "none", "c.wav")
    ended = bounce(*inputs, *FAKE, "-o", "out", cwd=tmp_path)
    assert ended.status == 7
    assert [line.partition(":")[0] for line in ended.out.splitlines()] == ["out/a", "out/c"]
    lines = ended.told
    assert len(lines) == 4
    assert "b.wav is cut off" in lines[0]
    assert "missing.wav: no such file" in lines[1]
    assert "none holds no audio files" in lines[2]
    assert "3 of 5 inputs failed" in lines[3]
    assert lines[3].endswith("b.wav, missing.wav, none")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "c"}

    ended = bounce(*inputs, *FAKE, "-o", "out", "--json", "--overwrite", cwd=tmp_path)
    assert ended.status == 7
    told = [e for e in ended.events if e["event"] != "progress"]
    assert [(e["event"], e.get("input"), e.get("status")) for e in told] == [
        ("begin", "a.wav", None),
        ("done", "a.wav", None),
        ("begin", "b.wav", None),
        ("failed", "b.wav", 3),
        ("begin", "missing.wav", None),
        ("failed", "missing.wav", 3),
        ("begin", "none", None),
        ("failed", "none", 3),
        ("begin", "c.wav", None),
        ("done", "c.wav", None),
        ("error", None, 7),
    ]


@pytest.mark.slow
def test_other_formats_through_ffmpeg(with_ffmpeg: dict[str, str], tmp_path: Path):
    song(tmp_path)
    program = Path(with_ffmpeg["PATH"]) / "ffmpeg"
    make = [str(program), "-v", "error", "-i", "song.wav", "-c:a", "alac", "song.m4a"]
    subprocess.run(make, cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
    refused(bounce("song.m4a", *FAKE, cwd=tmp_path, environment={"PATH": "/nowhere"}), 3, "ffmpeg")
    good("song.m4a", *FAKE, "-o", "out", cwd=tmp_path, environment=with_ffmpeg)
    total = sum(read(tmp_path / f"out/song/{name}.wav") for name in STEMS)
    assert np.array_equal(total, read(tmp_path / "song.wav"))
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "cut.m4a").write_bytes((tmp_path / "song.m4a").read_bytes()[:20_000])
    before = tree(tmp_path)
    for name in ("text.wav", "cut.m4a"):
        ended = bounce(name, *FAKE, "-o", "new", cwd=tmp_path, environment=with_ffmpeg)
        refused(ended, 3, name)
    assert tree(tmp_path) == before


def test_events_are_complete(tmp_path: Path):
    write(tmp_path / "song.wav", music(44100 * 3, level=2.2), subtype="FLOAT")
    ended = good("song.wav", *FAKE, "-o", "out", "--json", cwd=tmp_path)
    names = [event["event"] for event in ended.events]
    assert names == ["begin", "progress", "progress", "progress", "warning", "done"]
    assert ended.events[0] == {"event": "begin", "input": "song.wav", "number": 1, "total": 1}
    progress = [e for e in ended.events if e["event"] == "progress"]
    assert [(e["windows"], e["total_windows"]) for e in progress] == [(1, 3), (2, 3), (3, 3)]
    assert [e["seconds_done"] for e in progress] == [1.0, 2.0, 3.0]
    assert all(e["speed"] > 0 for e in progress)
    assert "drums peaks" in ended.events[4]["message"]
    done = ended.events[5]
    assert set(done["files"]) == {*STEMS, "manifest"}
    assert all((tmp_path / path).is_file() for path in done["files"].values())
    assert done["skipped"] is False
    for options, status in (((), 4), (("--overlap", "2"), 2)):
        ended = bounce("song.wav", *FAKE, "-o", "out", "--json", *options, cwd=tmp_path)
        last = ended.events[-1]
        assert (last["event"], last["status"]) == ("error", status)
        assert ended.status == status
        assert ended.err == f"stembridge: {last['message']}\n"


@pytest.mark.slow
def test_who_gets_to_read_what(tmp_path: Path):
    song(tmp_path)
    quiet = good("song.wav", *FAKE, "-o", "out", "-q", cwd=tmp_path)
    assert (quiet.out, quiet.err) == ("", "")
    plain = good("song.wav", *FAKE, "-o", "out", "--overwrite", cwd=tmp_path)
    assert plain.told == []
    assert len(plain.out.splitlines()) == 1
    assert plain.out.startswith("out/song: drums.wav, bass.wav, other.wav, vocals.wav (")
    assert "x real time" in plain.out
    more = good("song.wav", *FAKE, "-o", "out", "--overwrite", "-v", cwd=tmp_path)
    assert more.told == []
    for words in ("song.wav: 44100 frames at 44100 Hz", "fake: 1 of 1 windows", "vocals", "dBFS"):
        assert words in more.out
    named = good("song.wav", "-m", "spectral", "-o", "preview", cwd=tmp_path)
    assert "preview" in named.err


@pytest.mark.slow
def test_bar_on_a_terminal_leaves_stdout_alone(tmp_path: Path):
    song(tmp_path)
    ours, theirs = pty.openpty()
    command = [*COMMAND, "song.wav", "-m", "fake:cost=0.1,segment=4410", "-o", "out"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    screen = shown(ours)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "song.wav" in screen
    assert "x real time" in screen
    assert printed.startswith("out/song: drums.wav, bass.wav, other.wav, vocals.wav (")


def test_manifest_says_what_was_done(tmp_path: Path):
    path = song(tmp_path, seconds=2.5)
    good("song.wav", *FAKE, "-o", "out", "--format", "flac", "--seed", "7", cwd=tmp_path)
    found = manifest(tmp_path / "out/song")
    assert found["input"] == "song.wav"
    assert (found["frames"], found["rate"], found["channels"]) == (110_250, 44100, 2)
    assert found["preview"] is True
    assert found["windows"] == {"total": 3, "computed": 3}
    assert (found["gain"], found["null_peak"]) == (1.0, 0.0)
    assert 0 < found["seconds"] < 60
    same = found["identity"]
    assert same["input"] == {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rate": 44100,
        "channels": 2,
        "frames": 110_250,
        "span": [0, 110_250],
    }
    assert same["model"]["name"] == "fake"
    assert (same["settings"]["format"], same["settings"]["seed"]) == ("flac", 7)
    assert same["versions"]["python"] == platform.python_version()
    for package in ("torch", "demucs", "numpy", "numba", "soxr"):
        assert same["versions"][package] == version(package)
    for stem, name in zip(found["stems"], STEMS, strict=True):
        assert (stem["name"], stem["file"], stem["frames"]) == (name, f"{name}.flac", 110_250)
        peak = float(np.abs(read(tmp_path / "out/song" / stem["file"])).max())
        assert stem["peak"] == pytest.approx(peak, abs=2**-23)


def test_report_that_cannot_be_written(tmp_path: Path):
    song(tmp_path)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "song.wav", *FAKE],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    ended = Ended(done.returncode, "", done.stderr)
    refused(ended, 1, "stembridge: [Errno 28] No space left on device")
    assert (tmp_path / "stems/song/manifest.json").exists()
