"""What a client can make the server keep, whatever it says, and what a server leaves behind."""

import time

import numpy as np
import pytest

from bridge.protocol import limits
from bridge.protocol.messages import Audio, Progress, Reset
from bridge.protocol.states import Socket
from bridge.runtime.outbox import BYTES
from tests.networks import hybrid_transformer, save_network
from tests.server.playing import RATE
from tests.server.raw import Raw, configuring
from tests.server.sidecar import Sidecar, is_running, memory, wait_until

MEGABYTE = 1_000_000
FRAMES = 16_000
SECONDS = 8
QUICK = "fake:segment=16384"
GONE_SECONDS = 30


def playing(client, **wishes):
    """The token of a session that can open epochs."""
    token = client.greet()
    client.configure(token, **wishes)
    client.attach(token)
    return token


@pytest.mark.slow
def test_who_says_that_it_got_everything_and_reads_nothing_costs_little(own_sidecar):
    piece = np.ones((2, FRAMES), np.float32)
    with Raw(own_sidecar.connection) as client:
        token = playing(client, model=QUICK)
        client.send(Socket.AUDIO, Reset(token, 1, 0, 0, 1))
        pid = own_sidecar.process.pid
        before, most, unread = memory(pid), 0, 0
        number, sent, began = 0, 0, time.monotonic()
        while time.monotonic() - began < SECONDS or not unread:
            for start in range(max(0, number - 6), number + 1):
                audio = Audio(token, 1, start * FRAMES, limits.FRAME, piece)
                client.send(Socket.AUDIO, audio)
            number, sent = number + 1, sent + 1
            time.sleep(0.015)
            most = max(most, memory(pid))
            if sent % 64 == 0:
                [session] = own_sidecar.status()["sessions"]
                unread = session["unread_frames"]
                # What a slow worker had no credit for was dropped: it is sent again from there.
                number = min(number, session.get("runs", 0) * session["hop"] // FRAMES)
            assert time.monotonic() - began < 10 * SECONDS, "its queues never filled"
    print(f"{number * FRAMES / RATE:.0f} s of input, {unread} unread, {most - before} bytes")  # noqa: T201
    assert most < before + BYTES + 32 * MEGABYTE


@pytest.mark.slow
def test_who_opens_epochs_without_end_does_not_end_a_worker(own_sidecar):
    piece = np.ones((2, FRAMES), np.float32)
    with Raw(own_sidecar.connection) as client:
        token = playing(client, model="fake:cost=0.1,segment=100000", latency_us=2_000_000)
        pid, workers = own_sidecar.process.pid, own_sidecar.workers()
        before, most = memory(pid), 0
        for epoch in range(1, 4000):  # 1.5 GB
            client.send(Socket.AUDIO, Reset(token, epoch, 0, 0, 1))
            for start in range(0, 3 * FRAMES, FRAMES):
                client.send(Socket.AUDIO, Audio(token, epoch, start, 0, piece))
            if epoch % 50 == 0:
                most = max(most, memory(pid))
        assert own_sidecar.workers() == workers
    print(most - before)  # noqa: T201
    assert most < before + 32 * MEGABYTE


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fake", "networks"])
def test_no_worker_outlives_a_server_that_is_killed(tmp_path_factory, kind):
    folder = tmp_path_factory.mktemp("s")
    model = "fake:cost=0.5,segment=100000"
    if kind == "networks":
        model = str(folder / "small.safetensors")
        save_network(hybrid_transformer(), model)
    with Sidecar(folder, "--calibrate", "60") as sidecar, Raw(sidecar.connection) as client:
        token = client.greet()
        client.send(Socket.CONTROL, configuring(token, model=model))
        client.receive(Socket.CONTROL, Progress)
        wait_until(lambda: sidecar.workers().get(kind, 0) > 0)
        pid = sidecar.workers()[kind]
        sidecar.process.kill()
        began = time.monotonic()
        wait_until(lambda: not is_running(pid))
        assert time.monotonic() - began < GONE_SECONDS
        sidecar.process.wait()  # else it may count as running
