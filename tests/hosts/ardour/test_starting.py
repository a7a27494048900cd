"""A sidecar that the plug-in starts, once `stembridge plugin install` allowed it."""

from __future__ import annotations

import os
import subprocess

import pytest

from bridge.runtime.connection import read_connection
from tests.hosts.ardour.comparing import check
from tests.hosts.ardour.conftest import make_ready, play_song
from tests.hosts.plugin import BLOCK, BUILD, RATE
from tests.server.sidecar import COMMAND, Sidecar, is_running, wait_until

pytestmark = pytest.mark.usefixtures("cleared")


@pytest.fixture
def away(folder, tmp_path):
    """A sidecar that has measured the machine and was ended, and that the plug-in may start."""
    with Sidecar(folder, "--calibrate", "1") as server:
        make_ready(server, RATE)
    environment = {**os.environ, "HOME": str(tmp_path)}  # the bundles go where no test looks
    subprocess.run([COMMAND, "plugin", "install", str(BUILD)], env=environment, check=True)
    yield server
    subprocess.run([COMMAND, "plugin", "uninstall"], env=environment, check=True)


def test_an_export_starts_the_sidecar_and_waits_for_it(ardour, sessions, journal, away):
    song, session = play_song(RATE), sessions(RATE)
    asked = {"kind": "VST3", "place": "track", "frames": song.shape[1], "block": BLOCK}
    played = ardour.play(session, **asked)
    started = read_connection(away.connection).pid
    try:
        render = journal.render(song.shape[1])
        assert played.latency == render.plan["latency"]
        check(played, render, song, away, RATE)
    finally:
        ended = away.run("stop")
    assert ended.status == 0, ended.err
    wait_until(lambda: not is_running(started))
