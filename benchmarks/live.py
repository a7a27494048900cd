"""Whether live streams are ever late on this machine, and with which latency.

    python -m benchmarks.live spectral     one session, 48 kHz, blocks of 128, at most 60 ms
    python -m benchmarks.live network      full-size htdemucs with random weights, smallest latency
    python -m benchmarks.live many         16 tracks with spectral, blocks of 512, at most 100 ms
    python -m benchmarks.live beside       spectral and htdemucs at once
    python -m benchmarks.live bursts       hosts that hand over 200 ms at once, five patterns
    python -m benchmarks.live soak         2 tracks with spectral, 20 minutes, and the memory

Each starts a sidecar of its own and plays noise in real time. `--seconds N` shortens it. What is
printed holds for this machine and what else ran on it; 0 late frames is what it should say.
"""
# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import numpy as np

from bridge.client import StemStream
from bridge.errors import ServerError
from bridge.runtime.asking import ask_status
from bridge.runtime.connection import read_connection

RATE = 48_000
STALL = 0.02
"""Seconds that a host may be behind before that counts as a drop-out of its own."""

STANDARD = {"spectral": 120, "network": 120, "many": 60, "beside": 60, "bursts": 20, "soak": 1200}


@contextmanager
def sidecar(*options: str, environment: Mapping[str, str] = {}) -> Iterator[Path]:
    """A running server of its own; yields its connection file.

    options: of `stembridge serve`. environment: more of it than this process has.
    """
    with tempfile.TemporaryDirectory() as name:
        folders = {"STEMBRIDGE_RUNTIME_DIR": name, "STEMBRIDGE_CONFIG_DIR": f"{name}/config"}
        command = Path(sys.executable).with_name("stembridge")
        server = subprocess.Popen(  # noqa: S603 - our own command
            [command, "serve", *options],
            env={**os.environ, **environment, **folders},
            stderr=subprocess.DEVNULL,
        )
        file = Path(name) / "connection.json"
        try:
            while not file.exists():
                time.sleep(0.05)
            yield file
        finally:
            server.terminate()
            server.wait()


@dataclass
class Player:
    """A host's audio thread: hands noise to the streams of its tracks, and checks what comes back.

    pattern: how many blocks it hands over at once, in turn.
    """

    streams: Sequence[StemStream]
    block: int
    seconds: float
    pattern: Sequence[int] = (1,)
    longest: float = 0.0
    stalls: int = 0

    def __post_init__(self) -> None:
        self.nulls = [0.0 for _ in self.streams]

    def play(self) -> None:
        """Play in real time; the pattern says how many blocks come at once."""
        noise = np.random.default_rng(1).normal(0, 0.1, (2, RATE)).astype(np.float32)
        line = np.tile(noise, (1, 3))
        began, done, turn = time.monotonic(), 0, 0
        while done < self.seconds * RATE:
            count = self.pattern[turn % len(self.pattern)]
            turn += 1
            # A burst comes when its first block is due, so that the others are early.
            early = began + (done + self.block) / RATE - time.monotonic()
            time.sleep(max(0, early))
            if -early > STALL:  # a sound card drops out then, and nobody catches up
                began -= early
                self.stalls += 1
            for _ in range(count):
                self._hand_over(done, line)
                done += self.block

    def _hand_over(self, done: int, line: np.ndarray) -> None:
        at = done % RATE
        for index, stream in enumerate(self.streams):
            before = time.monotonic()
            stems = stream.process(line[:, at : at + self.block])
            self.longest = max(self.longest, time.monotonic() - before)
            first = done - stream.latency
            if first >= 0:
                dry = line[:, first % RATE : first % RATE + self.block]
                null = float(np.abs(stems.sum(axis=0) - dry).max())
                self.nulls[index] = max(self.nulls[index], null)


def run(players: Sequence[Player]) -> None:
    """Play all at once, then print how it went."""
    threads = [Thread(target=player.play) for player in players]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for player in players:
        for stream, null in zip(player.streams, player.nulls, strict=True):
            figures = stream.stats()
            slack = figures["slack_us"]["min"]
            print(
                f"{stream.model:<10} L {1000 * stream.latency / RATE:7.1f} ms"
                f"   late {stream.late_frames}   null {20 * np.log10(null + 1e-12):.1f} dBFS"
                f"   least slack {'-' if slack is None else round(slack / 1000, 1)} ms"
                f"   longest call {1000 * player.longest:.1f} ms   host stalled {player.stalls}"
            )


def open_stream(
    file: Path,
    block: int,
    model: str,
    latency: float | None,
    burst: int | None = None,
    precision: str = "exact",
) -> StemStream:
    """A stream in real time; says what it waits for."""
    return StemStream(
        RATE,
        block,
        model,
        latency,
        connection=file,
        timeout=300,
        burst=burst,
        precision=precision,
    )


def memory(file: Path) -> dict[str, int]:
    """Resident memory in kB of the server and its workers."""
    status = ask_status(read_connection(file))
    pids = {"server": status["server"]["pid"]}
    pids |= {kind: worker["pid"] for kind, worker in status["workers"].items()}
    found = {}
    for name, pid in pids.items():
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        found[name] = int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
    return found


def full_size(folder: Path) -> str:
    """Path of a full-size htdemucs with random weights: it costs what a trained one does."""
    from tests import networks

    path = folder / "htdemucs-random.safetensors"
    networks.save_network(networks.full_size(), path)  # type: ignore[no-untyped-call]
    return str(path)


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=STANDARD)
    parser.add_argument("--seconds", type=float)
    arguments = parser.parse_args()
    what, seconds = arguments.what, arguments.seconds or STANDARD[arguments.what]
    try:
        measure(what, seconds)
    except ServerError as error:
        raise SystemExit(f"refused: {error}") from None


def measure(what: str, seconds: float) -> None:
    """Play it with a sidecar of its own. Raises ServerError where the sidecar refuses it."""
    with sidecar() as file:
        match what:
            case "spectral":
                run([Player([open_stream(file, 128, "spectral", 60)], 128, seconds)])
            case "network":
                stream = open_stream(file, 128, full_size(file.parent), None)
                run([Player([stream], 128, seconds)])
            case "many":
                # This host never hands over a block before it is due.
                streams = [open_stream(file, 512, "spectral", 100, burst=0) for _ in range(16)]
                run([Player(streams, 512, seconds)])
            case "beside":
                network = open_stream(file, 512, full_size(file.parent), None)
                spectral = open_stream(file, 512, "spectral", 100)
                run([Player([network, spectral], 512, seconds)])
            case "bursts":
                for pattern in ((75,), (1, 40, 1, 20), (2, 73), (10, 1, 1, 30), (38, 37)):
                    stream = open_stream(file, 128, "spectral", None, burst=75 * 128)
                    print(f"blocks at once: {pattern}")
                    run([Player([stream], 128, seconds, pattern)])
                    stream.close()
            case "soak":
                streams = [open_stream(file, 512, "spectral", 150) for _ in range(2)]
                run([Player(streams, 512, min(60, seconds))])
                first = memory(file)
                run([Player(streams, 512, seconds)])
                last = memory(file)
                for name, size in first.items():
                    print(f"{name:<10} {size} kB, drift {last[name] - size:+} kB")


if __name__ == "__main__":
    main()
