"""The process of `stembridge serve`: how it starts, what it holds, how it ends, who may run."""

import json
import os
import re
import signal
import stat
import subprocess
import time
from pathlib import Path

import msgpack  # type: ignore[import-untyped]  # it has no types
import pytest

from bridge.client import StemStream
from bridge.errors import ServerError, UsageError
from bridge.protocol.codes import Code
from bridge.protocol.messages import Error
from bridge.protocol.states import Socket
from tests.attempts import tried
from tests.cli.helpers import refused
from tests.networks import save_network, time_only
from tests.server.playing import noise, played
from tests.server.raw import Raw
from tests.server.sidecar import COMMAND, Sidecar, is_running, wait_until

SOON = ("--calibrate", "0")
SOON_SECONDS = 3


def left_by(sidecar):
    """Files of the runtime folder but for the lock, which stays."""
    return {path.name for path in sidecar.runtime.iterdir()} - {"server.lock"}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def libraries(pid):
    """What is mapped into a process."""
    return Path(f"/proc/{pid}/maps").read_text()


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("s")


def test_answers_soon_and_keeps_its_files_to_itself(own_sidecar):
    def start_again():
        own_sidecar.stop()
        own_sidecar.start()
        return own_sidecar.answered_seconds

    seconds = tried(start_again, lambda seconds: seconds < SOON_SECONDS, times=5)
    took = f"HELLO was answered {seconds:.2f} s after the start"
    print(took)  # noqa: T201 - shown by pytest -rP, for who wants the figure
    assert seconds < SOON_SECONDS
    assert left_by(own_sidecar) == {"connection.json", "control.ipc", "audio.ipc"}
    assert mode(own_sidecar.runtime) == 0o700
    assert {mode(path) for path in own_sidecar.runtime.iterdir()} == {0o600}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ends_well_when_it_is_told_to(folder, number):
    with Sidecar(folder, *SOON) as sidecar:
        with StemStream(48_000, 512, "fake", realtime=False, connection=sidecar.connection) as live:
            live.process(noise(512))
            workers = sidecar.workers()
            sidecar.stop(number)
            assert list(workers) == ["fake"]
            assert not is_running(workers["fake"])
        assert left_by(sidecar) == set()
        assert 'reason="the server stops"' in sidecar.log


@pytest.mark.parametrize(
    "options",
    [
        ("--calibrate", "nan"),
        ("--calibrate", "60.1"),
        ("--idle-exit", "nan"),
        ("--idle-exit", "inf"),
        ("--idle-exit", "-1"),
        ("--device", "foo"),
        ("--device", ""),
        ("--device", "cuda:"),
    ],
)
def test_what_cannot_be_is_refused_before_it_starts(folder, options):
    sidecar = Sidecar(folder)
    refused(sidecar.run("serve", *options), UsageError.status, *options)
    assert not sidecar.runtime.exists()


def test_a_terminal_that_closes_twice_ends_it_well(folder):
    """The system tells it, and the shell that it was started from."""
    with Sidecar(folder, *SOON) as sidecar:
        for _ in range(20):
            sidecar.process.send_signal(signal.SIGHUP)
            time.sleep(0.002)
        sidecar.wait(0)
        assert left_by(sidecar) == set()


def test_a_second_one_in_the_same_folder_says_so(folder):
    with Sidecar(folder, *SOON) as sidecar:
        second = sidecar.run("serve")
        refused(second, ServerError.status, str(sidecar.process.pid), "stembridge stop")
        assert sidecar.status()["server"]["pid"] == sidecar.process.pid


@pytest.mark.slow
def test_ends_by_itself_when_nobody_comes(folder):
    with Sidecar(folder, *SOON, "--idle-exit", "4") as sidecar:
        with StemStream(48_000, 512, "fake", realtime=False, connection=sidecar.connection) as live:
            time.sleep(6)
            live.process(noise(512))
        sidecar.wait(0)
        assert left_by(sidecar) == set()
        assert "server.idle" in sidecar.log


@pytest.mark.slow
def test_what_a_killed_one_left_is_in_nobodys_way(folder):
    with Sidecar(folder, *SOON) as sidecar:
        with StemStream(48_000, 512, "fake", realtime=False, connection=sidecar.connection) as live:
            live.process(noise(512))
            workers = list(sidecar.workers().values())
            sidecar.process.kill()
            sidecar.process.wait()
            wait_until(lambda: not any(map(is_running, workers)), lambda: sidecar.log)
        assert left_by(sidecar) == {"connection.json", "control.ipc", "audio.ipc"}
        for command in ("status", "stop"):
            refused(sidecar.run(command), ServerError.status, "no sidecar is running any more")
        afar = sidecar.run("status", "--connection", str(sidecar.connection))
        refused(afar, ServerError.status, "does not answer")
        sidecar.start()
        assert sidecar.status()["server"]["pid"] == sidecar.process.pid


def test_status_without_a_server(folder):
    for command in ("status", "stop"):
        ended = Sidecar(folder).run(command)
        refused(ended, ServerError.status, "no sidecar is running", "stembridge serve")


def test_status_and_stop(folder):
    with Sidecar(folder, *SOON) as sidecar:
        text = sidecar.run("status").out
        assert re.search(rf"process {sidecar.process.pid}, up 0:0\d:\d\d", text)
        assert "No session is open." in text
        with StemStream(48_000, 512, "fake", 500, connection=sidecar.connection) as live:
            live.process(noise(512))
            line = f"fake: fake, process {sidecar.workers()['fake']}"
            wait_until(lambda: line in sidecar.run("status").out)
            lines = sidecar.run("status").out.splitlines()
            assert lines[-1].split("  ")[-1].strip() == "0"
            assert "fake 48 kHz  running  500 ms" in lines[-1]
            assert f"Python {os.getpid()}" in lines[-1]
            assert max(map(len, lines)) <= 80
            found = json.loads(sidecar.run("status", "--json").out)
            assert found["server"]["pid"] == sidecar.process.pid
            assert found["workers"]["fake"]["restarts"] == 0
            (session,) = found["sessions"]
            assert session["latency_frames"] == live.latency == 24_000
            assert (session["model"], session["late_frames"]) == ("fake", 0)
        ended = sidecar.run("stop")
        assert ended.out == f"The sidecar (process {sidecar.process.pid}) has ended.\n"
        sidecar.wait(0)
        assert left_by(sidecar) == set()


@pytest.mark.slow
def test_status_watches(folder):
    with Sidecar(folder, *SOON) as sidecar:
        watching = subprocess.Popen(
            [COMMAND, "status", "--watch", "--json"],
            env=sidecar.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout is not None
        with watching.stdout as lines:
            found = [json.loads(lines.readline()) for _ in range(2)]
            watching.send_signal(signal.SIGINT)
            assert watching.wait(60) == 130
        assert found[0]["server"]["up_us"] < found[1]["server"]["up_us"]


def test_another_major_version_is_refused_in_words(sidecar):
    sidecar.wait_for_sessions(0)
    with Raw(sidecar.connection) as client:
        hello = {"t": "HELLO", "version": (2, 0), "client": "from the future"}
        client.send_frames(Socket.CONTROL, [msgpack.packb(hello)])
        answer = client.receive(Socket.CONTROL, Error)
    assert answer.code == Code.VERSION
    assert "2.0, expected 1.x" in answer.text
    assert "belong together" in answer.hint
    seen_us = sidecar.status()["server"]["up_us"]
    # Before that, all get the same report.
    wait_until(lambda: sidecar.status()["server"]["up_us"] > seen_us)
    assert sidecar.status()["sessions"] == ()


@pytest.mark.slow
def test_torch_is_loaded_by_the_worker_of_networks_alone(folder):
    save_network(time_only(), folder / "small.safetensors")
    with Sidecar(folder, *SOON) as sidecar:
        for model in ("fake", "spectral", str(folder / "small.safetensors")):
            with StemStream(
                11_025, 512, model, realtime=False, connection=sidecar.connection
            ) as live:
                played(live, noise(11_025), 512)
        loaded = {kind: "libtorch" in libraries(pid) for kind, pid in sidecar.workers().items()}
        assert loaded == {"fake": False, "spectral": False, "networks": True}
        assert "libtorch" not in libraries(sidecar.process.pid)
