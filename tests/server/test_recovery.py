"""What a session gets back of workers that died, whatever of theirs it played."""

import os
import resource
import signal
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from bridge.protocol.codes import Code
from bridge.protocol.messages import Audio, Error, Lost, Report, Reset, Status, Stems
from bridge.protocol.states import Socket
from bridge.runtime.workers import SETTLED_US, Worker
from tests.server.raw import Raw, configuring
from tests.server.sidecar import wait_until

BLOCK = np.zeros((2, 512), np.float32)
FAKE = "fake:segment=16384,delay=200"
OTHERS = [f"fake:segment=16384,delay={delay}" for delay in (300, 400, 500)]


@pytest.fixture
def client(own_sidecar):
    with Raw(own_sidecar.connection) as raw:
        yield raw


def begun(client, *models):
    """A session that may play each of `models`, by request 1, 2, 3 ...; returns its token."""
    token = client.greet()
    for request, model in enumerate(models, 1):
        client.configure(token, request=request, model=model)
    client.attach(token)
    return token


def play(client, token, epoch, request):
    """Open an epoch, and send input until there are stems of it."""
    client.send(Socket.AUDIO, Reset(token, epoch, 0, 0, request))
    for start in range(0, 16 * 512, 512):
        client.send(Socket.AUDIO, Audio(token, epoch, start, 0, BLOCK))
    while client.receive(Socket.AUDIO, Stems, 60).epoch != epoch:
        pass  # of an epoch before


def kill(sidecar, client, *kinds):
    """Kill these workers at once, and return when the server has noticed; the client stays."""
    before = restarts(sidecar)
    for kind in kinds:
        killed(sidecar.workers()[kind])

    def is_noticed():
        client.stay()
        return all(restarts(sidecar)[kind] > before[kind] for kind in kinds)

    wait_until(is_noticed)


def killed(pid):
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def restarts(sidecar) -> dict[str, Any]:
    return {kind: worker["restarts"] for kind, worker in sidecar.status()["workers"].items()}


def wait_for_recovery(sidecar, client):
    def is_over():
        client.stay()
        return sidecar.status()["sessions"][0]["state"] != "recovering"

    wait_until(is_over)


def test_a_worker_that_was_to_be_played_next(own_sidecar, client):
    token = begun(client, "spectral", FAKE)
    play(client, token, 1, 1)
    kill(own_sidecar, client, "fake")
    wait_for_recovery(own_sidecar, client)
    play(client, token, 2, 2)  # epoch 1 was not lost


def test_a_worker_that_dies_just_before_it_is_played(own_sidecar, client):
    token = begun(client, "spectral", FAKE)
    play(client, token, 1, 1)
    os.kill(own_sidecar.workers()["fake"], signal.SIGKILL)
    client.send(Socket.AUDIO, Reset(token, 2, 0, 0, 2))
    assert client.receive(Socket.AUDIO, Lost).epoch == 2
    play(client, token, 3, 2)


def test_two_kinds_at_once(own_sidecar, client):
    token = begun(client, "spectral", FAKE)
    play(client, token, 1, 1)
    kill(own_sidecar, client, "fake", "spectral")
    assert client.receive(Socket.AUDIO, Lost).epoch == 1
    wait_for_recovery(own_sidecar, client)
    play(client, token, 2, 1)
    play(client, token, 3, 2)


def test_a_kind_that_was_left_is_not_waited_for(own_sidecar, client):
    token = begun(client, "spectral", FAKE)
    play(client, token, 1, 1)
    pid = own_sidecar.workers()["spectral"]
    play(client, token, 2, 2)
    killed(pid)
    wait_for_recovery(own_sidecar, client)
    play(client, token, 3, 2)
    assert own_sidecar.status()["sessions"][0]["state"] == "running"


@pytest.mark.parametrize("played", [1, 4])
def test_more_models_than_a_worker_keeps(own_sidecar, client, played):
    token = begun(client, FAKE, *OTHERS)
    if played == 1:
        play(client, token, 1, 1)
    kill(own_sidecar, client, "fake")
    if played == 1:
        assert client.receive(Socket.AUDIO, Lost).epoch == 1
    wait_for_recovery(own_sidecar, client)
    play(client, token, 2, played)
    assert restarts(own_sidecar)["fake"] == 1


@pytest.mark.slow
def test_a_worker_that_each_run_kills(own_sidecar, client):
    token = begun(client, FAKE)
    for epoch in range(1, 5):
        play(client, token, epoch, 1)
        kill(own_sidecar, client, "fake")
        assert client.receive(Socket.AUDIO, Lost).epoch == epoch
    play(client, token, 5, 1)
    killed(own_sidecar.workers()["fake"])
    error = client.receive(Socket.CONTROL, Error)
    assert error.code == Code.WORKER
    assert "died 5 times" in error.text


@pytest.mark.parametrize(("lived_us", "deaths"), [(SETTLED_US - 1, 3), (SETTLED_US, 1)])
def test_deaths_count_until_one_has_lived_for_a_while(lived_us, deaths):
    worker, now = Worker("fake", "cpu"), 1
    for lives_us in (1, 1, lived_us):
        assert worker.start(now)
        now += lives_us
        worker.bury(now, "test")
    assert worker.deaths == deaths


def test_no_process_to_be_had(own_sidecar, client):
    token = begun(client, FAKE)
    play(client, token, 1, 1)
    server, workers = own_sidecar.process.pid, own_sidecar.workers()
    soft, hard = resource.prlimit(server, resource.RLIMIT_NOFILE)
    resource.prlimit(server, resource.RLIMIT_NOFILE, (10, hard))
    try:
        killed(workers["fake"])
        wait_until(lambda: "worker.failed" in own_sidecar.log)
    finally:
        resource.prlimit(server, resource.RLIMIT_NOFILE, (soft, hard))
    assert client.receive(Socket.AUDIO, Lost).epoch == 1
    play(client, token, 2, 1)


def test_who_cannot_hear_that_it_is_lost_is_sent_away(own_sidecar, client):
    token = begun(client, FAKE)
    play(client, token, 1, 1)
    client._sockets[Socket.AUDIO].close(linger=0)
    kill(own_sidecar, client, "fake")
    error = client.receive(Socket.CONTROL, Error)
    assert (error.session, error.code) == (token, Code.SILENT)
    own_sidecar.wait_for_sessions(0)


def test_many_who_ask_get_one_report(sidecar):
    with Raw(sidecar.connection) as raw:
        for _ in range(50):
            raw.send(Socket.CONTROL, Status())
        reports = [raw.receive(Socket.CONTROL, Report).report for _ in range(50)]
    assert len({report["server"]["up_us"] for report in reports}) < 25


def test_a_wish_survives_the_death_of_what_it_waits_for(own_sidecar, client):
    token = begun(client, FAKE)
    kill(own_sidecar, client, "fake")
    client.send(Socket.CONTROL, configuring(token, 2, model=OTHERS[0]))
    client.configure(token, request=3, model=OTHERS[1])
    wait_for_recovery(own_sidecar, client)
    play(client, token, 1, 3)
