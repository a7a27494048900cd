"""The VST3 in a host that plays by the clock, in bursts and as fast as it goes, and says nothing.

How late stems are on a machine that does other things says nothing of the plug-in, so that it is
printed here, and held to nothing unless STEMBRIDGE_FULL is set; `python -m benchmarks.plugin_hosts`
measures it.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pytest

from tests.attempts import tried
from tests.hosts.ardour import journal as log
from tests.hosts.native import HOST, NativeHost
from tests.hosts.plugin import BLOCK, NULL_DECIBELS, RATE, bundle, decibels, streamed, streamed_by
from tests.hosts.preset import wanting
from tests.server.sidecar import Sidecar, wait_until

FULL = bool(os.environ.get("STEMBRIDGE_FULL"))
BUSES = ("main", "vocals", "drums", "bass", "other", "guitar", "piano")
BURST = RATE // 5 // BLOCK  # blocks of 200 ms
MANY = 16
# With the least one so many sessions are not let in; on a busy machine that one is longer.
MANY_LATENCY_US = 100_000 if FULL else 1_000_000
COUNTS_SECONDS = 0.5  # they are written every 50 ms

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it"),
    pytest.mark.skipif(not HOST.exists(), reason="no tests were built; `make shim` does it"),
]


class Journal(log.Journal):
    """What the instances of a host write down: shim/link/journal.h."""

    def playing(self) -> int:
        """How many instances have opened an epoch."""
        return len({line["instance"] for line in self.lines() if line["event"] == "epoch"})

    def counts(self, name: str) -> int:
        """`late` or `replaced` of all instances together, by their last lines."""
        last = {line["instance"]: line[name] for line in self.lines()}
        return sum(last.values())


@pytest.fixture
def server(tmp_path_factory):
    with Sidecar(tmp_path_factory.mktemp("p"), "--calibrate", "1") as running:
        yield running


@pytest.fixture
def journal(server):
    return Journal(server.folder / "journal")


@pytest.fixture
def environment(server, journal):
    return {**server.environment, "STEMBRIDGE_PLUGIN_LOG": str(journal.path)}


def play(host: NativeHost, song: np.ndarray, blocks: int, **options: Any) -> dict[str, Any]:
    host.begin(song, blocks=blocks, **options)
    return host.answer()


def connect(host: NativeHost, journal: Journal) -> None:
    """Play silence until every instance plays by its plan; what follows is another stretch."""
    for _ in range(60):
        play(host, np.zeros((2, RATE // 2)), 1, keep=False)
        if journal.playing() == host.instances:
            break
    assert journal.playing() == host.instances
    host.tell("reset")
    time.sleep(COUNTS_SECONDS)


def aligned(host: NativeHost, latency: int, frames: int) -> dict[str, np.ndarray]:
    """What each bus of the first instance gave, moved back by the latency."""
    heard = host.heard()[0][:, latency : latency + frames]
    return {bus: heard[2 * number : 2 * number + 2] for number, bus in enumerate(BUSES)}


@pytest.mark.parametrize("blocks", [1, BURST, 0], ids=["steady", "bursts", "flat out"])
def test_it_is_that_of_the_stream_however_blocks_come(
    server, environment, journal, song, capsys, blocks
):
    stems = streamed(server, song)

    def played() -> tuple[dict[str, Any], dict[str, np.ndarray], int]:
        journal.clear()
        with NativeHost(server.folder, environment) as host:
            host.tell("prepare", rate=RATE, block=BLOCK, offline=False)
            connect(host, journal)
            before = journal.counts("replaced")
            said = play(host, song, blocks, more=RATE)
            heard = aligned(host, said["latencies"][0], song.shape[1])
            host.tell("unload", order=[0])
        return said, heard, journal.counts("replaced") - before

    said, heard, replaced = tried(played, lambda made: made[2] == 0)
    with capsys.disabled():
        print(f"\n{replaced} frames without stems; {said}")  # noqa: T201
    assert decibels(heard["main"] - song) <= NULL_DECIBELS
    if blocks == 0 or FULL:
        assert replaced == 0
    if replaced == 0:
        for name, wanted in stems.items():
            assert np.abs(heard[name] - wanted).max() < 1e-6, name
    else:  # what is dry is so in all of them
        total = sum(heard[name] for name in stems)
        assert decibels(total - song) <= NULL_DECIBELS


def test_many_instances_leave_nothing(server, environment, journal, capsys):
    seconds = 60 if FULL else 6
    noise = np.random.default_rng(3).normal(0, 0.1, (2, seconds * RATE))
    with NativeHost(server.folder, environment, MANY) as host:
        host.tell("prepare", rate=RATE, block=BLOCK, offline=False)
        host.tell("unload", order=list(range(MANY)))
        wait_until(lambda: not host.open_files()["children"])
        before = host.open_files()
        host.load()
        # With its plan, as a render has no stems where the host was told another latency.
        _, plan = streamed_by(server, noise[:, :RATE], latency=str(MANY_LATENCY_US // 1000))
        state = wanting("spectral", rate=RATE, plan=plan)
        state["wanted"]["latency_us"] = MANY_LATENCY_US
        host.take(state)
        # A busy machine does not let so many in that are not to be late.
        host.tell("prepare", rate=RATE, block=BLOCK, offline=not FULL)
        connect(host, journal)
        late = journal.counts("late")
        said = play(host, noise, 1, keep=False)
        assert len(server.status()["sessions"]) == MANY
        order = list(range(MANY))
        np.random.default_rng(seconds).shuffle(order)
        host.tell("unload", order=order)
        late = journal.counts("late") - late
        with capsys.disabled():
            print(f"\n{MANY} instances, {seconds} s: {late} frames late; {said}")  # noqa: T201
        wait_until(lambda: host.open_files() == before, lambda: f"{before} {host.open_files()}")
        server.wait_for_sessions(0)
    assert late == 0
