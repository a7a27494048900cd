"""Whole commands, from the start of the process to the last byte: time and peak memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.compare.rounds import in_turn, say, worst_snr
from benchmarks.compare.setting import FOLDER, Setting
from benchmarks.compare.side import Side
from bridge.engine.catalog import CATALOG

DEMUCS = "demucs"
LONGER = 4
"""Memory is looked at with so many times the audio as well."""


def commands(setting: Setting) -> dict[str, Any]:
    """Both commands with the same model and file, and the same kind of files as their result."""
    song = setting.audio()
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        sides = _sides(setting, song, Path(folder))
        for name, side in sides.items():
            say(f"{name}: {side.run()['seconds']:.1f} s for the first time, which does not count")
        found = in_turn({name: side.run for name, side in sides.items()}, setting.runs)
        reference = _reference(setting, song, Path(folder))
        found["snr"] = {name: worst_snr(reference, side.stems()) for name, side in sides.items()}
    return found


def _reference(setting: Setting, song: Path, folder: Path) -> np.ndarray:
    """What `apply_model` gives for the song. The command of demucs scales the song before it."""
    way = {"kind": "demucs", "model": setting.networks(), "song": str(song)}
    with Side(setting, **way) as side:
        side.run()
        return side.stems(folder / "reference.npy")


def memory(setting: Setting) -> dict[str, Any]:
    """Peak memory of each command with the audio, and with several times as much."""
    found: dict[str, Any] = {"longer": LONGER, "peak": {}}
    for seconds in (setting.seconds, LONGER * setting.seconds):
        song = setting.audio(seconds)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            for name, side in _sides(setting, song, Path(folder)).items():
                peak = side.run()["peak"]
                say(f"{name}, {seconds:g} s: {peak / 1e9:.2f} GB")
                found["peak"].setdefault(name, []).append(peak)
    return found


def _sides(setting: Setting, song: Path, folder: Path) -> dict[str, _Command]:
    model, environment = setting.networks(), setting.environment()
    # 32-bit floats of what the model says, so that the files can be held against each other.
    demucs = ["-n", model, "--shifts", "0", "--float32", "--clip-mode", "none", "-o"]
    ours = ["bounce", "-m", model, "--residual", "off", "--bits", "32f", "-q", "-o"]
    program = str(Path(sys.executable).with_name("stembridge"))
    sides = {
        DEMUCS: _Command(
            [sys.executable, "-m", "demucs", *demucs], song, folder / "demucs", environment
        )
    }
    for variant in setting.variants:
        command = [program, *ours[:-1], *variant.options, ours[-1]]
        sides[variant.name] = _Command(
            command, song, folder / variant.name, environment | variant.environment
        )
    return sides


class _Command:
    """A command that separates `song` into a folder below `folder`, whose name it ends with."""

    def __init__(
        self, command: Sequence[str], song: Path, folder: Path, environment: dict[str, str]
    ) -> None:
        self._command = [*command, str(folder), str(song)]
        self._folder = folder
        self._environment = environment

    def run(self) -> dict[str, float]:
        """Seconds, processor seconds, and the most memory in bytes that the process had."""
        shutil.rmtree(self._folder, ignore_errors=True)
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - the commands above
            self._command,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        words = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if process.returncode:
            raise SystemExit(f"{' '.join(self._command)} failed:\n{words.decode()}")
        return {
            "seconds": seconds,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak": 1024 * usage.ru_maxrss,
        }

    def stems(self) -> np.ndarray:
        """What the last run wrote, shape (stems, C, T)."""
        (any_stem,) = self._folder.rglob("vocals.wav")
        names = CATALOG["htdemucs"].sources
        files = [any_stem.with_name(f"{name}.wav") for name in names]
        return np.stack([soundfile.read(path, dtype="float32")[0].T for path in files])
