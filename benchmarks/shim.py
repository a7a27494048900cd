"""What a block of the plug-in costs the audio thread, beside a loop that only mixes stems.

    python -m benchmarks.shim [--build build/shim] [--blocks N] [--runs N]

Both play blocks of 64 frames to 14 outputs in real time, to each in turn: the
plug-in's whole `processBlock` with the stems of `spectral` from a sidecar, and a bare loop that
copies as many stems from a ring of the same length to the same outputs and adds them up. Times are
of the thread (CLOCK_THREAD_CPUTIME_ID), less what reading that clock twice takes. Between blocks
the thread spins, and finds its caches as it left them, or sleeps, and finds those of others. It has
a core for itself: the sidecar, the link and the writer of the bare loop's ring are kept off it, as
an interrupt for one of those would count as its own time.

A run is a process and a sidecar of its own, with its own place in memory, which makes more of a
difference than chance within a run: given are medians of several runs, and the lowest and highest.
"""
# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

FRAMES, PAUSES = 64, ("spin", "sleep")
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
ROOT = Path(__file__).parents[1]


def quantile(times: list[int], share: float) -> int:
    """The time that this share of the blocks stays below."""
    return sorted(times)[int(share * len(times))]


def measure(program: Path, blocks: int, pause: str, core: int) -> dict[str, Any]:
    """What one run found, with a sidecar of its own."""
    with tempfile.TemporaryDirectory() as name:
        environment = {
            **os.environ,
            "STEMBRIDGE_RUNTIME_DIR": f"{name}/r",
            "STEMBRIDGE_CONFIG_DIR": f"{name}/c",
        }
        command = Path(sys.executable).with_name("stembridge")
        server = subprocess.Popen(  # noqa: S603 - our own command
            [command, "serve", "--calibrate", "1"], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            arguments = [str(program), str(blocks), str(FRAMES), pause, str(core)]
            done = subprocess.run(  # noqa: S603 - our own program
                arguments, env=environment, capture_output=True, text=True, check=True
            )
        finally:
            server.terminate()
            server.wait()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sides(found: dict[str, Any], share: float) -> tuple[int, int]:
    """What this share of the blocks stays below, of the plug-in and of the bare loop."""
    nothing = quantile(found["nothing"], SHARES["p50"])
    return quantile(found["plugin"], share) - nothing, quantile(found["bare"], share) - nothing


def show(pause: str, runs: list[dict[str, Any]]) -> None:
    """A row of the table for each quantile."""
    print(
        "| between blocks | | processBlock ns | bare loop ns | ratio, median (lowest to highest) |"
    )
    print("|---|---|---|---|---|")
    for name, share in SHARES.items():
        plugin, bare = zip(*(sides(found, share) for found in runs), strict=True)
        ratios = sorted(one / other for one, other in zip(plugin, bare, strict=True))
        middle = f"{median(plugin):,.0f} | {median(bare):,.0f} | {median(ratios):.2f}"
        print(f"| {pause} | {name} | {middle} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |")
    replaced = ", ".join(str(found["replaced"]) for found in runs)
    print(f"\n{replaced} frames without stems; what reading the clock takes is left out.\n")


def main() -> None:
    """Build the program, run it for each burst, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "shim")
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    chosen = parser.parse_args()
    subprocess.run(  # noqa: S603 - our own build
        ["cmake", "--build", chosen.build, "--target", "bench_block"],  # noqa: S607
        check=True,
        stdout=subprocess.DEVNULL,
    )
    program = chosen.build / "bench" / "bench_block"
    core, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise SystemExit("this takes two cores or more")
    os.sched_setaffinity(0, others)  # and all that is started from here on
    for pause in PAUSES:
        show(pause, [measure(program, chosen.blocks, pause, core) for _ in range(chosen.runs)])


if __name__ == "__main__":
    main()
