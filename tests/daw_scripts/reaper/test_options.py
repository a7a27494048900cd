"""REAPER: models, presets and formats of files, against a stand-in of its API."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.daw_scripts.lua import MISSING, SCRIPTS, is_installed
from tests.daw_scripts.reaper.scenarios import BOUNCE, Reaper, item
from tests.daw_scripts.reaper.test_bounce import STEMS, one_item

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

WEIGHTS = Path(__file__).parents[2] / "tiny" / "weights"
AT_THE_ITEM, AT_THE_STEMS = "which the stems do not have", "stems that are"


@pytest.fixture
def reaper(tmp_path):
    return Reaper(tmp_path / "r")


def test_a_model_is_typed_only_where_one_is_chosen(reaper):
    shutil.copy(SCRIPTS / "reaper" / BOUNCE, reaper.scripts / "reaper")  # as it comes
    played = reaper.play(
        tracks=one_item(reaper), environment={"STEMBRIDGE_BOUNCE_MODEL": str(WEIGHTS)}
    )
    assert len(played["tracks"]) == 5, played["boxes"]
    (manifest,) = reaper.project.rglob("manifest.json")
    assert json.loads(manifest.read_text())["identity"]["model"]["name"] == "tiny"


def preset(reaper: Reaper) -> None:
    """Stems and mixes of remix-kit are placed; of karaoke, which has no stems, its mix."""
    reaper.set(preset="remix-kit")
    played = reaper.play(tracks=one_item(reaper))
    assert [track["name"] for track in played["tracks"][1:]] == [
        f"Song {name}" for name in (*STEMS, "Mix")
    ], played["boxes"]


def check_karaoke(played: dict[str, Any], samples: np.ndarray) -> None:
    """One track: the song minus its vocals. Its item is muted."""
    song, karaoke = played["tracks"]
    assert song["items"][0]["values"]["B_MUTE"] == 1
    assert karaoke["name"] == "Song Karaoke"
    (placed,) = karaoke["items"]
    heard = soundfile.read(placed["file"])[0]
    assert heard.shape == samples.shape
    assert np.abs(heard).max() > 0.1
    assert np.abs(heard - samples).max() > 0.01


def test_with_a_preset_its_stems_and_mixes_are_placed(reaper):
    preset(reaper)


@pytest.mark.parametrize("how", ["option", "extra", "environment", "config.toml"])
def test_a_preset_may_come_from_anywhere(reaper, how):
    environment = {}
    if how == "option":
        reaper.set(preset="karaoke")
    elif how == "extra":
        reaper.set(extra=["--preset", "karaoke"])
    elif how == "environment":
        environment = {"STEMBRIDGE_BOUNCE_PRESET": "karaoke"}
    else:
        (reaper.config / "config.toml").write_text('[bounce]\npreset = "karaoke"\n')
    tracks = one_item(reaper)
    played = reaper.play(tracks=tracks, environment=environment)
    check_karaoke(played, soundfile.read(tracks[0]["items"][0]["file"])[0])


def boxes_of(reaper: Reaper, name: str) -> str:
    """What is said when an item of a file of that name is bounced."""
    samples = reaper.song(44_100, 1.0)[1]
    file = reaper.folder / name
    soundfile.write(file, samples, 44_100)
    played = reaper.play(tracks=[{"name": "Song", "items": [item(file, samples, 44_100)]}])
    assert len(played["tracks"]) > 1, played["boxes"]
    return "\n".join(played["boxes"])


def padded(reaper: Reaper) -> None:
    said = boxes_of(reaper, "song.flac")
    assert AT_THE_ITEM not in said
    assert AT_THE_STEMS not in said
    for name in ("A SONG.MP3", "song.ogg"):
        said = boxes_of(reaper, name)
        assert f"{name}: REAPER may keep" in said
        assert said.count(AT_THE_ITEM) == 1
        assert AT_THE_STEMS not in said
    reaper.set(format="ogg", bits="")
    said = boxes_of(reaper, "song.wav")
    assert AT_THE_ITEM not in said
    assert f"{AT_THE_STEMS} ogg files" in said


def test_what_an_encoder_may_have_shifted_is_said(reaper):
    padded(reaper)
