"""Put a preset's vocal chain, and then a plug-in of your own, on the vocals of a song.

    python plugin_chain.py song.wav out.wav "/path/to/Plugin.vst3" --set mix=0.4

Shows how presets mix with pedalboard code: `Preset.board` is a `pedalboard.Pedalboard`, to which
anything can be appended. pedalboard compensates latency in a call with `reset=True`, the default.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
import soundfile

import bridge


def value_of(text: str) -> bool | float | str:
    """A parameter's value as pedalboard takes it."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Vocals through a preset and a plug-in.")
    parser.add_argument("song", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("plugin", help="a VST3 or Audio Unit")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--preset", default="vocal-cleanup")
    parser.add_argument("--model", help="instead of the preset's")
    chosen = parser.parse_args()

    preset = bridge.Preset.load(chosen.preset)
    board = preset.board(stem="vocals")
    plugin: Any = pedalboard.load_plugin(chosen.plugin)
    for pair in chosen.set:
        name, _, value = pair.partition("=")
        if name not in plugin.parameters:
            sys.exit(f"{chosen.plugin} has no '{name}'; it has {', '.join(plugin.parameters)}")
        setattr(plugin, name, value_of(value))
    board.append(plugin)

    audio, rate = soundfile.read(chosen.song, dtype="float32", always_2d=True)
    model = chosen.model or str(preset.separation.get("model", "auto"))
    stems = bridge.separate(audio.T, rate, model, warn=print)
    vocals = board(stems["vocals"], rate)
    if plugin.reported_latency_samples:
        print(f"the plug-in's {plugin.reported_latency_samples} frames of latency are taken out")
    mix = vocals + sum(stem for name, stem in stems.items() if name != "vocals")
    soundfile.write(chosen.out, np.clip(mix, -1, 1).T, rate, subtype="PCM_24")
    print(f"{chosen.out}: {mix.shape[1]} frames at {rate} Hz")


if __name__ == "__main__":
    main()
