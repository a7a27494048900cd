"""How long it takes until something can be done: a command that answers, a server that listens."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.compare.rounds import in_turn
from benchmarks.compare.setting import Setting

OURS = str(Path(sys.executable).with_name("stembridge"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "stembridge --version": [OURS, "--version"],
    "demucs --help": [sys.executable, "-m", "demucs", "--help"],
}
SERVE = "stembridge serve until it listens"


def startup(setting: Setting) -> dict[str, Any]:
    """Seconds from the start of each process on; one round before them does not count."""
    sides: dict[str, Callable[[], dict[str, float]]] = {
        name: partial(_ended, command, setting.environment()) for name, command in COMMANDS.items()
    }
    sides[SERVE] = partial(_listening, setting.environment())
    for side in sides.values():
        side()
    return in_turn(sides, setting.runs)


def _ended(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return {"seconds": time.perf_counter() - began}


def _listening(environment: dict[str, str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "connection.json"
        began = time.perf_counter()
        server = subprocess.Popen(  # noqa: S603 - our own command
            [OURS, "serve"],
            env=environment | {"STEMBRIDGE_RUNTIME_DIR": name},
            stderr=subprocess.DEVNULL,
        )
        try:
            while not file.exists():
                if server.poll() is not None:
                    raise SystemExit("stembridge serve has ended before it listened")
                time.sleep(0.001)
            return {"seconds": time.perf_counter() - began}
        finally:
            server.terminate()
            server.wait()
