"""Renders in hosts while the sidecar is away, deaf, killed or started anew."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from bridge.engine.fake import GAINS
from bridge.runtime.connection import read_connection
from tests.attempts import tried
from tests.hosts.faults import (
    DEAF_SECONDS,
    HOPELESS_SECONDS,
    allowed_to_start,
    amid,
    deaf_sidecar,
)
from tests.hosts.plugin import BLOCK, NULL_DECIBELS, RATE, bundle, decibels
from tests.hosts.preset import wanting
from tests.hosts.rendering import HOSTS
from tests.server.sidecar import is_running, wait_until

# Each run computes for longer than a poll of the status takes, so that there is a middle.
# A project may name no model with a dot in it, which might be a file.
MODEL = "fake:segment=9600,cost=1e-1"
# What is heard alone tells stems from the dry signal, which Other carries.
SOLO = {"parameters": {"vocals_solo": 1}}
# With a plan of its own the latency is the same from the first block on; it allows for any machine.
WINDOW = 9600
PLAN = {"hop": WINDOW // 2, "lookahead": 0, "window": WINDOW, "fade": 0, "model_rate": RATE}
PLAN |= {"compute_us": 1_000_000, "transport_us": 3000, "margin_us": 4000, "polling_us": 1000}
PLAN |= {"guard": 72, "burst": 2 * BLOCK, "block": BLOCK}
STATE = wanting(MODEL, rate=RATE, plan=PLAN) | SOLO
OVERHEAD_SECONDS = 20.0
"""Whatever else a render takes on a busy machine."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it"),
]


@pytest.fixture(params=HOSTS)
def render(request):
    return HOSTS[request.param]


@pytest.fixture
def runtime(folder):
    return folder / "r"


def parts(heard: np.ndarray, song: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At which frames the vocals of MODEL were heard, and at which nothing."""
    stem = np.abs(heard - GAINS["vocals"] * song).max(axis=0) < 1e-6
    return stem, np.abs(heard).max(axis=0) == 0


def test_without_a_sidecar_nothing_waits(render, folder, song):
    rendered = tried(
        lambda: render(song, wanting("spectral"), folder),
        lambda rendered: rendered.seconds < HOPELESS_SECONDS,
    )
    assert decibels(rendered.main - song) <= NULL_DECIBELS
    assert rendered.seconds < HOPELESS_SECONDS


def test_a_deaf_sidecar_holds_up_no_host_for_long(render, folder, runtime, song):
    began = time.monotonic()
    with deaf_sidecar(runtime) as taken:
        rendered = render(song, wanting("spectral"), folder)  # hosts play some blocks before it
    assert taken, "nobody called"
    assert decibels(rendered.main - song) <= NULL_DECIBELS
    assert time.monotonic() - began < DEAF_SECONDS + OVERHEAD_SECONDS


def test_a_model_that_nobody_has_is_dry(render, server, song):
    rendered = render(song, wanting("nobody-has-it"), server.folder)
    assert decibels(rendered.main - song) <= NULL_DECIBELS
    assert rendered.seconds < 2 * HOPELESS_SECONDS + OVERHEAD_SECONDS


def kill_both(server: int, worker: int) -> None:
    os.kill(server, signal.SIGKILL)
    with suppress(ProcessLookupError):  # it may have seen its server end
        os.kill(worker, signal.SIGKILL)


def kill_worker(_server: int, worker: int) -> None:
    os.kill(worker, signal.SIGKILL)


def test_a_killed_sidecar_leaves_the_rest_dry(render, server, song):
    def strike(pid: int, worker: int) -> None:
        kill_both(pid, worker)
        server.process.wait()  # else it counts as running

    with amid(server.runtime, "fake", strike) as struck:
        rendered = render(song, STATE, server.folder)
    assert struck.is_set()
    stem, silent = parts(rendered.main, song)
    assert stem[0]
    assert silent[-1]
    # One fade in between.
    assert np.count_nonzero(~stem & ~silent) < rendered.latency
    assert rendered.seconds < HOPELESS_SECONDS + OVERHEAD_SECONDS
    server.start()


@pytest.mark.parametrize("when_late", [0, 1], ids=["dry", "silence"])
def test_what_is_missing_is_heard_as_the_user_wants_it(render, server, song, when_late):
    def strike(pid: int, worker: int) -> None:
        kill_both(pid, worker)
        server.process.wait()  # else it counts as running

    with amid(server.runtime, "fake", strike) as struck:
        rendered = render(song, STATE | {"parameters": {"when_late": when_late}}, server.folder)
    assert struck.is_set()
    mix = np.abs(rendered.main - song).max(axis=0) < 1e-6
    silent = np.abs(rendered.main).max(axis=0) == 0
    assert mix[0]
    assert silent[-1] if when_late else mix.all()
    server.start()


def test_a_render_that_never_waits_goes_on_without_stems(render, server, song):
    state = STATE | {"parameters": {"vocals_solo": 1, "offline": 2}}

    def rendered() -> tuple[float, float]:
        made = render(song, state, server.folder)
        _, silent = parts(made.main, song)
        return silent.mean(), made.seconds

    silence, seconds = tried(rendered, lambda made: made[0] > 0.5 and made[1] < HOPELESS_SECONDS)
    # All runs take four seconds, and the whole render hardly more than one of them.
    assert silence > 0.5
    assert seconds < 2 * HOPELESS_SECONDS


def test_a_killed_worker_costs_no_frame(render, server, song):
    with amid(server.runtime, "fake", kill_worker) as struck:
        rendered = render(song, STATE, server.folder)
    assert struck.is_set()
    stem, _ = parts(rendered.main, song)
    assert stem.all()


def test_a_killed_sidecar_that_the_plugin_starts_again_costs_no_frame(
    render, folder, runtime: Path, song
):
    seen: list[int] = []

    def strike(server: int, worker: int) -> None:
        seen.append(server)
        kill_both(server, worker)

    with allowed_to_start(folder / "c"):
        with amid(runtime, "fake", strike) as struck:
            rendered = render(song, STATE, folder)
        assert struck.is_set()
        again = read_connection(runtime / "connection.json").pid
        os.kill(again, signal.SIGTERM)
        wait_until(lambda: not is_running(again))
    stem, _ = parts(rendered.main, song)
    assert stem.all()
    assert again not in seen
