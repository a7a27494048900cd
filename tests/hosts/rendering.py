"""Rendering a song through the plug-in in each of the hosts that Python can load."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hosts.plugin import BLOCK, RATE, bundle
from tests.hosts.preset import write_preset


@dataclass(frozen=True)
class Rendered:
    """What main gave, moved back by the latency that the host was told, and how long it took."""

    main: np.ndarray
    latency: int
    seconds: float


Render = Callable[[np.ndarray, dict[str, Any], Path], Rendered]
"""Renders a song with the plug-in in a state, which takes a folder to write a file to."""


def in_pedalboard(song: np.ndarray, state: dict[str, Any], folder: Path) -> Rendered:
    pedalboard = pytest.importorskip("pedalboard")
    plugin = pedalboard.load_plugin(str(bundle()))
    plugin.load_preset(write_preset(folder, state))
    began = time.monotonic()
    main = plugin(song, RATE, buffer_size=BLOCK, reset=True)
    return Rendered(main, plugin.reported_latency_samples, time.monotonic() - began)


def in_dawdreamer(song: np.ndarray, state: dict[str, Any], folder: Path) -> Rendered:
    dawdreamer = pytest.importorskip("dawdreamer", reason="pip install dawdreamer")
    engine = dawdreamer.RenderEngine(RATE, BLOCK)
    plugin = engine.make_plugin_processor("bridge", str(bundle()))
    assert plugin.load_vst3_preset(write_preset(folder, state))
    frames = song.shape[1]
    source = engine.make_playback_processor("song", np.pad(song, ((0, 0), (0, RATE))))
    engine.load_graph([(source, []), (plugin, ["song"])])
    began = time.monotonic()
    engine.render((frames + plugin.get_latency_samples() + BLOCK) / RATE)
    latency = plugin.get_latency_samples()
    main = engine.get_audio()[:2, latency : latency + frames]
    return Rendered(main, latency, time.monotonic() - began)


HOSTS = {"pedalboard": in_pedalboard, "dawdreamer": in_dawdreamer}
