"""A sidecar that is lost while Ardour exports, or that was never there."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from tests.attempts import tried
from tests.hosts.ardour.comparing import (
    HEARD_DECIBELS,
    STEMS,
    TOLERANCE,
    check,
    check_main,
    streamed,
)
from tests.hosts.ardour.conftest import IS_FULL, make_ready, play_song
from tests.hosts.plugin import decibels
from tests.server.sidecar import Sidecar, wait_until

RATE, SECONDS, BLOCK = 48_000, 30, 1024
# A render waits for a server that was killed for two seconds, for all that it takes to be back.
QUICK_SECONDS = 1
KINDS = ("VST3", "LV2") if IS_FULL else ("VST3",)


pytestmark = pytest.mark.usefixtures("cleared")


@pytest.fixture(params=KINDS)
def asked(request):
    """For play.lua."""
    frames = RATE * SECONDS
    return {"kind": request.param, "place": "track", "frames": frames, "block": BLOCK}


@pytest.fixture
def song():
    return play_song(RATE, SECONDS)


@pytest.fixture
def session(sessions):
    return sessions(RATE, SECONDS)


@pytest.fixture
def server(folder):
    """One that a test may kill."""
    with Sidecar(folder, "--calibrate", "1") as running:
        make_ready(running, RATE)
        yield running


def kill(server: Sidecar) -> None:
    """End it as nothing else does, without a goodbye."""
    server.status()  # so that its workers are known, and ended with it
    server.kill()


def test_without_a_sidecar_all_of_it_is_the_song(ardour, session, journal, folder, asked, song):
    (folder / "r" / "connection.json").unlink(missing_ok=True)
    played = ardour.play(session, **asked)
    assert played.latency > BLOCK
    check_main(played, song)
    assert np.array_equal(played.heard["other"], song)
    assert not any(played.heard[name].any() for name in STEMS if name != "other")
    assert not journal.has("epoch")


def test_a_worker_that_is_killed_costs_nothing(ardour, session, journal, server, asked, song):
    with ardour.start(session, **asked) as playing:
        wait_until(lambda: playing.exported() > song.shape[1] // 4)
        (worker,) = (pid for pid in server.workers().values() if pid)
        os.kill(worker, signal.SIGKILL)
        played = playing.finish()
    render = journal.render(song.shape[1])
    assert len(render.epochs) > 1
    check(played, render, song, server, RATE)


def test_a_server_that_is_back_in_time_costs_nothing(
    ardour, sessions, journal, server, asked, song
):
    def interrupted():
        journal.clear()
        with ardour.start(sessions(RATE, SECONDS), **asked) as playing:
            wait_until(lambda: playing.exported() > song.shape[1] // 4)
            kill(server)
            server.start()
            return playing.finish(), journal.render(song.shape[1])

    played, render = tried(interrupted, lambda made: not made[1].replaced)
    if render.replaced and server.answered_seconds > QUICK_SECONDS:
        pytest.skip(f"this machine takes {server.answered_seconds:.1f} s to start a server")
    assert len(render.epochs) > 1
    check(played, render, song, server, RATE)


def test_a_server_that_stays_away_leaves_the_song(ardour, session, journal, server, asked, song):
    with ardour.start(session, **asked) as playing:
        wait_until(lambda: playing.exported() > song.shape[1] // 4)
        kill(server)
        played = playing.finish()
    render = journal.render(song.shape[1])
    assert len(render.epochs) == 1
    assert render.replaced > 0

    # First the stems, then the song in `other`, with a fade between them.
    check_main(played, song)
    server.start()
    wanted = streamed(server, song, RATE, render.origin)
    vocals = played.heard["vocals"]
    last = int(np.flatnonzero(vocals.any(axis=0))[-1]) + 1
    fade = int(render.plan["plan"]["guard"])
    assert 0 < last < song.shape[1]
    assert np.array_equal(played.heard["other"][:, last:], song[:, last:])
    for name, stem in wanted.items():
        difference = np.abs(played.heard[name] - stem)[:, : last - fade]
        assert difference.max(initial=0) < TOLERANCE, name
    assert decibels(vocals[:, : last - fade]) > HEARD_DECIBELS
