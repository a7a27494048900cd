"""Whether the plug-in is ever late in a host on this machine: the real VST3, built by `make shim`.

    python -m benchmarks.plugin_hosts many      16 instances by the clock, spectral, 200 ms, 60 s
    python -m benchmarks.plugin_hosts steady    one instance by the clock, smallest latency
    python -m benchmarks.plugin_hosts bursts    one whose host hands over 200 ms at once
    python -m benchmarks.plugin_hosts flat-out  one as fast as it goes, which it does not announce
    python -m benchmarks.plugin_hosts starts    20 hosts that begin to play, one after another

Each starts a sidecar of its own. `--seconds N` shortens it. What is printed holds for this machine
and what else ran on it; 0 late frames is what it should say.
"""
# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.hosts.native import NativeHost
from tests.hosts.plugin import BLOCK, RATE
from tests.hosts.preset import wanting
from tests.server.sidecar import Sidecar

MANY, STARTS = 16, 20
BURST = RATE // 5 // BLOCK
PATIENCE_SECONDS = 90
"""For the sidecar, which measures the model first."""
STANDARD = {"many": 60, "steady": 60, "bursts": 20, "flat-out": 60, "starts": 3}


@contextmanager
def host(folder: Path, instances: int, latency_ms: int = 0) -> Iterator[NativeHost]:
    """A host that is prepared, and writes its journal into `folder`."""
    folders = {"RUNTIME_DIR": "r", "CONFIG_DIR": "c", "PLUGIN_LOG": "journal"}
    paths = {f"STEMBRIDGE_{name}": str(folder / path) for name, path in folders.items()}
    with NativeHost(folder, os.environ | paths, instances) as running:
        state = wanting("spectral")
        state["wanted"]["latency_us"] = 1000 * latency_ms
        running.take(state)
        running.tell("prepare", rate=RATE, block=BLOCK, offline=False)
        yield running


def counts(folder: Path) -> tuple[int, int, int]:
    """How many instances play, and their frames that were late and without stems until now."""
    lines = [json.loads(line) for line in (folder / "journal").read_text().splitlines()]
    last = {line["instance"]: line for line in lines}
    names = ("late", "replaced")
    playing = {line["instance"] for line in lines if line["event"] == "epoch"}
    late, replaced = (sum(line[name] for line in last.values()) for name in names)
    return len(playing), late, replaced


def wait_for_stems(running: NativeHost, folder: Path, noise: np.ndarray) -> int:
    """Play a second at a time until all have stems, and return how many have.

    One more is played then: the first stems are due only after the latency, and the log trails what
    is played.
    """
    playing, seconds = 0, PATIENCE_SECONDS
    while seconds > 0:
        seconds = 1 if playing == running.instances else seconds
        running.begin(noise, keep=False)
        running.answer()
        playing = counts(folder)[0]
        seconds -= 1
    return playing


def play(running: NativeHost, folder: Path, seconds: float, blocks: int) -> None:
    """Play by the clock until all have stems, then noise, and print how that went."""
    noise = np.random.default_rng(1).normal(0, 0.1, (2, round(seconds * RATE)))
    playing = wait_for_stems(running, folder, noise[:, :RATE])
    _, late, replaced = counts(folder)
    running.tell("reset")
    running.begin(noise, blocks=blocks, keep=False)
    said = running.answer()
    running.tell("unload", order=list(range(running.instances)))
    _, late_now, replaced_now = counts(folder)
    latency_ms = 1000 * said["latencies"][0] / RATE
    print(
        f"{playing} of {running.instances} with stems   L {latency_ms:.1f} ms"
        f"   late {late_now - late}   without stems {replaced_now - replaced}"
        f"   longest block {said['longest_ms']:.1f} ms   host stalled {said['stalls']}"
        f"   {seconds / said['seconds']:.1f}x"
    )


def starts(folder: Path, seconds: float) -> None:
    """Let hosts begin to play by the clock; their late frames."""
    late = []
    for _ in range(STARTS):
        (folder / "journal").unlink(missing_ok=True)
        with host(folder, 1) as running:
            running.begin(np.ones((2, round(seconds * RATE))), keep=False)
            running.answer()
            running.tell("unload", order=[0])
        late.append(counts(folder)[1])
    print(f"late at each of {STARTS} starts: {late}")


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=STANDARD)
    parser.add_argument("--seconds", type=float)
    arguments = parser.parse_args()
    what, seconds = arguments.what, arguments.seconds or STANDARD[arguments.what]
    with tempfile.TemporaryDirectory() as name, Sidecar(Path(name)):
        folder = Path(name)
        if what == "starts":
            starts(folder, seconds)
            return
        blocks = {"bursts": BURST, "flat-out": 0}.get(what, 1)
        instances, latency_ms = (MANY, 200) if what == "many" else (1, 0)
        with host(folder, instances, latency_ms) as running:
            play(running, folder, seconds, blocks)


if __name__ == "__main__":
    main()
