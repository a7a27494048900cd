"""The plug-in as `make shim` built it, and what it is held against."""

from __future__ import annotations

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
    file, out = server.folder / "song.wav", server.folder / "out"
    soundfile.write(file, song.T, RATE, subtype="FLOAT")
    arguments = (
        "-o",
        str(out),
        "--origin",
        "0",
        "--bits",
        "32f",
        "--overwrite",
        "--block",
        str(BLOCK),
    )
    ended = server.run("stream", str(file), *arguments)
    assert ended.status == 0, ended.err
    names = ("vocals", "drums", "bass", "other")
    return {name: soundfile.read(out / "song" / f"{name}.wav")[0].T for name in names}
