"""REAPER: items to stem tracks, against a stand-in of its API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.daw_scripts.lua import MISSING, fake_bounce_of_nothing, is_installed
from tests.daw_scripts.reaper.scenarios import BOUNCE, Reaper, item, processes_of, windows
from tests.server.sidecar import wait_until

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

STEMS = ["Drums", "Bass", "Other", "Vocals"]
NULL = 1e-6  # -120 dBFS
SLOW = "fake:segment=441,cost=1"  # 100 s for a second


@pytest.fixture
def reaper(tmp_path):
    return Reaper(tmp_path / "r")


def shown(part: dict[str, Any], rate: int) -> tuple[np.ndarray, float]:
    """What an item shows of its file in whole frames, and the part of a frame before them."""
    samples, file_rate = soundfile.read(part["file"], always_2d=True)
    assert file_rate == rate
    begin = part["take"]["D_STARTOFFS"] * rate
    first = round(begin) if abs(begin - round(begin)) < 1e-4 else int(np.floor(begin))
    count = int(np.ceil(part["values"]["D_LENGTH"] * part["take"]["D_PLAYRATE"] * rate - 1e-4))
    return samples[first : first + count], begin - first


SAME = (
    "D_POSITION",
    "D_LENGTH",
    "D_FADEINLEN",
    "D_FADEOUTLEN",
    "C_FADEINSHAPE",
    "B_LOOPSRC",
    "D_VOL",
)


@pytest.mark.parametrize(("rate", "playrate"), [(44_100, 1.0), (48_000, 1.25)])
def test_the_stems_stand_where_the_items_are(reaper, rate, playrate):
    file, samples = reaper.song(rate)
    fades = {"D_FADEINLEN": 0.25, "D_FADEOUTLEN": 0.5, "C_FADEINSHAPE": 3, "D_VOL": 0.5}
    cut = item(file, samples, rate, values={"D_POSITION": 2.5, "D_LENGTH": 1.2 / playrate, **fades},
               take={"D_STARTOFFS": 0.7001, "D_PLAYRATE": playrate})  # fmt: skip
    whole = item(file, samples, rate, values={"D_POSITION": 9.0})
    tracks = [
        {
            "name": "Song",
            "values": {"D_VOL": 0.7, "D_PAN": -0.2, "I_FOLDERDEPTH": -1},
            "items": [cut, whole],
        },
        {"name": "Behind"},
    ]
    played = reaper.play(tracks=tracks)

    song, *stems, behind = played["tracks"]
    assert [track["name"] for track in stems] == [f"Song {stem}" for stem in STEMS]
    assert behind["name"] == "Behind"
    assert [track["values"]["I_FOLDERDEPTH"] for track in (song, *stems)] == [0, 0, 0, 0, -1]
    assert all(track["values"]["D_VOL"] == 0.7 for track in stems)
    assert all(track["values"]["D_PAN"] == -0.2 for track in stems)
    assert played["undo"] == ["Stem Bridge: bounce to stem tracks"]
    assert played["windows"] == 0
    assert "preview" in played["boxes"][0]
    assert len(played["boxes"]) == 1
    assert any("1 of 2: separating song" in text for text in played["texts"])

    for number, original in enumerate(song["items"]):
        assert original["values"]["B_MUTE"] == 1
        wanted, part = shown(original, rate)
        total = np.zeros_like(wanted)
        for track, name in zip(stems, STEMS, strict=True):
            stem = track["items"][number]
            assert stem["name"] == f"song {name}"
            assert stem["values"]["B_MUTE"] == 0
            assert {n: stem["values"][n] for n in SAME} == {n: original["values"][n] for n in SAME}
            assert stem["take"]["D_PLAYRATE"] == original["take"]["D_PLAYRATE"]
            heard, same_part = shown(stem, rate)
            assert same_part == pytest.approx(part, abs=1e-6)
            total += heard
        assert np.abs(total - wanted).max() <= NULL
        assert np.abs(wanted).max() > 0.1
    # Of the first item the file has what it shows and a margin, not the whole song.
    assert soundfile.info(stems[0]["items"][0]["file"]).frames < len(samples) - rate // 2
    left = {path.name for path in reaper.project.rglob("*") if path.is_file()}
    assert left == {"manifest.json", *(f"{stem.lower()}.wav" for stem in STEMS)}


def test_what_a_looped_item_needs_is_the_whole_file(reaper):
    file, samples = reaper.song(44_100, 1.0)
    looped = item(file, samples, 44_100, values={"D_LENGTH": 2.5, "B_LOOPSRC": 1},
                  take={"D_STARTOFFS": 0.3})  # fmt: skip
    early = item(file, samples, 44_100, values={"D_LENGTH": 0.5}, take={"D_STARTOFFS": -0.25})
    reaper.set(mute_items=False, stems=["vocals"], extra=["--shifts", "1"], bits="24")
    played = reaper.play(tracks=[{"name": "", "items": [looped, early]}])
    assert [track["name"] for track in played["tracks"]] == ["", "Track 1 Vocals"]
    assert not any(part["values"]["B_MUTE"] for part in played["tracks"][0]["items"])
    whole, part = played["tracks"][1]["items"]
    assert soundfile.info(whole["file"]).frames == len(samples)
    assert soundfile.info(whole["file"]).subtype == "PCM_24"
    assert (whole["take"]["D_STARTOFFS"], whole["values"]["B_LOOPSRC"]) == (0.3, 1)
    assert part["take"]["D_STARTOFFS"] == -0.25


REFUSED: dict[str, dict[str, Any]] = {
    "is no audio": {"midi": True},
    "is muted": {"values": {"B_MUTE": 1}},
    "is a section or reversed": {"section": True},
    "has no file": {"file": ""},
    "has more than two channels": {"channels": 6},
    "has stretch markers": {"markers": 1},
    "has take envelopes": {"envelopes": 1},
    "has take effects": {"fx": 1},
    "shows nothing of its file": {"take": {"D_STARTOFFS": 99}},
}


def check_untouched(played: dict[str, Any], box: str) -> None:
    """One message, and a project as it was."""
    (said,) = played["boxes"]
    assert box in said
    assert "\n" not in said
    assert not played["undo"]
    assert len(played["tracks"]) == 1
    assert not any(
        part["values"]["B_MUTE"] for part in played["tracks"][0]["items"] if "muted" not in box
    )
    assert played["windows"] == 0


def refusal(reaper: Reaper, words: str) -> None:
    file, samples = reaper.song(44_100, 1.0)
    fine, bad = item(file, samples, 44_100), item(file, samples, 44_100, **REFUSED[words])
    check_untouched(
        reaper.play(tracks=[{"items": [fine, bad]}]), f"Item 2 of the selection {words}"
    )
    assert not list(reaper.project.iterdir())


@pytest.mark.parametrize("words", REFUSED)
def test_what_would_not_null_is_refused(reaper, words):
    refusal(reaper, words)


def nothing_selected(reaper: Reaper) -> None:
    check_untouched(reaper.play(tracks=[{}]), "Select the items")
    check_untouched(reaper.play(tracks=[{"items": [{"empty": True}]}]), "is no audio")


def test_a_selection_without_audio(reaper):
    nothing_selected(reaper)


def one_item(reaper: Reaper) -> list[dict[str, Any]]:
    file, samples = reaper.song(44_100, 1.0)
    return [{"name": "Song", "items": [item(file, samples, 44_100)]}]


def not_found(reaper: Reaper) -> None:
    (reaper.config / "plugin.json").unlink()
    played = reaper.play(tracks=one_item(reaper), environment={"PATH": "/usr/bin:/bin"})
    check_untouched(played, "`stembridge plugin install`")
    assert str(reaper.config / "plugin.json") in played["boxes"][0]
    elsewhere = {"STEMBRIDGE_CONFIG_DIR": "", "XDG_CONFIG_HOME": str(reaper.folder)}
    played = reaper.play(tracks=one_item(reaper), environment={"PATH": "/usr/bin", **elsewhere})
    check_untouched(played, str(reaper.folder / "stembridge" / "plugin.json"))


def test_no_stembridge(reaper):
    not_found(reaper)


def cancelled(reaper: Reaper, keys: list[int], **more: Any) -> None:
    reaper.set(model=SLOW)
    played = reaper.play(tracks=one_item(reaper), keys=keys, **more)
    check_untouched(played, "Cancelled.")
    assert any("ending song" in text for text in played["texts"])
    assert not list(reaper.project.iterdir())
    wait_until(lambda: not processes_of(reaper.folder))


# Before there is a process, and by closing the window while it separates.
CANCELS = [[27], [0] * 60 + [-1]]


@pytest.mark.parametrize("keys", CANCELS, ids=["at once", "later"])
def test_a_bounce_that_is_cancelled_leaves_nothing(reaper, keys):
    cancelled(reaper, keys)


def test_a_script_that_is_ended_takes_the_bounce_with_it(reaper):
    reaper.set(model=SLOW)
    played = reaper.play(tracks=one_item(reaper), ended_after=60)
    assert played["left"] == 1
    assert not played["undo"]
    wait_until(lambda: not processes_of(reaper.folder))


def damaged(reaper: Reaper) -> None:
    tracks = one_item(reaper)
    broken = reaper.folder / "broken.wav"
    broken.write_bytes(b"RIFF no audio at all")
    tracks[0]["items"].append({**tracks[0]["items"][0], "file": broken})
    played = reaper.play(tracks=tracks)
    check_untouched(played, "Item 2: ")
    assert "broken.wav" in played["boxes"][0]
    assert "Stems of the items before are in" in played["boxes"][0]


def test_what_stembridge_says_is_shown(reaper):
    damaged(reaper)


def killed(reaper: Reaper) -> None:
    fake = reaper.folder / "stembridge"
    fake.write_text("#!/bin/sh\necho 'not an event'\necho '[1]'\nexit 3\n")
    fake.chmod(0o755)
    reaper.set(command=str(fake))
    check_untouched(reaper.play(tracks=one_item(reaper)), "ended with status 3 and said nothing")
    fake.write_text("#!/bin/sh\necho 'last words' >&2\nexit 3\n")
    check_untouched(reaper.play(tracks=one_item(reaper)), "last words")
    event = json.dumps({"event": "done", "files": {"manifest": "/nowhere/manifest.json"}})
    fake.write_text(f"#!/bin/sh\necho '{event}'\n")
    check_untouched(reaper.play(tracks=one_item(reaper)), "/nowhere/manifest.json cannot be read")
    fake_bounce_of_nothing(fake)
    check_untouched(reaper.play(tracks=one_item(reaper)), "names no stem and no mix")


def test_a_command_that_fails_without_an_event(reaper):
    killed(reaper)


def in_the_way(reaper: Reaper) -> None:
    check_untouched(reaper.play(tracks=one_item(reaper), project="/dev/null"), "save the project")
    check_untouched(reaper.play(tracks=one_item(reaper), no_writing="run.sh"), "Permission denied")
    played = reaper.play(tracks=one_item(reaper), no_writing="run.sh", full=True)
    check_untouched(played, "free some space")
    reaper.set(command="/nowhere/stembridge")
    check_untouched(reaper.play(tracks=one_item(reaper)), "/nowhere/stembridge")
    (reaper.scripts / "common" / "stembridge_json.lua").unlink()
    check_untouched(reaper.play(tracks=one_item(reaper)), "stembridge_json.lua beside it")


def test_what_stands_in_the_way_is_said(reaper):
    in_the_way(reaper)


def gone(reaper: Reaper) -> None:
    played = reaper.play(tracks=one_item(reaper), gone=True)
    check_untouched(played, "An item is gone")
    assert list(reaper.project.rglob("vocals.wav"))


def test_an_item_that_is_gone(reaper):
    gone(reaper)


def on_windows(reaper: Reaper) -> None:
    # Stands beside the project as "project\Stem Bridge": the folders of Windows are one name here.
    record = (reaper.config / "plugin.json").read_text()
    Path(f"{reaper.config}\\plugin.json").write_text(record)
    with windows(reaper.folder) as commands:
        played = reaper.play(tracks=one_item(reaper), system="Win64")
        assert len(played["tracks"]) == 5, played["boxes"]
        original, stems = played["tracks"][0]["items"][0], played["tracks"][1:]
        total = sum(soundfile.read(track["items"][0]["file"])[0] for track in stems)
        assert np.abs(total - soundfile.read(original["file"])[0]).max() <= NULL
        assert len(commands) == 1
        reaper.set(model=SLOW)
        played = reaper.play(tracks=one_item(reaper), system="Win64", keys=[0] * 30 + [27])
        check_untouched(played, "Cancelled.")
        assert re.fullmatch(r"taskkill\.exe /T /F /PID \d+", commands[-1])
    wait_until(lambda: not processes_of(reaper.folder))


def test_windows_starts_it_without_a_shell(reaper):
    on_windows(reaper)


def test_files_may_lie_beside_the_scripts(reaper):
    for file in (reaper.scripts / "common").iterdir():
        file.rename(reaper.scripts / "reaper" / file.name)
    (reaper.scripts / "common").rmdir()
    assert len(reaper.play(tracks=one_item(reaper))["tracks"]) == 5


def test_the_package_names_every_file():
    header = (Path(__file__).parents[3] / "daw_scripts" / "reaper" / BOUNCE).read_text()
    for tag in ("@description", "@version", "@author", "@about", "@provides"):
        assert f"-- {tag}" in header
    for name in re.findall(r"\[nomain\] (\S+)", header):
        assert (Path(__file__).parents[3] / "daw_scripts" / "reaper" / name).exists(), name
