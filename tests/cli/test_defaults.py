"""Defaults come from the file, then the environment, then the command line; the last one wins."""

import os
import subprocess

import pytest
import soundfile

from tests.cli.helpers import COMMAND, bounce, good, refused, song


@pytest.fixture
def configured(tmp_path):
    """Write a config.toml and run a bounce of a short song with it."""
    song(tmp_path)
    environment = {"STEMBRIDGE_CONFIG_DIR": str(tmp_path / "config")}
    (tmp_path / "config").mkdir()

    def run(text, *options, run=bounce, **more):
        (tmp_path / "config/config.toml").write_text(text)
        return run(
            "song.wav", *options, "--overwrite", cwd=tmp_path, environment=environment | more
        )

    return run


def bits(folder):
    return soundfile.info(folder / "stems/song/drums.wav").subtype


def test_the_last_one_wins(configured, tmp_path):
    file = '[bounce]\nmodel = "fake"\nbits = "32f"\nstems = ["drums", "vocals"]\nstart = 0.5\n'
    configured(file, run=good)
    assert bits(tmp_path) == "FLOAT"
    assert soundfile.info(tmp_path / "stems/song/vocals.wav").frames == 22050
    assert not (tmp_path / "stems/song/bass.wav").exists()
    configured(file, run=good, STEMBRIDGE_BOUNCE_BITS="16")
    assert bits(tmp_path) == "PCM_16"
    configured(file, "--bits", "24", run=good, STEMBRIDGE_BOUNCE_BITS="16")
    assert bits(tmp_path) == "PCM_24"


def test_options_have_the_names_that_users_type(configured, tmp_path):
    file = '[bounce]\nmodel = "fake"\noutput = "elsewhere"\ntwo-stems = "vocals"\njson = true\n'
    ended = configured(file, run=good)
    assert ended.events[-1]["event"] == "done"
    assert (tmp_path / "elsewhere/song/no_vocals.wav").exists()
    configured('[bounce]\nmodel = "fake"\n', run=good, STEMBRIDGE_BOUNCE_OUTPUT="there")
    assert (tmp_path / "there/song/drums.wav").exists()


def test_help_and_doctor_work_whatever_the_file_holds(configured, tmp_path):
    configured("[bounce\n")
    environment = {**os.environ, "STEMBRIDGE_CONFIG_DIR": str(tmp_path / "config")}
    for words in (["--help"], ["bounce", "--help"]):
        command = [COMMAND[0], *words]
        subprocess.run(command, check=True, capture_output=True, env=environment)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[bonce]\n", "'bonce' is no command"),
        ("bounce = 1\n", "'bounce' is no command"),
        ('[bounce]\nmodle = "fake"\n', "'modle' is no option of bounce"),
        ("[bounce\n", "cannot be read"),
        ("[bounce]\nbits = 99\n", "99"),
        ("[bounce]\nbits = 1979-05-27\n", "'bits' must be"),
    ],
)
def test_mistakes_in_the_file_are_named(configured, text, words):
    refused(configured(text), 2, words)
