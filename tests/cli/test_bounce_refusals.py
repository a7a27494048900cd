"""What cannot be bounced: one line that says why, its status, and nothing left behind."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio import real_song
from tests.cli.helpers import (
    COMMAND,
    FAKE,
    Samples,
    bounce,
    music,
    refused,
    song,
    tree,
    write,
)

NO_FFMPEG = {"PATH": "/nowhere"}


def check(
    folder: Path, arguments: tuple[str | Path, ...], status: int, *words: str, output: str = "out"
) -> None:
    """Bounce in `folder`, which must be refused and leave `folder` as it was."""
    before = tree(folder)
    ended = bounce(*arguments, "-o", output, cwd=folder, environment=NO_FFMPEG)
    refused(ended, status, *words)
    assert tree(folder) == before


def encoded(audio_format: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, music(88200), 44100, subtype, format=audio_format)
    return buffer.getvalue()


def with_value(value: float) -> Samples:
    samples = music(200_000)
    samples[150_000, 1] = value
    return samples


BROKEN: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "empty.wav": (lambda p: p.write_bytes(b""), ("empty.wav is empty",)),
    "text.wav": (lambda p: p.write_text("not audio at all\n" * 99), ("text.wav is not audio",)),
    "riff.wav": (lambda p: p.write_bytes(b"RIFF\x04\0\0\0WAVE"), ("riff.wav",)),
    "notes.txt": (lambda p: p.write_text("words"), ("notes.txt is not audio", "ffmpeg")),
    "film.m4a": (lambda p: p.write_bytes(b"\0\0\0\x18ftypM4A \0\0"), ("film.m4a", "ffmpeg")),
    "cut.mp3": (
        lambda p: p.write_bytes(encoded("MP3", "MPEG_LAYER_III")[:9000]),
        ("cut.mp3", "copy it again"),
    ),
    "cut.flac": (
        lambda p: p.write_bytes(encoded("FLAC", "PCM_16")[:150_000]),
        ("cut.flac", "copy it again"),
    ),
    "cut.wav": (
        lambda p: p.write_bytes(encoded("WAV", "PCM_16")[:170_000]),
        ("cut.wav is cut off", "352844 bytes"),
    ),
    "cut.aiff": (lambda p: p.write_bytes(encoded("AIFF", "PCM_24")[:170_000]), ("cut.aiff",)),
    "silent.wav": (lambda p: write(p, music(0)), ("silent.wav", "zero frames")),
    "nan.wav": (lambda p: write(p, with_value(np.nan), subtype="FLOAT"), ("NaN", "3.401 s")),
    "inf.wav": (lambda p: write(p, with_value(np.inf), subtype="FLOAT"), ("infinity", "3.401 s")),
    "minus.wav": (lambda p: write(p, with_value(-np.inf), subtype="DOUBLE"), ("infinity",)),
    "huge.wav": (lambda p: write(p, with_value(1e300), subtype="DOUBLE"), ("huge.wav", "3.401 s")),
    "surround.wav": (lambda p: write(p, music(100, 6)), ("surround.wav has 6 channels",)),
    "slow.wav": (lambda p: write(p, music(100), 500), ("slow.wav", "500 Hz")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_input_that_is_no_whole_sound(name: str, tmp_path: Path):
    make, words = BROKEN[name]
    make(tmp_path / name)
    check(tmp_path, (name, *FAKE), 3, *words)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_real_song_that_was_cut(share: float, tmp_path: Path):
    data = real_song().read_bytes()
    (tmp_path / "cut.mp3").write_bytes(data[: int(len(data) * share)])
    check(tmp_path, ("cut.mp3", *FAKE), 3, "cut.mp3", "cut off or damaged")


@pytest.mark.slow
def test_inputs_that_are_not_there(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/notes.txt").write_text("no audio")
    song(tmp_path)
    check(tmp_path, ("missing.wav", *FAKE), 3, "missing.wav: no such file", "check the name")
    check(tmp_path, ("", *FAKE), 2, "a name is empty")
    check(tmp_path, ("missing.wav", *FAKE, "--resume"), 3, "missing.wav: no such file")
    check(tmp_path, ("song.wav/inside.wav", *FAKE), 3, "song.wav/inside.wav: no such file")
    check(tmp_path, ("n" * 300, *FAKE), 3, "n" * 300, "too long")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    check(tmp_path, ("loop.wav", *FAKE), 3, "loop.wav cannot be read", "symbolic links")
    check(tmp_path, ("empty", *FAKE), 3, "empty holds no audio files", "name a file")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "options", "words"),
    [
        (5, "-m htdemuks", "'htdemuks'; did you mean 'htdemucs'"),
        (5, "-m fakery", "'fakery'; did you mean 'fake'"),
        (5, "-m ./none.safetensors", "none.safetensors: no such model file"),
        (5, "-m damaged.safetensors", "damaged.safetensors"),
        (5, "-m models/", "models must hold one NAME.yaml"),
        (5, "-m ./", "must hold one NAME.yaml"),
        (2, "-m fake:cost=fast", "'cost=fast' is not NAME=NUMBER"),
        (5, "--stems vocls", "'vocls' drums did you mean vocals"),
        (5, "--stems vocals,guitar", "'guitar' drums, bass, other, vocals"),
        (5, "--two-stems piano", "'piano' drums"),
        (2, "--stems vocals --two-stems drums", "--stems --two-stems exclude"),
        (2, "--stems vocals,vocals", "vocals,vocals twice"),
        (2, "--stems vocals,,drums", "vocals,,drums list"),
        (2, "--template {track}", "'{track}' must contain {stem}"),
        (2, "--template {stem}.{ext}", "must contain {track} or {folder}"),
        (2, "--template {track}/{voice}.{ext}", "'{voice}' is unknown {stem}"),
        (2, "--template {track}/{stem:>99}.{ext}", "is unknown"),
        (2, "--template {track}/{stem.", "'{track}/{stem.'"),
        (2, "--template ../{track}/{stem}.{ext}", "leaves the folder of -o"),
        (2, "--template /tmp/{track}/{stem}.{ext}", "leaves the folder of -o"),
        (2, "--template {track}/{stem}/", "does not end in a file name"),
        (4, f"--template {{track}}/{'n' * 255}{{stem}}.{{ext}}", "too long shorter --template"),
        (2, "--format mp3 --bits 16", "--bits 16 does not apply to mp3"),
        (2, "--format ogg --bits 32f", "--bits 32f does not apply to ogg"),
        (2, "--format flac --bits 32f", "flac --bits 32f --bits 24"),
        (2, "--bits 12", "'12' '16', '24', '32f' --help"),
        (2, "--format m4a", "'m4a' 'flac' --help"),
        (2, "--start 2", "--start 2.0 s song.wav 1.000 s"),
        (2, "--start 0.5 --end 0.25", "--end 0.25 s is not after --start 0.5 s"),
        (2, "--end 0", "--end 0.0 s is not after"),
        (2, "--end 0.000001", "--end 1e-06 s leaves nothing"),
        (2, "--start=-1", "'-1' is not a time"),
        (2, "--end soon", "'soon' is not a time"),
        (2, "--overlap 1", "--overlap 1.0 0.95"),
        (2, "--overlap=-0.1", "--overlap -0.1"),
        (2, "--overlap nan", "--overlap nan"),
        (2, "--shifts=-1", "--shifts -1 0 to 100"),
        (2, "--shifts 101", "--shifts 101 0 to 100"),
        (2, "--batch 0", "--batch 0 1 to"),
        (2, "--seed=-1", "--seed -1"),
        (2, "--overwrite --resume", "--overwrite --resume exclude"),
        (2, "--no-such-option", "--no-such-option --help"),
    ],
)
def test_options_that_cannot_work(status: int, options: str, words: str, tmp_path: Path):
    song(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "damaged.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{broken header..")
    model = () if options.startswith("-m") else FAKE
    check(tmp_path, ("song.wav", *model, *options.split(" ")), status, *words.split(" "))


@pytest.mark.parametrize(("audio_format", "rate"), [("mp3", 96000), ("mp3", 11111)])
def test_rate_that_a_format_cannot_hold(audio_format: str, rate: int, tmp_path: Path):
    write(tmp_path / "song.wav", music(1000), rate)
    check(tmp_path, ("song.wav", *FAKE, "--format", audio_format), 2, str(rate), "--format wav")


def test_output_that_is_no_folder(tmp_path: Path):
    song(tmp_path)
    check(tmp_path, ("song.wav", *FAKE), 4, "song.wav", "choose another -o", output="song.wav")
    check(tmp_path, ("song.wav", *FAKE), 4, "song.wav/x", "part", output="song.wav/x")


@pytest.mark.slow
@pytest.mark.parametrize("existing", ["vocals.wav", "manifest.json"])
@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_results_that_exist(existing: str, resume: tuple[str, ...], tmp_path: Path):
    song(tmp_path)
    (tmp_path / "out/song").mkdir(parents=True)
    (tmp_path / "out/song" / existing).write_bytes(b"precious")
    for _ in range(2):  # the first refusal must not open the way for the second attempt
        check(tmp_path, ("song.wav", *FAKE, *resume), 4, existing, "exists", "--overwrite")


def test_two_songs_that_would_become_one(tmp_path: Path):
    song(tmp_path / "a")
    song(tmp_path / "b")
    check(tmp_path, ("a", "b", *FAKE), 2, "a/song.wav and b/song.wav", "out/song/", "--template")


def test_no_input_shows_how_to_use_it(tmp_path: Path):
    ended = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Usage: stembridge bounce" in ended.stderr
    assert "--two-stems" in ended.stderr
