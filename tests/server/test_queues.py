"""What waits for whom: bounded whatever a client does, and nothing of it is lost."""

import subprocess
import sys
import time

import numpy as np
import pytest

from bridge.protocol.messages import Audio, Drain, Drained, Ping, Reset, Stems
from bridge.protocol.states import Socket
from tests.server.playing import BLOCK, RATE, check, expected, noise, opened, played
from tests.server.raw import Raw
from tests.server.sidecar import memory, wait_until

SHORT = "fake:segment=4096"
EXACT = 1e-6
MEGABYTE = 1_000_000
PIECE = 2048
SECOND = RATE // PIECE * PIECE

VANISHING = """
import sys, time
import numpy as np
from bridge.client import StemStream
model, connection = sys.argv[1:]
live = [
    StemStream(48_000, 65_536, model, 15_000, realtime=False, connection=connection)
    for _ in range(4)
]
for stream in live:
    for _ in range(20):
        stream.process(np.ones((2, 65_536), np.float32))
print("playing", flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_a_client_that_vanishes_is_forgotten(own_sidecar):
    model, signal = "fake:segment=1000000", noise(200_000)
    with opened(own_sidecar, model, 15_000) as live:
        wanted = expected(live, signal, RATE)
    own_sidecar.wait_for_sessions(0)
    before = own_sidecar.memory()
    with opened(own_sidecar, model, 15_000) as live:
        client = subprocess.Popen(
            [sys.executable, "-c", VANISHING, model, str(own_sidecar.connection)],
            stdout=subprocess.PIPE,
        )
        assert client.stdout is not None
        with client.stdout as lines:
            assert lines.readline() == b"playing\n"
        assert len(own_sidecar.status()["sessions"]) == 5
        client.kill()
        client.wait()
        assert own_sidecar.wait_for_sessions(1) < 30
        check(live, played(live, signal, BLOCK), signal, wanted, EXACT)
    own_sidecar.wait_for_sessions(0)
    # A worker gives memory back once it has no session; each that vanished had windows of 8 MB.
    wait_until(
        lambda: all(
            held < before[name] + 8 * MEGABYTE for name, held in own_sidecar.memory().items()
        ),
        lambda: f"{before}, and now {own_sidecar.memory()}",
    )


def playing_raw(client, **wishes):
    """The token of a session whose first epoch is open, and its plan."""
    token = client.greet()
    configured = client.configure(token, **wishes)
    client.attach(token)
    client.send(Socket.AUDIO, Reset(token, 1, 0, 0, 1))
    return token, configured


@pytest.mark.slow
def test_a_client_that_reads_nothing_costs_no_memory(own_sidecar):
    signal, piece = noise(48_000), np.ones((2, PIECE), np.float32)
    with opened(own_sidecar, SHORT) as live, Raw(own_sidecar.connection) as deaf:
        wanted = expected(live, signal, RATE)
        token, _ = playing_raw(deaf)
        sent, before = 0, own_sidecar.memory()
        for _ in range(1500):  # as long as it takes input at twice the speed of sound
            # What a slow worker had no credit for was dropped: it is sent again.
            for start in range(max(0, sent - SECOND), sent + 1, PIECE):
                deaf.send(Socket.AUDIO, Audio(token, 1, start, 0, piece))
            time.sleep(PIECE / RATE / 2)
            _, session = own_sidecar.status()["sessions"]
            if session["unread_frames"]:
                break
            worked = session.get("runs", 0) * session["hop"] // PIECE * PIECE
            sent = min(sent + PIECE, worked + SECOND)
        else:
            pytest.fail("it may send whatever it likes")
        for number in range(4000):  # 65 MB, and for each an answer that is not read
            deaf.send(Socket.AUDIO, Audio(token, 1, sent, 0, piece))
            deaf.send(Socket.CONTROL, Ping(number))
            sent += PIECE
        check(live, played(live, signal, BLOCK), signal, wanted, EXACT)
        after = own_sidecar.memory()
        assert all(after[name] < before[name] + 16 * MEGABYTE for name in after), (before, after)


@pytest.mark.slow
def test_a_client_that_repeats_itself_costs_no_memory(own_sidecar):
    piece = np.ones((2, 4096), np.float32)
    with Raw(own_sidecar.connection) as client:
        busy = {"model": "fake:cost=0.1,segment=100000", "latency_us": 2_000_000}
        token, configured = playing_raw(client, **busy)
        before, most = memory(own_sidecar.process.pid), 0
        for number in range(configured.plan.hop // 4096 + 1):  # until its worker is busy
            client.send(Socket.AUDIO, Audio(token, 1, 4096 * number, 0, piece))
        for number in range(6000):  # 197 MB
            start = number % 2 * 2048
            client.send(Socket.AUDIO, Audio(token, 1, start, 0, piece))
            if number % 200 == 0:
                most = max(most, memory(own_sidecar.process.pid))
        assert most < before + 16 * MEGABYTE


def test_stems_wait_for_a_client_that_reads_late(sidecar):
    signal = noise(4 * 16_384)
    with Raw(sidecar.connection) as client:
        wishes = {"rate": 8000, "block": signal.shape[1], "model": "fake", "residual": False}
        token, configured = playing_raw(client, **wishes)
        for start in range(0, signal.shape[1], 16_384):
            piece = np.ascontiguousarray(signal[:, start : start + 16_384])
            client.send(Socket.AUDIO, Audio(token, 1, start, 0, piece))
        time.sleep(1)  # in hundreds of hops, and far more messages than a queue holds
        client.send(Socket.AUDIO, Drain(token, 1, signal.shape[1]))
        whole = np.empty((4, *signal.shape), np.float32)
        heard = 0
        while heard < signal.shape[1]:
            stems = client.receive(Socket.AUDIO, Stems)
            assert stems.start == heard
            heard += stems.audio.shape[2]
            whole[..., stems.start : heard] = stems.audio
        client.receive(Socket.AUDIO, Drained)
    assert signal.shape[1] / configured.plan.hop > 1000
    gains = np.array([0.5, 0.25, 0.0625, 0.125], np.float32)[:, None, None]
    np.testing.assert_allclose(whole, gains * signal, rtol=0, atol=EXACT)


@pytest.mark.slow
def test_input_that_a_busy_worker_cannot_take_yet_waits_for_it(sidecar):
    signal = noise(600_000)
    with opened(sidecar, "fake:cost=0.1,segment=200000", 2000, rate=192_000, block=65_536) as live:
        stems = played(live, signal, 65_536)
        np.testing.assert_allclose(stems[0], signal / 2, rtol=0, atol=EXACT)
