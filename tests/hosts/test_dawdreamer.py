"""The VST3 in DawDreamer, which renders every bus and does not compensate the latency."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hosts.plugin import BLOCK, NULL_DECIBELS, RATE, bundle, decibels, streamed

dawdreamer = pytest.importorskip("dawdreamer", reason="pip install dawdreamer")

CHANNELS = 14
BUSES = ("main", "vocals", "drums", "bass", "other", "guitar", "piano")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("folder"),
    pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it"),
]


def rendered(song: np.ndarray) -> dict[str, np.ndarray]:
    """What each bus gives of the song, moved back by the latency that the host is told."""
    engine = dawdreamer.RenderEngine(RATE, BLOCK)
    source = engine.make_playback_processor("song", np.pad(song, ((0, 0), (0, RATE))))
    plugin = engine.make_plugin_processor("bridge", str(bundle()))
    engine.load_graph([(source, []), (plugin, ["song"])])
    engine.render(song.shape[1] / RATE + 0.5)
    heard = engine.get_audio()
    latency = plugin.get_latency_samples()
    assert heard.shape[0] == CHANNELS
    assert latency > 0
    heard = heard[:, latency : latency + song.shape[1]]
    return {bus: heard[2 * number : 2 * number + 2] for number, bus in enumerate(BUSES)}


def test_without_a_sidecar_main_and_other_are_the_input(song):
    heard = rendered(song)
    assert decibels(heard["main"] - song) <= NULL_DECIBELS
    assert decibels(heard["other"] - song) <= NULL_DECIBELS
    assert not heard["vocals"].any()


def test_every_bus_is_that_of_the_stream(server, song):
    heard = rendered(song)
    for name, wanted in streamed(server, song).items():
        assert decibels(wanted) > -40, name
        assert np.abs(heard[name] - wanted).max() < 1e-6, name
    assert decibels(heard["main"] - song) <= NULL_DECIBELS
    assert not heard["guitar"].any()
    assert not heard["piano"].any()
