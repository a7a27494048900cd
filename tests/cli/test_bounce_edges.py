"""What a reviewer found at the edges: each of these once went wrong."""

import json
import os

import pytest
import soundfile

from tests.cli.helpers import (
    FAKE,
    NOBODY,
    bounce,
    good,
    manifest,
    music,
    read,
    refused,
    song,
    write,
)


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 2, 3, 65536 + 2])
def test_a_block_as_short_as_it_has_channels(tmp_path, frames):
    write(tmp_path / "song.wav", music(frames))
    good("song.wav", *FAKE, "-o", "out", cwd=tmp_path)
    assert soundfile.info(tmp_path / "out/song/vocals.wav").frames == frames


def test_names_that_differ_in_case_alone_are_two_songs_in_one_place(tmp_path):
    song(tmp_path, "a/Song.wav")
    song(tmp_path, "b/song.wav")
    ended = bounce("a/Song.wav", "b/song.wav", *FAKE, "-o", "out", cwd=tmp_path)
    refused(ended, 2, "a/Song.wav", "b/song.wav")


def test_a_locked_folder_inside_keeps_no_song_from_being_done(common):
    song(common, "album/song.wav")
    (common / "album/locked").mkdir(mode=0o000)
    (common / "out").mkdir()
    (common / "out").chmod(0o777)
    ended = bounce("album", *FAKE, "-o", "out", cwd=common, before=NOBODY)
    assert ended.status == 7
    assert ended.err.splitlines()[-1].endswith("album/locked")
    assert (common / "out/song/drums.wav").exists()


def test_the_home_of_somebody_else_is_no_obstacle(common):
    song(common)
    (common / "home").mkdir(mode=0o700)
    (common / "out").mkdir()
    (common / "out").chmod(0o777)
    home = str(common / "home")
    environment = {"HOME": home, "STEMBRIDGE_CONFIG_DIR": f"{home}/.config/stembridge"}
    options = ["song.wav", *FAKE, "-o", "out"]
    good(*options, cwd=common, before=NOBODY, environment=environment)


def test_a_lost_null_is_said(tmp_path):
    write(tmp_path / "song.wav", music(44100, level=0.99) * 4, subtype="FLOAT")
    ended = good("song.wav", *FAKE, "-o", "out", cwd=tmp_path)
    assert "the null is lost" in ended.err
    assert manifest(tmp_path / "out/song")["null_peak"] > 1e-5


@pytest.mark.slow
def test_whatever_a_network_does_is_one_line_and_the_others_are_done(tmp_path):
    """An HDemucs this narrow cannot normalise a song of three frames."""
    from tests import networks

    made = networks.network(type(networks.hybrid()), {**networks.HYBRID, "channels": 4})
    networks.save_network(made, tmp_path / "narrow.safetensors")
    write(tmp_path / "short.wav", music(3), networks.RATE)
    write(tmp_path / "long.wav", music(30_000), networks.RATE)
    model = ["-m", "narrow.safetensors", "-o", "out"]
    ended = bounce("short.wav", "long.wav", *model, "--json", cwd=tmp_path)
    assert ended.status == 7
    assert [e["event"] for e in ended.events if e["event"] in {"failed", "done", "error"}] == [
        "failed",
        "done",
        "error",
    ]
    assert len(read(tmp_path / "out/long/vocals.wav")) == 30_000
    assert json.loads(ended.out.splitlines()[-1])["status"] == 7
    refused(bounce("short.wav", *model, cwd=tmp_path), 5, "narrow failed at 0.0 s")


@pytest.mark.slow
@pytest.mark.parametrize("linked", [False, True])
def test_no_result_replaces_its_song(tmp_path, linked):
    path = song(tmp_path, "elsewhere/vocals.wav" if linked else "vocals/vocals.wav")
    if linked:
        (tmp_path / "vocals").mkdir()
        (tmp_path / "vocals/vocals.wav").symlink_to(path)
    before = path.read_bytes()
    options = [*FAKE, "-o", ".", "--overwrite"]
    for name in ("vocals/vocals.wav", path):  # as the result is called, and otherwise
        refused(bounce(name, *options, cwd=tmp_path), 4, "vocals.wav", "another -o")
        assert path.read_bytes() == before


def test_no_result_replaces_another_song_of_the_batch(tmp_path):
    path = song(tmp_path, "first/drums.wav")
    song(tmp_path, "songs/first.wav", seed=1)
    before = path.read_bytes()
    options = [*FAKE, "-o", ".", "--overwrite"]
    ended = bounce("songs/first.wav", "first/drums.wav", *options, cwd=tmp_path)
    assert ended.status == 7
    assert "first/drums.wav itself; choose another -o" in ended.err
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_finished_song_that_lost_a_stem_is_mended_by_resume(tmp_path):
    song(tmp_path)
    options = ["song.wav", *FAKE, "-o", "out", "--resume"]
    good(*options, cwd=tmp_path)
    whole = read(tmp_path / "out/song/bass.wav")
    (tmp_path / "out/song/bass.wav").unlink()
    good(*options, cwd=tmp_path)
    assert (read(tmp_path / "out/song/bass.wav") == whole).all()


def test_a_pipe_is_refused_in_words(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    refused(bounce("pipe.wav", *FAKE, "-o", "out", cwd=tmp_path), 3, "no ordinary file")


@pytest.mark.parametrize("option", ["--two-stems", "--model", "--stems"])
def test_empty_names_are_refused(tmp_path, option):
    song(tmp_path)
    refused(bounce("song.wav", "-o", "out", f"{option}=", cwd=tmp_path), 2, option)
