"""The scripts for Ardour, run in a real one: in its editor, on a screen of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.daw_scripts.ardour.editor import act, export, install, lua
from tests.daw_scripts.lua import fake_bounce_of_nothing, literal, with_options
from tests.hosts.ardour.comparing import HEARD_DECIBELS, STEMS, TOLERANCE, streamed
from tests.hosts.ardour.conftest import play_song
from tests.hosts.ardour.host import Ardour, is_installed
from tests.hosts.ardour.journal import Journal
from tests.hosts.plugin import NULL_DECIBELS, bundle, decibels
from tests.hosts.screen import missing

RATE, SECONDS = 48_000, 3
WEIGHTS = Path(__file__).parents[2] / "tiny" / "weights"
BIN = Path(sys.executable).parent
# What a shell that was given it unquoted would run.
HOSTILE = 'it\'s "$(touch PWNED)" `touch PWNED` \u2019; touch PWNED; \u2018 ü'
START, POSITION, LENGTH = 12_345, 30_011, 100_003
FRAMES = 3 * RATE

pytestmark = [
    pytest.mark.usefixtures("folder"),  # where the plug-in finds a sidecar
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="no Ardour 7; `apt-get install ardour`"),
    pytest.mark.skipif(missing() != "", reason=f"apt-get install {missing()}"),
    pytest.mark.skipif(
        not (bundle("VST3").exists() and bundle("LV2").exists()),
        reason="no plug-in was built; `make shim` does it",
    ),
]


@pytest.fixture
def host(tmp_path):
    """An Ardour with the scripts and the plug-in, and stembridge on its path alone."""
    log = tmp_path / "plugin.log"
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    made = Ardour(tmp_path / "home", PATH=path, STEMBRIDGE_PLUGIN_LOG=str(log))
    made.journal = Journal(log)  # type: ignore[attr-defined]
    return made


@pytest.fixture
def session(host):
    return host.make("session/song", play_song(RATE, SECONDS), RATE)


def bounced(folder: Path, samples: np.ndarray) -> dict[str, np.ndarray]:
    """What `stembridge bounce` makes of samples (2, frames)."""
    file = folder / "region.wav"
    soundfile.write(file, samples.T, RATE, subtype="FLOAT")
    options = ("-o", str(folder), "-m", str(WEIGHTS), "--bits", "32f", "--quiet")
    subprocess.run([str(BIN / "stembridge"), "bounce", str(file), *options], check=True)
    return {name: soundfile.read(folder / "region" / f"{name}.wav")[0].T for name in STEMS}


def test_the_stems_of_a_region_null_against_it(host, session, tmp_path):
    lua(host, "prepare.lua", session, START, POSITION, LENGTH, HOSTILE)
    before = export(host, session, FRAMES, {"song": "Song"})["song"]
    scripts = install(host, model=str(WEIGHTS))
    seen = act(host, session, scripts / "stembridge_bounce.lua", "regions", tmp_path / "log")

    tracks = {stem: f"Song {stem.capitalize()}" for stem in STEMS}
    assert seen["after"].routes[2:] == ("Song Drums", "Song Bass", "Song Other", "Song Vocals")
    expected = {("Song", HOSTILE, POSITION, LENGTH, True)} | {
        (track, f"{HOSTILE} {stem.capitalize()}", POSITION, LENGTH, False)
        for stem, track in tracks.items()
    }
    assert set(seen["after"].regions) == expected
    assert set(seen["redone"].regions) == expected
    assert seen["undone"].regions == seen["before"].regions  # one step, mute and all
    assert not list(session.glob("stem bridge*"))
    assert not list(tmp_path.rglob("PWNED"))

    heard = export(host, session, FRAMES, tracks)
    assert decibels(before) > HEARD_DECIBELS
    assert decibels(sum(heard.values()) - before) <= NULL_DECIBELS
    assert not before[:, :POSITION].any()
    shown = slice(POSITION, POSITION + LENGTH)
    for name, stem in bounced(tmp_path, before[:, shown]).items():
        assert decibels(stem) > HEARD_DECIBELS, name
        assert np.abs(heard[name][:, shown] - stem).max() < TOLERANCE, name
        assert not heard[name][:, :POSITION].any(), name
        assert not heard[name][:, POSITION + LENGTH :].any(), name


def test_the_mix_of_a_preset_takes_the_place_of_a_region(host, session, tmp_path):
    scripts = install(host, model=str(WEIGHTS), preset="karaoke")
    seen = act(host, session, scripts / "stembridge_bounce.lua", "regions", tmp_path / "log")
    (region,) = seen["before"].regions
    _, name, position, length, _ = region
    assert set(seen["after"].regions) == {
        ("Song", name, position, length, True),
        ("Song Karaoke", f"{name} Karaoke", position, length, False),
    }
    before = play_song(RATE, SECONDS)
    heard = export(host, session, FRAMES, {"karaoke": "Song Karaoke"})["karaoke"]
    vocals = bounced(tmp_path, before)["vocals"]
    assert np.abs(heard + vocals - before).max() < TOLERANCE


def test_a_live_split_gives_each_stem_once_and_in_time(host, session, sidecar, tmp_path):
    scripts = install(host)
    seen = act(host, session, scripts / "stembridge_live.lua", "tracks", tmp_path / "log")
    buses = {stem: f"Song {stem.capitalize()}" for stem in STEMS}
    assert seen["after"].routes == ("Master", "Song", *buses.values())

    song = play_song(RATE, SECONDS)
    host.journal.clear()
    master = export(host, session, song.shape[1])["master"]
    assert decibels(master - song) <= NULL_DECIBELS  # neither twice nor late

    host.journal.clear()
    heard = export(host, session, song.shape[1], buses)
    render = host.journal.render(song.shape[1])
    assert (render.late, render.replaced) == (0, 0)
    for name, stem in streamed(sidecar, song, RATE, render.origin).items():
        assert decibels(stem) > HEARD_DECIBELS, name
        assert np.abs(heard[name] - stem).max() < TOLERANCE, name


def test_what_stands_in_the_way_is_said(host, session, tmp_path):
    scripts = install(host, model="spectral")
    bounce, live = scripts / "stembridge_bounce.lua", scripts / "stembridge_live.lua"
    lost, wrong = scripts / "lost.lua", scripts / "wrong.lua"
    lost.write_text(with_options(bounce.read_text(), {"command": "/nowhere"}))
    wrong.write_text(with_options(live.read_text(), {"stems": ["kazoo"]}))
    fake_bounce_of_nothing(tmp_path / "nothing")
    nothing = scripts / "nothing.lua"
    nothing.write_text(with_options(bounce.read_text(), {"command": tmp_path / "nothing"}))
    song, track = {"regions": ["song"]}, {"tracks": ["Song"]}
    steps = {
        "Select the audio regions": {"action": bounce},
        "/nowhere": {"action": lost, **song},
        "Cancelled": {"action": bounce, **song, "cancel": 0.05},
        " Cancelled": {"action": bounce, **song, "cancel": 0.1},
        "names no stem and no mix": {"action": nothing, **song},
        # While the second of two is read; nothing of the first is imported, as no window is here.
        "Cancelled: nothing was changed": {
            "action": bounce,
            **song,
            "followed": True,
            "cancel": 0.51,
        },
        "free some space": {"action": bounce, "regions": ["song", "song.1"], "full": 2},
        "Select the audio track": {"action": live},
        "no stem 'kazoo'": {"action": wrong, **track},
        "lies over or under": {"action": bounce, **song, "cloned": True},
        "is muted": {"action": bounce, **song, "muted": True},
        "": {"action": live, **track},
        "has Stem Bridge already": {"action": live, **track},
    }
    file = tmp_path / "steps.lua"
    file.write_text("return " + literal(list(steps.values())))
    said = lua(host, "act.lua", session, file)
    parts = said.split("\nstep ")[1:]
    assert len(parts) == len(steps), said
    for words, part in zip(steps, parts, strict=True):
        assert words.strip() in part, part
        assert ("said " in part) == bool(words), part
        assert part.count("said ") <= 1, part
    routes = [line.split(" ")[1:] for line in said.splitlines() if line.startswith("route")]
    assert ["Song", "14"] in routes
    assert len(routes) == 2 + 4
    assert not list(session.glob("stem bridge*"))
