"""How much longer a block takes through the whole sidecar than through a bare ZeroMQ echo.

    python -m benchmarks.roundtrip [--rounds N]

Both send 512 stereo frames and get four stems of as many frames back, over ipc, one at a time. The
sidecar runs `fake`, which costs nothing, one hop a block; what is left is the server, its worker,
the protocol and the live engine. Runs alternate; each line is the median of five.
"""

# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import zmq

from bridge.protocol.codec import decode, encode
from bridge.protocol.fields import VERSION
from bridge.protocol.messages import (
    Attach,
    Attached,
    Audio,
    Configure,
    Configured,
    Hello,
    Reset,
    SavedPlan,
    Stems,
    Welcome,
)
from bridge.protocol.record import Message

M = TypeVar("M", bound=Message)

FRAMES, RATE = 512, 48_000
ROUNDS, RUNS = 2000, 5
ECHO = """
import sys, zmq
socket = zmq.Context().socket(zmq.ROUTER)
socket.bind(sys.argv[1])
stems = bytes(4 * 2 * 512 * 4)
while True:
    peer, header, _ = socket.recv_multipart()
    socket.send_multipart([peer, header, stems])
"""


class Sidecar:
    """A session on the control and audio sockets of a running server."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], folder: Path) -> None:
        file = folder / "connection.json"
        while not file.exists():
            time.sleep(0.05)
        endpoints = json.loads(file.read_text())
        self._control, self._audio = (context.socket(zmq.DEALER) for _ in range(2))
        self._control.connect(endpoints["control"])
        self._audio.connect(endpoints["audio"])
        self._position = 0
        self._block = np.zeros((2, FRAMES), np.float32)
        welcome = self._ask(self._control, Hello(VERSION, "benchmark"), Welcome)
        self._session = welcome.session
        plan = SavedPlan(FRAMES, 0, FRAMES, 0, RATE, 20_000, 0, 0, 0, 0, 0, FRAMES)
        wanted = Configure(
            self._session,
            1,
            RATE,
            FRAMES,
            2,
            f"fake:segment={FRAMES}",
            "exact",
            0,
            -1,
            0,
            0,
            0,
            residual=True,
            realtime=False,
            saved=plan,
        )
        self._ask(self._control, wanted, Configured)
        self._ask(self._audio, Attach(self._session), Attached)
        self._audio.send_multipart(encode(Reset(self._session, 1, 0, 0, 1)))

    def _ask(self, socket: zmq.Socket[bytes], message: Message, answer: type[M]) -> M:
        socket.send_multipart(encode(message))
        while not isinstance(found := decode(socket.recv_multipart()), answer):
            pass
        return found

    def trip(self) -> None:
        """One block there, and its stems back."""
        start = self._position
        self._position += FRAMES
        message = Audio(self._session, 1, start, start, self._block)
        self._audio.send_multipart(encode(message), copy=False)
        while True:
            found = decode(self._audio.recv_multipart())
            if isinstance(found, Stems) and found.start + found.audio.shape[2] == self._position:
                return


def times(trip: Callable[[], None], rounds: int) -> list[float]:
    """Durations of `rounds` trips in microseconds, in rising order."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        trip()
        taken.append((time.perf_counter() - began) * 1e6)
    return sorted(taken)


def main() -> None:
    """Print both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    found = measure(rounds, RUNS)
    for name, index in (("bare echo", 0), ("sidecar", 1)):
        p50 = statistics.median(run[index][rounds // 2] for run in found)
        p99 = statistics.median(run[index][rounds * 99 // 100] for run in found)
        print(f"{name:<10} p50 {p50:6.0f} us   p99 {p99:6.0f} us")
    ratios = [b[rounds // 2] / a[rounds // 2] for a, b in found]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"ratio of p50: {statistics.median(ratios):.2f} (runs {each})")


def measure(rounds: int, runs: int) -> list[tuple[list[float], list[float]]]:
    """Durations of both in turn, `runs` times: in microseconds, in rising order, the echo first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "STEMBRIDGE_RUNTIME_DIR": name,
            "STEMBRIDGE_CONFIG_DIR": f"{name}/config",
        }
        command = Path(sys.executable).with_name("stembridge")
        server = subprocess.Popen(  # noqa: S603 - our own command
            [command, "serve", "--calibrate", "0.2"], env=environment, stderr=subprocess.DEVNULL
        )
        echo = subprocess.Popen([sys.executable, "-c", ECHO, f"ipc://{name}/echo.ipc"])  # noqa: S603
        try:
            return _alternate(folder, rounds, runs)
        finally:
            for process in (server, echo):
                process.terminate()
                process.wait()


def _alternate(folder: Path, rounds: int, runs: int) -> list[tuple[list[float], list[float]]]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    bare = context.socket(zmq.DEALER)
    bare.connect(f"ipc://{folder}/echo.ipc")
    payload = np.zeros((2, FRAMES), np.float32)

    def echo() -> None:
        bare.send_multipart([b"header", payload.data], copy=False)
        bare.recv_multipart()

    sidecar = Sidecar(context, folder)
    for trip in (echo, sidecar.trip):
        times(trip, 200)
    found = [(times(echo, rounds), times(sidecar.trip, rounds)) for _ in range(runs)]
    context.destroy(linger=0)
    return found


if __name__ == "__main__":
    main()
