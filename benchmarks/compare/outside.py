"""For which share of a bounce no network is being computed: read, resample, STFT, join, write."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks.compare.rounds import in_turn, say
from benchmarks.compare.setting import Setting
from benchmarks.compare.side import Side


def outside(setting: Setting) -> dict[str, Any]:
    """Seconds of whole bounces, and of these with a network being computed, by variant."""
    model, song = setting.networks(), str(setting.audio())
    with ExitStack() as stack:
        sides = {}
        for variant in setting.variants:
            say(f"{variant.name}: loading and warming up")
            way = {"kind": "bounce", "model": model, "variant": variant.name, "song": song}
            sides[variant.name] = stack.enter_context(Side(setting, **way))
        return in_turn({name: side.run for name, side in sides.items()}, setting.runs)
