"""What a user turns is heard again when the session is opened again."""

from __future__ import annotations

import subprocess

import pytest

from tests.hosts.ardour.conftest import play_song
from tests.hosts.ardour.host import PATIENCE_SECONDS, SCRIPTS
from tests.hosts.plugin import NULL_DECIBELS, decibels

RATE, BLOCK = 48_000, 1024
# The middle of a fader's way as Ardour has it, and in dB.
MIDDLE = {"VST3": 0.5, "LV2": -12.0}
MIDDLE_DECIBELS = -12.0


@pytest.mark.parametrize("kind", MIDDLE)
def test_a_fader_is_where_it_was_saved(ardour, sessions, folder, kind):
    # Without a sidecar `other` carries the song.
    (folder / "r" / "connection.json").unlink(missing_ok=True)
    song, session = play_song(RATE), sessions(RATE)
    asked = {"frames": song.shape[1], "block": BLOCK}
    before = ardour.play(session, kind=kind, place="track", **asked)
    assert decibels(before.heard["main"] - song) <= NULL_DECIBELS

    turned = {"session": session, "kind": kind, "name": "Other Gain", "value": MIDDLE[kind]}
    subprocess.run(
        ["ardour7-lua", SCRIPTS / "turn.lua", *(f"{key}={word}" for key, word in turned.items())],
        env=ardour.environment,
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    after = ardour.play(session, **asked)
    wanted = song * 10 ** (MIDDLE_DECIBELS / 20)
    assert decibels(after.heard["main"] - wanted) <= NULL_DECIBELS
    assert decibels(after.heard["other"] - song) <= NULL_DECIBELS
