"""Clients that vanish, are stopped or do not read."""

import json
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.protocol.messages import Audio, Reset, SavedPlan
from bridge.protocol.states import Socket
from tests.server.hosting import (
    LATENCY_MS,
    RATE,
    Heard,
    check,
    gaps,
    opened,
    play,
    show,
    undisturbed,
)
from tests.server.playing import expected, noise
from tests.server.raw import Raw
from tests.server.sidecar import COMMAND, memory, wait_until

EXACT = 1e-6
PLAIN = "fake:rate=48000,segment=16384,delay=200"

pytestmark = pytest.mark.slow


def belongings(sidecar):
    """How many files and threads a server and its workers have, to see whether any are left."""
    pids = [sidecar.process.pid, *sidecar.workers().values()]
    kinds = ("fd", "task")
    return [len(list(Path(f"/proc/{pid}/{kind}").iterdir())) for pid in pids for kind in kinds]


def client(sidecar, folder, seconds, *options):
    """A program that plays in real time: `stembridge stream`."""
    folder.mkdir(exist_ok=True)
    song = folder / "song.wav"
    soundfile.write(song, noise(seconds * RATE).T, RATE, subtype="FLOAT")
    arguments = ["stream", song, "-o", folder / "out", "--realtime", "--latency", LATENCY_MS]
    return subprocess.Popen(
        [COMMAND, *map(str, [*arguments, *options])],
        env=sidecar.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_clients_that_vanish(own_sidecar, tmp_path):
    with opened(own_sidecar, PLAIN, realtime=False) as live:
        play(live, noise(RATE), realtime=False)  # ZeroMQ starts a thread with the first stems
    own_sidecar.wait_for_sessions(0)
    before = belongings(own_sidecar)
    clients = [client(own_sidecar, tmp_path / name, 60, "-m", PLAIN) for name in "abc"]
    own_sidecar.wait_for_sessions(3)
    wait_until(lambda: all(s.get("runs", 0) > 3 for s in own_sidecar.status()["sessions"]))
    for each in clients:
        each.kill()
    seconds = own_sidecar.wait_for_sessions(0)
    show(f"three clients were reaped {seconds:.2f} s after they were killed")
    for each in clients:
        each.communicate()
    assert seconds < 30
    wait_until(lambda: belongings(own_sidecar) == before)


def test_a_client_that_is_stopped(own_sidecar, tmp_path):
    opened(own_sidecar, PLAIN).close()
    playing = client(
        own_sidecar, tmp_path, 13, "-m", PLAIN, "--bits", "32f", "--json", "--block", 480
    )
    wait_until(lambda: any(s.get("runs", 0) > 3 for s in own_sidecar.status()["sessions"]))
    playing.send_signal(signal.SIGSTOP)
    own_sidecar.wait_for_sessions(0)
    time.sleep(6)
    playing.send_signal(signal.SIGCONT)
    out, err = playing.communicate(timeout=60)
    assert playing.returncode == 0, err
    told = json.loads(out)
    live, figures = told["live"], told["live"]["figures"]
    files = [tmp_path / "out" / "song" / stem["file"] for stem in told["stems"]]
    stems = np.array([soundfile.read(file, dtype="float32")[0].T for file in files])
    played: Any = SimpleNamespace(plan=SavedPlan(**live["plan"]), model=live["model"])
    audio = noise(13 * RATE)
    heard = Heard(stems, figures["late_frames"], 0)
    late = check(heard, audio, expected(played, audio, RATE), played.plan.guard, EXACT)
    show(f"client stopped for 10 s: {gaps(late)} late, {figures['reconnects']} reconnects")
    assert figures["reconnects"] >= 1
    assert not late[-RATE // 4 :].any()


def test_a_client_that_reads_nothing(own_sidecar):
    live = opened(own_sidecar, PLAIN)
    pids = [own_sidecar.process.pid, *own_sidecar.workers().values()]
    before = [memory(pid) for pid in pids]
    deaf = threading.Event()

    def shout():
        with Raw(own_sidecar.connection) as client:
            token = client.greet()
            configured = client.configure(token, model="fake:segment=16384")
            client.attach(token)
            client.send(Socket.AUDIO, Reset(token, 1, 0, 0, configured.request))
            block = np.ones((2, 4096), np.float32)
            sent = 0
            while not deaf.is_set():
                client.send(Socket.AUDIO, Audio(token, 1, sent, 0, block))
                sent += block.shape[1]
                time.sleep(0.02)  # four times as fast as real time
            return sent

    with ThreadPoolExecutor(1) as beside:
        shouting = beside.submit(shout)
        _, late = undisturbed(live, noise(4 * RATE), EXACT)
        after = [memory(pid) for pid in pids]
        unread = [session["unread_frames"] for session in own_sidecar.status()["sessions"]]
        deaf.set()
        sent = shouting.result()
    grown = [round((b - a) / 2**20, 1) for a, b in zip(before, after, strict=True)]
    show(f"{sent} frames sent, none read, {unread} dropped: server and workers grew by {grown} MB")
    assert not late.any()
    assert max(grown) < 64
