"""From samples in memory to samples in memory: one network, and a bag of four."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.compare.rounds import in_turn, say, worst_snr
from benchmarks.compare.setting import Setting
from benchmarks.compare.side import Side

REFERENCE, PLAIN = "apply_model", "apply_model, plain attention"


def offline(setting: Setting) -> dict[str, Any]:
    """One network: demucs' `apply_model`, ours in every variant, and spectral."""
    model, song = setting.networks(), str(setting.audio())
    ways: dict[str, dict[str, Any]] = {
        REFERENCE: {"kind": "demucs", "model": model},
        PLAIN: {"kind": "demucs", "model": model, "plain": True},
    }
    for variant in setting.variants:
        ways[variant.name] = {"kind": "ours", "model": model, "variant": variant.name}
    ways["spectral"] = {"kind": "ours", "model": "spectral", "variant": "exact"}
    return _measure(setting, song, ways, unlike={"spectral"})


def bag(setting: Setting) -> dict[str, Any]:
    """Four networks, one for each stem as in htdemucs_ft: all stems, and the vocals alone."""
    model, song = setting.networks(bag=True), str(setting.audio())
    ways: dict[str, dict[str, Any]] = {REFERENCE: {"kind": "demucs", "model": model}}
    for variant in setting.variants:
        way = {"kind": "ours", "model": model, "variant": variant.name}
        ways[variant.name] = way
        ways[f"{variant.name}, vocals alone"] = way | {"stems": ["vocals"]}
    return _measure(setting, song, ways)


def _measure(
    setting: Setting,
    song: str,
    ways: dict[str, dict[str, Any]],
    unlike: frozenset[str] | set[str] = frozenset(),
) -> dict[str, Any]:
    """Times of all ways, and the error of each against the first in the same run.

    unlike: ways that separate with another model.
    """
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        sides = {}
        for name, way in ways.items():
            say(f"{name}: loading and warming up")
            sides[name] = stack.enter_context(Side(setting, song=song, **way))
        found = in_turn({name: side.run for name, side in sides.items()}, setting.runs)
        path = Path(folder) / "stems.npy"
        reference = sides[REFERENCE].stems(path)
        found["snr"] = {}
        for name in ways.keys() - unlike - {REFERENCE}:
            stems = sides[name].stems(path)
            # One stem alone is the last of the four.
            found["snr"][name] = worst_snr(reference[-len(stems) :], stems)
    return found
