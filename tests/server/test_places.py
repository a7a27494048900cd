"""Workers that share the sessions of spectral: who goes where, and what they know of each other."""

import json
from contextlib import ExitStack

import numpy as np
import pytest

from bridge.errors import ServerError
from bridge.runtime.cores import cores
from bridge.runtime.server_places import ROOMY
from tests.server.playing import RATE, blocks, check, expected, measured, noise, opened
from tests.server.sidecar import wait_until
from tests.server.test_recovery import killed

pytestmark = pytest.mark.skipif(cores() < 2, reason="one core: there is one worker for spectral")

TIGHT = 200
"""Milliseconds with which some tracks fill a core, and how long runs take says how many."""


@pytest.fixture(autouse=True)
def near(monkeypatch):
    """How many fit does not depend on how far away the server was found to be."""
    monkeypatch.setattr("bridge.client.driver.allowance", lambda _longest_us: 1500)


def placed(sidecar) -> list[str]:
    """The worker of each session, in the order in which they were opened."""
    return [session["worker"] for session in sidecar.status()["sessions"]]


def pretend(sidecar, run_us):
    """Start it again with another opinion of what a run of spectral takes."""
    with opened(sidecar, "spectral", "auto", realtime=True):
        pass  # measures
    sidecar.stop()
    file = measured(sidecar)
    content = json.loads(file.read_text())
    for entry in content["entries"]:
        entry |= {"typical_us": run_us, "worst_us": run_us, "long_us": run_us}
    file.write_text(json.dumps(content))
    sidecar.start()


def test_the_first_worker_is_filled_in_part_before_there_is_a_second(own_sidecar):
    pretend(own_sidecar, run_us=3000)
    with ExitStack() as stack:
        while "spectral-2" not in (places := placed(own_sidecar)):
            stack.enter_context(opened(own_sidecar, "spectral", TIGHT, realtime=True))
        status = own_sidecar.status()
        assert places == (len(places) - 1) * ["spectral"] + ["spectral-2"]
        assert {"spectral", "spectral-2"} == status["workers"].keys()
    own_sidecar.wait_for_sessions(0)


def test_a_session_is_refused_when_all_workers_are_full(own_sidecar):
    pretend(own_sidecar, run_us=20_000)
    with ExitStack() as stack:

        def fill():
            while True:
                stack.enter_context(opened(own_sidecar, "spectral", TIGHT, realtime=True))

        with pytest.raises(ServerError, match=r"\d+ sessions already (needs?|uses?) .* one"):
            fill()
        assert len(set(placed(own_sidecar))) == min(4, cores())


def test_where_one_has_no_room_the_next_is_asked(own_sidecar):
    """Runs are due as soon as they can be done: neither session could wait for the other's."""
    pretend(own_sidecar, run_us=2700)
    with (
        opened(own_sidecar, "spectral", "auto", realtime=True),
        opened(own_sidecar, "spectral", "auto", realtime=True),
    ):
        assert placed(own_sidecar) == ["spectral", "spectral-2"]
        first = own_sidecar.status()["sessions"][0]
        assert first["cost_us"] * first["model_rate"] / first["hop"] < ROOMY * 1e6


def test_a_worker_that_dies_takes_only_its_own_sessions_with_it(own_sidecar):
    pretend(own_sidecar, run_us=3000)
    signal = noise(RATE)
    with ExitStack() as stack:
        streams = []
        while "spectral-2" not in placed(own_sidecar):
            streams.append(
                stack.enter_context(opened(own_sidecar, "spectral", TIGHT, realtime=True))
            )
        for stream in streams:
            stream.reconfigure(realtime=False)
        first, last = streams[0], streams[-1]
        halves = np.split(signal, 2, axis=1)
        before = [[s.process(b) for b in blocks(halves[0], 512)] for s in (first, last)]
        places = placed(own_sidecar)
        assert (places[0], places[-1]) == ("spectral", "spectral-2")
        assert killed(own_sidecar.workers()["spectral-2"])
        wait_until(lambda: own_sidecar.status()["workers"]["spectral-2"]["restarts"] == 1)
        for stream, parts in zip((first, last), before, strict=True):
            parts += [stream.process(b) for b in blocks(halves[1], 512)]
            stems = np.concatenate([*parts, stream.drain()], axis=-1)[..., stream.latency :]
            check(stream, stems, signal, expected(stream, signal, RATE), 1e-6)
        losses = [session["losses"] for session in own_sidecar.status()["sessions"]]
        assert losses[0] == 0
        assert losses[-1] == 1
