"""The command `python -m benchmarks.compare`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import compare
from benchmarks.compare.commands import commands, memory
from benchmarks.compare.document import SECTIONS, write
from benchmarks.compare.live import latency, live, roundtrip, sidecar
from benchmarks.compare.offline import bag, offline
from benchmarks.compare.outside import outside
from benchmarks.compare.results import busy_cores, store
from benchmarks.compare.rounds import say
from benchmarks.compare.sdr import sdr
from benchmarks.compare.setting import Setting
from benchmarks.compare.startup import startup
from benchmarks.compare.variant import Variant

PARTS: dict[str, Callable[[Setting], dict[str, Any]]] = {
    "offline": offline,
    "bag": bag,
    "commands": commands,
    "memory": memory,
    "outside": outside,
    "sdr": sdr,
    "startup": startup,
    "live": live,
    "sidecar": sidecar,
    "latency": latency,
    "roundtrip": roundtrip,
}
SECONDS = {"bag": 30.0, "outside": 30.0, "latency": 120.0}
"""Of audio where nobody says otherwise; the others take a minute."""


def main() -> None:
    """Measure the parts that are named, or write what was measured into the document."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=compare.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="+", choices=[*PARTS, "all", "write"])
    parser.add_argument("--runs", type=int, default=5, help="rounds that count  [5]")
    parser.add_argument("--seconds", type=float, help="of audio  [60; bag and outside 30]")
    parser.add_argument("--variants", default="exact,fast", help="of ours  [exact,fast]")
    parser.add_argument("--song", type=Path, help="audio to take  [STEMBRIDGE_TEST_AUDIO]")
    parser.add_argument("--small", action="store_true", help="tiny networks, to try this out")
    chosen = parser.parse_args()
    try:
        variants = tuple(map(Variant.parse, chosen.variants.split(",")))
    except ValueError as error:
        parser.error(str(error))
    setting = Setting(chosen.runs, 60.0, variants, chosen.song, chosen.small)
    for part in PARTS if "all" in chosen.part else chosen.part:
        if part == "write":
            continue
        seconds = chosen.seconds or SECONDS.get(part, setting.seconds)
        run(part, replace(setting, seconds=seconds))
    if "write" in chosen.part:
        write()


def run(part: str, setting: Setting) -> None:
    """Measure one part and keep what it finds."""
    began, load = time.monotonic(), busy_cores()
    say(f"{part}: {SECTIONS[part][0]}")
    found = PARTS[part](setting)
    path = store(part, setting, load, found)
    say(f"{part}: {time.monotonic() - began:.0f} s, kept in {path}")


if __name__ == "__main__":
    main()
