"""The plug-in as `make shim` built it, and what it is held against."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import soundfile

from tests.server.sidecar import Sidecar

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("STEMBRIDGE_SHIM_BUILD", ROOT / "build" / "shim"))
RATE, BLOCK, FRAMES = 48_000, 512, 4 * 48_000
NULL_DECIBELS = -120


def bundle(kind: str = "VST3") -> Path:
    """The bundle of that kind; one that does not exist where none was built."""
    name = f"Stem Bridge.{kind.lower()}"
    found = sorted((BUILD / "plugin").glob(f"StemBridge_artefacts/**/{kind}/{name}"))
    return found[0] if found else BUILD / name


def decibels(signal: np.ndarray) -> float:
    """The highest sample in dBFS."""
    peak = float(np.abs(signal).max())
    return float(20 * np.log10(peak)) if peak > 0 else -np.inf


def streamed(server: Sidecar, song: np.ndarray) -> dict[str, np.ndarray]:
    """The stems as `stembridge stream --origin 0` gives them."""
    return streamed_by(server, song)[0]


def streamed_by(
    server: Sidecar,
    song: np.ndarray,
    model: str = "spectral",
    latency: str = "auto",
    preset: str = "",
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """The stems as `stembridge stream --origin 0` gives them, and the plan they were made by."""
    file, out = server.folder / "song.wav", server.folder / "out"
    soundfile.write(file, song.T, RATE, subtype="FLOAT")
    how = f"--model {model} --latency {latency} --origin 0 --block {BLOCK}"
    options = ["-o", str(out), "--bits", "32f", "--overwrite", "--json", *how.split()]
    if preset:
        options += ["--preset", preset]
    ended = server.run("stream", str(file), *options)
    assert ended.status == 0, ended.err
    names = ("vocals", "drums", "bass", "other")
    stems = {name: soundfile.read(out / "song" / f"{name}.wav")[0].T for name in names}
    plan: dict[str, int] = json.loads(ended.out)["live"]["plan"]
    return stems, plan
