"""The VST3 in DawDreamer, which renders every bus and does not compensate the latency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.hosts.plugin import (
    BLOCK,
    NULL_DECIBELS,
    RATE,
    bundle,
    decibels,
    streamed,
    streamed_by,
)
from tests.hosts.preset import wanting, write_preset
from tests.networks import fill_hub_cache, hybrid_transformer
from tests.runtime.test_live_effects import TEXT as EFFECTS

dawdreamer = pytest.importorskip("dawdreamer", reason="pip install dawdreamer")

CHANNELS = 14
BUSES = ("main", "vocals", "drums", "bass", "other", "guitar", "piano")
# The latency in ms to ask for, and the largest difference. The network is a small random one, found
# by its name as a downloaded one is; its hops are long so that it keeps up.
MODELS = {
    "fake": ("auto", 1e-6),
    "fake:rate=44100,segment=4000,delay=100": ("auto", 1e-6),
    "spectral": ("auto", 1e-6),
    "htdemucs": ("8000", 1e-4),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("folder"),
    pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it"),
]


class Track:
    """A graph of the plug-in behind what it plays."""

    def __init__(self, song: np.ndarray, *, preset: str = "", rate: int = RATE, block: int = BLOCK):
        self.song, self.rate = song, rate
        self.engine = dawdreamer.RenderEngine(rate, block)
        padded = np.pad(song, ((0, 0), (0, 4 * rate)))
        source = self.engine.make_playback_processor("song", padded)
        self.plugin = self.engine.make_plugin_processor("bridge", str(bundle()))
        assert not preset or self.plugin.load_vst3_preset(preset)
        self.engine.load_graph([(source, []), (self.plugin, ["song"])])

    def parameter(self, name: str) -> int:
        """Its number."""
        described = self.plugin.get_parameters_description()
        return int(next(one["index"] for one in described if one["name"] == name))

    def render(self) -> dict[str, np.ndarray]:
        """What each bus gives of the song, moved back by the latency that the host is told."""
        frames = self.song.shape[1]
        told = self.plugin.get_latency_samples()
        self.engine.render((frames + max(told, self.rate // 2)) / self.rate)
        heard, latency = self.engine.get_audio(), self.plugin.get_latency_samples()
        assert heard.shape[0] == CHANNELS
        assert latency > 0
        heard = heard[:, latency : latency + frames]
        return {bus: heard[2 * number : 2 * number + 2] for number, bus in enumerate(BUSES)}


@pytest.fixture
def hub(folder: Path) -> None:
    """A small network as `htdemucs`, where the sidecar looks for it."""
    if not (folder / "h").exists():
        fill_hub_cache(folder / "h", "adefossez/HTDemucs", "htdemucs", [hybrid_transformer()])


def test_without_a_sidecar_main_and_other_are_the_input(song):
    heard = Track(song).render()
    assert decibels(heard["main"] - song) <= NULL_DECIBELS
    assert decibels(heard["other"] - song) <= NULL_DECIBELS
    assert not heard["vocals"].any()


@pytest.mark.parametrize("rate", [22_050, 44_100, 192_000])
@pytest.mark.parametrize("block", [1, 64, 8192])
def test_the_latency_is_exact_at_every_rate_and_block(song, rate, block):
    part = song[:, : max(1000, block)]
    track = Track(part, rate=rate, block=block)
    heard = track.render()
    assert track.plugin.get_latency_samples() > 3 * block
    assert decibels(heard["main"] - part) <= NULL_DECIBELS


@pytest.mark.usefixtures("hub")  # before the server
@pytest.mark.parametrize("model", MODELS)
def test_every_bus_is_that_of_the_stream(server, song, model):
    latency, error = MODELS[model]
    stems, plan = streamed_by(server, song, model, latency)
    state = wanting(model, rate=RATE, plan=plan)
    heard = Track(song, preset=write_preset(server.folder, state)).render()
    for name, wanted in stems.items():
        assert decibels(wanted) > -40, name
        assert np.abs(heard[name] - wanted).max() < error, name
    assert decibels(heard["main"] - song) <= NULL_DECIBELS
    assert not heard["guitar"].any()
    assert not heard["piano"].any()


def test_stems_pass_the_effects_of_the_preset(server, song):
    presets = server.folder / "c" / "presets"
    presets.mkdir(exist_ok=True)
    (presets / "live.toml").write_text(EFFECTS)
    dry = streamed(server, song)
    stems, plan = streamed_by(server, song, preset="live")
    assert plan["effects"] > 0
    state = wanting("spectral", rate=RATE, plan=plan, preset="live")
    heard = Track(song, preset=write_preset(server.folder, state)).render()
    for name, wanted in stems.items():
        assert np.abs(heard[name] - wanted).max() < 1e-6, name
    assert np.abs(heard["main"] - sum(stems.values())).max() < 1e-6
    assert max(np.abs(stems[name] - dry[name]).max() for name in stems) > 0.01


def test_automation_is_heard_where_it_is(server, song):
    vocals = streamed(server, song)["vocals"]
    track = Track(song)
    number = track.parameter("Vocals Mute")
    track.render()
    latency, switch = track.plugin.get_latency_samples(), 2 * RATE
    mutes = np.zeros(song.shape[1] + latency + RATE, np.float32)
    mutes[switch:] = 1
    assert track.plugin.set_automation(number, mutes)
    main = track.render()["main"]
    # Blocks are what DawDreamer reads automation by; the ramp takes 10 ms.
    before, after = switch - latency - BLOCK, switch - latency + BLOCK + RATE // 100
    assert decibels((main - song)[:, :before]) <= NULL_DECIBELS
    assert np.abs((main - (song - vocals))[:, after:]).max() < 1e-6


def test_stem_buses_are_raw_or_post_fader(server, song):
    stems, plan = streamed_by(server, song)
    state = wanting("spectral", rate=RATE, plan=plan)
    faders = {"vocals": 10 ** (-6.5 / 20), "drums": 0.0, "bass": 1.0, "other": 1.0}
    for post_fader in (0, 1):
        parameters = {"vocals_gain": -6.5, "drums_mute": 1, "stem_buses": post_fader}
        preset = write_preset(server.folder, state | {"parameters": parameters})
        heard = Track(song, preset=preset).render()
        for name, wanted in stems.items():
            gain = faders[name] if post_fader else 1.0
            assert np.abs(heard[name] - gain * wanted).max() < 1e-6, name
        mix = sum(gain * stems[name] for name, gain in faders.items())
        assert np.abs(heard["main"] - mix).max() < 1e-6


def test_a_saved_state_brings_everything_back(server, song, tmp_path):
    stems, plan = streamed_by(server, song, latency="1000")
    state = wanting("spectral", rate=RATE, plan=plan)
    state["parameters"] = {"vocals_gain": -6.5, "drums_mute": 1}
    first = Track(song, preset=write_preset(server.folder, state))
    before, latency = first.render(), first.plugin.get_latency_samples()
    saved = str(tmp_path / "state")
    first.plugin.save_state(saved)
    del first  # ends its session, beside which there need not be room for another

    second = Track(song)
    assert second.plugin.get_latency_samples() != latency
    second.plugin.load_state(saved)
    after = second.render()
    assert second.plugin.get_latency_samples() == latency
    turned = song - stems["drums"] - (1 - 10 ** (-6.5 / 20)) * stems["vocals"]
    assert np.abs(after["main"] - turned).max() < 1e-6
    for bus, heard in before.items():
        assert np.abs(after[bus] - heard).max() < 1e-6, bus
