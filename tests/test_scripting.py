"""What Python scripts use, and the worked scripts themselves."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
import pytest
import soundfile

import bridge
from bridge.engine.fake import GAINS
from bridge.errors import InputError, ModelError, UsageError
from tests.hosts.plugin import bundle

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "daw_scripts" / "python"
RATE = 44100


def music(frames=RATE, channels=2):
    random = np.random.default_rng(5)
    return random.uniform(-0.4, 0.4, (channels, frames)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_stems_of_an_array_sum_to_it(channels, rate):
    song = music(channels=channels)
    stems = bridge.separate(song, rate, "fake:rate=44100,segment=20000")
    assert list(stems) == ["drums", "bass", "other", "vocals"]
    assert {(stem.shape, stem.dtype) for stem in stems.values()} == {(song.shape, song.dtype)}
    np.testing.assert_allclose(sum(stems.values()), song, atol=1e-6)
    if rate == RATE:
        np.testing.assert_allclose(stems["vocals"], GAINS["vocals"] * song, atol=1e-6)


def test_an_array_equals_the_file(tmp_path):
    song = music(3 * RATE)
    soundfile.write(tmp_path / "a.wav", song.T, RATE, subtype="FLOAT")
    said: list[str] = []
    stems = bridge.separate(song, RATE, "spectral", warn=said.append)
    result = bridge.bounce(tmp_path / "a.wav", output=tmp_path, model="spectral", bits="32f")
    for name, stem in stems.items():
        np.testing.assert_allclose(stem.T, soundfile.read(result.paths[name])[0], atol=1e-6)
    assert "preview" in said[0]


def test_settings_of_separation_are_taken():
    song = music()
    stems = bridge.separate(song, RATE, "fake", two_stems="vocals")
    assert list(stems) == ["vocals", "no_vocals"]
    stems = bridge.separate(song, RATE, "fake", residual="off")
    np.testing.assert_allclose(stems["other"], GAINS["other"] * song, atol=1e-6)
    assert bridge.separate(song[0], RATE, "fake")["bass"].shape == (1, RATE)


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros((RATE, 2), np.float32), r"shape \(44100, 2\)"),
        (np.zeros((2, 0), np.float32), r"shape \(2, 0\)"),
        (np.zeros((2, 100), np.int16), "int16"),
        (np.full((2, 100), np.nan), "NaN"),
        (3.0, "shape"),
    ],
)
def test_what_is_no_audio_is_refused(audio, words):
    with pytest.raises(InputError, match=words):
        bridge.separate(audio, RATE, "fake")


@pytest.mark.parametrize("rate", [0, -1, 44_100.5, 10**9, np.nan, np.inf, "44100", None, 1j])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(UsageError, match="no sample rate; give Hz as a whole number"):
        bridge.separate(music(), rate, "fake")


@pytest.mark.parametrize("rate", [44_100.0, np.int64(44_100), np.float32(44_100)])
def test_a_whole_rate_is_one_whatever_its_type(rate):
    song = music()
    bass = bridge.separate(song, rate, "fake")["bass"]
    np.testing.assert_allclose(bass, GAINS["bass"] * song, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"), [("start", 1.0), ("end", 1.0), ("format", "flac"), ("clip", "clamp")]
)
def test_settings_of_files_are_refused_for_arrays(name, value):
    with pytest.raises(UsageError, match=f"takes no {name}.*files are for bridge.bounce"):
        bridge.separate(music(), RATE, "fake", **{name: value})


def test_mistakes_raise_the_errors_of_the_command():
    with pytest.raises(ModelError, match="nobody-has-it"):
        bridge.separate(music(), RATE, "nobody-has-it")
    with pytest.raises(UsageError, match="--overlap"):
        bridge.separate(music(), RATE, "fake", overlap=3)
    with pytest.raises(UsageError, match=r"takes no overlapp \(did you mean overlap\?\)"):
        bridge.separate(music(), RATE, "fake", overlapp=3)
    with pytest.raises(UsageError, match=r"bridge.bounce takes no ovrwrite \(did you mean over"):
        bridge.bounce("a.wav", ovrwrite=True)
    with pytest.raises(AttributeError, match="no attribute 'seperate'"):
        bridge.seperate  # noqa: B018 - the look-up is what is tried


def test_a_bounce_takes_a_preset_by_name_by_path_or_itself(tmp_path):
    song = music()
    soundfile.write(tmp_path / "a.wav", song.T, RATE, subtype="FLOAT")
    itself = bridge.Preset.load("karaoke")
    presets: list[str | Path | bridge.Preset]
    presets = ["karaoke", itself.path, str(itself.path), itself]
    for number, preset in enumerate(presets):
        out = tmp_path / str(number)
        steps: list[Any] = []
        result = bridge.bounce(
            tmp_path / "a.wav", preset, out, model="fake", bits="32f", progress=steps.append
        )
        made = soundfile.read(result.paths["karaoke"])[0].T
        np.testing.assert_allclose(made, song * (1 - GAINS["vocals"]), atol=1e-6)
        assert steps[-1].windows == steps[-1].total_windows


def test_a_board_mixes_with_code_of_the_users():
    board = bridge.Preset.load("podcast-speech").board()
    board.append(pedalboard.Gain(-6))
    assert board(music(), RATE).shape == (2, RATE)


def test_the_public_names_are_these():
    assert bridge.__all__ == ["Preset", "__version__", "bounce", "separate"]
    assert set(bridge.__all__) <= set(dir(bridge))
    assert all(hasattr(bridge, name) for name in bridge.__all__)


def script(name, *arguments, folder):
    environment = {**os.environ, "STEMBRIDGE_RUNTIME_DIR": str(folder / "r")}
    environment["STEMBRIDGE_CONFIG_DIR"] = str(folder / "c")
    return subprocess.run(
        [sys.executable, SCRIPTS / name, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )


def test_the_script_for_a_folder(tmp_path):
    for name in ("one.wav", "inner/two.flac"):
        (tmp_path / "songs/inner").mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "songs" / name, music().T, RATE)
    (tmp_path / "songs/broken.wav").write_bytes(b"no song")
    words = ("songs", "out", "--preset", "dj-pair", "--model", "fake")
    done = script("batch_folder.py", *words, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "broken.wav" in done.stderr
    with (tmp_path / "out/batch.csv").open() as file:
        rows = {Path(row[0]).name: row[1] for row in csv.reader(file)}
    assert rows == {"song": "state", "one.wav": "done", "two.flac": "done", "broken.wav": "failed"}
    assert (tmp_path / "out/inner/two/acapella.wav").exists()
    (tmp_path / "songs/broken.wav").unlink()
    done = script("batch_folder.py", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "skipped" in (tmp_path / "out/batch.csv").read_text()


def test_the_script_for_a_folder_leaves_alone_what_it_made_and_the_presets_model(tmp_path):
    soundfile.write(tmp_path / "one.wav", music().T, RATE)
    (tmp_path / "mine.toml").write_text(
        'description = "d"\nwhen = "w"\n[separation]\nmodel = "fake"\n[mixes.all]\n'
    )
    for state in ("done", "skipped"):
        done = script("batch_folder.py", ".", "out", "--preset", "mine.toml", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        with (tmp_path / "out/batch.csv").open() as file:
            assert [row[:2] for row in csv.reader(file)][1:] == [["one.wav", state]]
    made = json.loads((tmp_path / "out/one/manifest.json").read_text())
    assert made["identity"]["model"]["name"] == "fake"


def test_the_script_that_compares_models(tmp_path):
    soundfile.write(tmp_path / "a.wav", music(3 * RATE).T, RATE, subtype="FLOAT")
    words = ("a.wav", "out", "--models", "fake", "spectral", "--start", "1", "--seconds", "1.5")
    done = script("compare_models.py", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    a, b = (soundfile.read(tmp_path / f"out/{name}.wav")[0] for name in "ab")
    assert len(a) == len(b) == round(1.5 * RATE)
    assert np.sqrt(np.mean(a**2)) == pytest.approx(np.sqrt(np.mean(b**2)), rel=1e-3)
    assert "they differ by" in done.stdout


@pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it")
def test_the_script_with_a_plug_in(tmp_path):
    """The project's own in bypass: what comes out is the preset's chain alone, in step."""
    song = music(3 * RATE)
    soundfile.write(tmp_path / "a.wav", song.T, RATE, subtype="FLOAT")
    words = ("a.wav", "out.wav", bundle(), "--model", "fake", "--set")
    done = script("plugin_chain.py", *words, "bypass=true", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    stems = bridge.separate(song, RATE, "fake")
    vocals = bridge.Preset.load("vocal-cleanup").board(stem="vocals")(stems["vocals"], RATE)
    expected = np.clip(song - stems["vocals"] + vocals, -1, 1)
    made = soundfile.read(tmp_path / "out.wav")[0].T
    np.testing.assert_allclose(made, expected, atol=2e-6)
    done = script("plugin_chain.py", *words, "bypas=true", folder=tmp_path)
    assert done.returncode == 1
    assert "has no 'bypas'" in done.stderr
