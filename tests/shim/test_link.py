"""The link of the plug-in against a real server: the stems are those of the Python client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.client import StemStream
from tests.server.sidecar import COMMAND, Sidecar, is_running, wait_until
from tests.shim.building import BUILD

PLAYER = BUILD / "tests" / "link" / "link_player"
STOPPED_SECONDS = 6.0  # each side takes the other for gone after four
RATE, BLOCK, FRAMES, ORIGIN = 48_000, 480, 96_000, 12_345
# Of fake, the residual in `other`.
GAINS = np.array([0.5, 0.25, 0.125, 0.125], np.float32)[:, None, None]
BUSES = ("vocals", "drums", "bass", "other", "guitar", "piano")
STARTS = """
import os, sys
with open({log!r}, "a") as log:
    log.write(f"{{os.getpid()}} {{sorted(os.listdir('/proc/self/fd'))}} {{sorted(os.environ)}}\\n")
os.execv({command!r}, [{command!r}, "serve", "--calibrate", "1", "--idle-exit", {idle!r}])
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks at /proc"),
    pytest.mark.usefixtures("built"),
]


@pytest.fixture
def song() -> np.ndarray:
    return np.random.default_rng(7).uniform(-0.5, 0.5, (2, FRAMES)).astype(np.float32)


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("l")


@pytest.fixture
def server(folder):
    with Sidecar(folder, "--calibrate", "1") as running:
        yield running


class Player:
    """A process that plays `song` through the sidecar of `folder`, in the background."""

    def __init__(self, folder: Path, song: np.ndarray, **options: Any) -> None:
        number = len(list(folder.glob("*.in")))
        self._input, self._output = folder / f"{number}.in", folder / f"{number}.out"
        song.tofile(self._input)
        how = {"model": "fake", "rate": RATE, "block": BLOCK, "origin": ORIGIN, "saved": None}
        how |= {"pause": -1, "patience_us": 20_000_000, **options}
        how |= {"input": str(self._input), "output": str(self._output)}
        self.process = subprocess.Popen(
            [str(PLAYER), json.dumps(how)],
            env={
                **os.environ,
                "STEMBRIDGE_RUNTIME_DIR": str(folder / "r"),
                "STEMBRIDGE_CONFIG_DIR": str(folder / "c"),
                "LD_LIBRARY_PATH": "/nonexistent",  # as hosts do
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_for_pause(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "paused\n"

    def finish(self) -> tuple[dict[str, Any], np.ndarray]:
        """What it says at its end, and the stems (S, 2, FRAMES) moved back by the latency."""
        out, _ = self.process.communicate("\n", timeout=120)
        assert self.process.returncode == 0
        said = json.loads(out.splitlines()[-1])
        heard = np.fromfile(self._output, np.float32).reshape(len(BUSES), 2, -1)
        latency = said["latency"]
        rows = [BUSES.index(name) for name in said["sources"]]
        return said, heard[rows, :, latency : latency + FRAMES]


def python_stems(server: Sidecar, song: np.ndarray, model: str) -> tuple[StemStream, np.ndarray]:
    """The stems as the Python client gets them, silence following the song, and its plan."""
    with StemStream(
        RATE, BLOCK, model, realtime=False, connection=server.connection, origin=ORIGIN
    ) as stream:
        silence = np.zeros((2, -(-stream.latency // BLOCK) * BLOCK), np.float32)
        played = np.concatenate([song, silence], axis=1)
        starts = range(0, played.shape[1], BLOCK)
        parts = [stream.process(played[:, at : at + BLOCK]) for at in starts]
        heard = np.concatenate(parts, axis=2)
        return stream, heard[:, :, stream.latency : stream.latency + FRAMES]


def plan_of(stream: StemStream) -> dict[str, int]:
    return {name: getattr(stream.plan, name) for name in stream.plan.kinds}


def assert_clean(said: dict[str, Any]) -> None:
    """Nothing was late, and the link left no thread and no file."""
    assert (said["late"], said["replaced"]) == (0, 0), said
    assert (said["threads"], said["files"]) == (1, 0), said


@pytest.mark.parametrize("model", ["fake", "spectral", "fake:rate=44100,segment=4000,delay=100"])
def test_stems_are_those_of_the_python_client(server, song, model):
    stream, expected = python_stems(server, song, model)
    said, stems = Player(server.folder, song, model=model, saved=plan_of(stream)).finish()
    assert_clean(said)
    assert tuple(said["sources"]) == stream.stems
    assert said["latency"] == stream.latency
    np.testing.assert_allclose(stems, expected, atol=1e-6)
    assert np.abs(expected).max() > 0.1


def test_a_plan_that_the_server_chose_gives_the_stems_of_the_mix(server, song):
    said, stems = Player(server.folder, song).finish()
    assert_clean(said)
    np.testing.assert_allclose(stems, GAINS * song, atol=1e-6)
    server.wait_for_sessions(0)  # it said goodbye


def test_a_server_by_a_copied_connection_file_is_used(folder, tmp_path, song):
    with Sidecar(tmp_path, "--calibrate", "1", "--bind", "tcp://127.0.0.1:*") as server:
        stream, expected = python_stems(server, song, "fake")
        (folder / "c").mkdir(mode=0o700)
        file = folder / "c" / "plugin.json"
        file.write_text(json.dumps({"connection": str(server.connection)}))
        file.chmod(0o600)
        said, stems = Player(folder, song, saved=plan_of(stream)).finish()
    assert_clean(said)
    np.testing.assert_allclose(stems, expected, atol=1e-6)


def kill_server(server: Sidecar) -> None:
    server.process.kill()
    server.process.wait()
    server.start()


def kill_worker(server: Sidecar) -> None:
    pid = next(pid for pid in server.workers().values() if pid)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("model", ["fake", "spectral"])
@pytest.mark.parametrize("fault", [kill_server, kill_worker])
def test_what_dies_meanwhile_is_not_heard(server, song, model, fault: Callable[[Sidecar], None]):
    stream, expected = python_stems(server, song, model)
    player = Player(server.folder, song, model=model, saved=plan_of(stream), pause=FRAMES // 2)
    player.wait_for_pause()
    fault(server)
    said, stems = player.finish()
    assert_clean(said)
    assert said["losses"] >= 1
    assert said["latency"] == stream.latency
    np.testing.assert_allclose(stems, expected, atol=1e-6)


def test_without_a_sidecar_the_host_goes_on_and_is_told_what_to_do(folder, song):
    said, stems = Player(folder, song, patience_us=1_000_000).finish()
    assert "stembridge plugin install" in said["text"]
    assert said["replaced"] >= FRAMES
    assert stems.shape[0] == 0  # of no source that is known
    assert (said["threads"], said["files"]) == (1, 0)


def test_a_sidecar_that_never_answers_costs_the_host_its_patience_once(server, song):
    server.process.send_signal(signal.SIGSTOP)
    try:
        said, _ = Player(server.folder, song, patience_us=500_000).finish()
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert said["replaced"] >= FRAMES
    assert "connecting" in said["text"] or "does not answer" in said["text"]
    assert (said["threads"], said["files"]) == (1, 0)


def test_a_sidecar_that_is_left_is_said_goodbye_to(server, song):
    player = Player(server.folder, song, pause=FRAMES // 2)
    player.wait_for_pause()
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    server.process.send_signal(signal.SIGCONT)
    said, _ = player.finish()
    assert said["losses"] >= 1
    server.wait_for_sessions(0)
    closed = [line for line in server.log.splitlines() if "session.closed" in line]
    assert "the client was silent" not in server.log, closed


def test_what_the_sidecar_refuses_is_said_in_its_words(server, song):
    said, _ = Player(server.folder, song, model="nobody").finish()
    assert "nobody" in said["text"]
    assert said["replaced"] >= FRAMES


def allow_start(folder: Path, idle: str) -> Path:
    """Let the plug-in start a sidecar; returns the file in which each start leaves a line."""
    log, script = folder / "starts", folder / "start.py"
    script.write_text(STARTS.format(log=str(log), command=COMMAND, idle=idle))
    (folder / "c").mkdir(mode=0o700)
    file = folder / "c" / "plugin.json"
    file.write_text(json.dumps({"command": [sys.executable, str(script)]}))
    file.chmod(0o600)
    return log


def test_two_hosts_at_once_start_one_sidecar_which_ends_after_them(folder, song):
    log = allow_start(folder, "5")
    players = [Player(folder, song) for _ in range(3)]
    results = [player.finish() for player in players]
    for said, stems in results:
        assert_clean(said)
        np.testing.assert_allclose(stems, GAINS * song, atol=1e-6)
    started = log.read_text().splitlines()
    assert len(started) == 1
    pid, rest = started[0].split(" ", 1)
    assert rest.startswith("['0', '1', '2', '3', '4'] ")  # 3 is the log, 4 the folder
    assert "LD_LIBRARY_PATH" not in rest
    wait_until(lambda: not is_running(int(pid)))
    assert not (folder / "r" / "connection.json").exists()


def test_a_killed_sidecar_is_started_again(folder, song):
    log = allow_start(folder, "5")
    player = Player(folder, song, pause=FRAMES // 2)
    player.wait_for_pause()
    first = int(log.read_text().split()[0])
    os.kill(first, signal.SIGKILL)
    said, stems = player.finish()
    assert_clean(said)
    assert said["losses"] >= 1
    pids = [int(line.split()[0]) for line in log.read_text().splitlines()]
    assert len(pids) == 2
    np.testing.assert_allclose(stems, GAINS * song, atol=1e-6)
    wait_until(lambda: not any(map(is_running, pids)))


def test_a_start_that_fails_is_told_with_where_to_look(folder, song):
    (folder / "c").mkdir(mode=0o700)
    file = folder / "c" / "plugin.json"
    file.write_text(json.dumps({"command": ["/bin/false"]}))
    file.chmod(0o600)
    said, _ = Player(folder, song, patience_us=900_000).finish()  # then it is started again
    assert "status 1" in said["text"]
    assert "sidecar.log" in said["text"]
    file.chmod(0o644)
    said, _ = Player(folder, song, patience_us=1_000_000).finish()
    assert "open to other users" in said["text"]
