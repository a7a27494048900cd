"""Live stems, moved back by the latency, are those of the same plan on the whole signal."""

import re
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from bridge.core.latency_presets import LATENCY_PRESETS
from bridge.engine.fake import FakeSeparator
from bridge.errors import ServerError
from tests.networks import RATE as NETWORK_RATE
from tests.networks import hybrid_transformer, save_network
from tests.server.hosting import undisturbed
from tests.server.playing import (
    LATENCY,
    RATES,
    announced,
    blocks,
    check,
    expected,
    noise,
    opened,
    played,
)
from tests.server.sidecar import Sidecar

BLOCKS = (64, 512, "random")
EXACT = 1e-6
# On one kind of device only the order of additions may differ.
NETWORK = 1e-4 if torch.cuda.is_available() else 1e-6
PLAIN, RESAMPLED = "fake:segment=4096", "fake:rate=44100,segment=4096"
WINDOW = 42_997
"""Of the small network, whose own look-ahead is 1024."""
# In ms: hops are long with it, since the oracle computes each of them anew.
NETWORK_LATENCY = 2500


@pytest.fixture(scope="module")
def network():
    """The network of the file `weights`, as demucs itself runs it on windows of any length."""

    class Separator:
        network = hybrid_transformer()
        network.use_train_segment = False

        def separate(self, windows):
            with torch.inference_mode():
                return self.network(torch.from_numpy(windows)).numpy()

    return Separator()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("w") / "small.safetensors"
    save_network(hybrid_transformer(), path)
    return str(path)


@pytest.fixture
def stream(sidecar):
    """Opens streams that wait for their stems, and closes them."""
    with ExitStack() as stack:

        def make(rate, block, model, latency=LATENCY, **options):
            options |= {"rate": rate, "block": block}
            return stack.enter_context(opened(sidecar, model, latency, **options))

        yield make


def equals_the_oracle(live, rate, block, seconds, error=EXACT, *, separator=None, seed=0):
    signal = noise(int(seconds * rate), seed=seed)
    stems = played(live, signal, block)
    check(live, stems, signal, expected(live, signal, rate, separator), error)


@pytest.mark.parametrize("model", [PLAIN, RESAMPLED, "spectral"])
def test_at_the_usual_rate_and_block(stream, model):
    equals_the_oracle(stream(48_000, 512, model), 48_000, 512, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("model", [PLAIN, RESAMPLED, "spectral"])
def test_at_every_rate_and_block(stream, model, rate):
    for block in BLOCKS:
        live = stream(rate, announced(block), model)
        equals_the_oracle(live, rate, block, 0.4, seed=rate)


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
def test_a_network_at_every_rate_and_block(stream, weights, network, rate):
    live = stream(rate, 1024, weights, NETWORK_LATENCY)
    assert live.plan.model_rate == NETWORK_RATE
    signal = noise(int(2.5 * rate), seed=rate)
    wanted = expected(live, signal, rate, network)
    for block in BLOCKS:
        check(live, played(live, signal, block), signal, wanted, NETWORK)


@pytest.mark.parametrize("model", [RESAMPLED, "spectral"])
def test_after_resets(stream, model):
    live = stream(48_000, 512, model)
    signal = noise(40_000)
    # Right after another, within a hop, without a hop, one frame long, and a few hops long.
    cuts = [9000, 9001, 9100, 9100, 14_000, 31_111]
    out, start = [], 0
    for stop in [*cuts, signal.shape[1]]:
        out += [live.process(block) for block in blocks(signal[:, start:stop], 512)]
        if stop < signal.shape[1]:
            live.reset()
        start = stop
    stems = np.concatenate([*out, live.drain()], axis=-1)[..., live.latency :]
    parts = [part for part in np.split(signal, cuts, axis=1) if part.size]
    wanted = np.concatenate([expected(live, part, 48_000) for part in parts], axis=-1)
    check(live, stems, signal, wanted, EXACT)


def test_after_a_reset_to_a_grid_that_began_earlier(stream):
    live = stream(48_000, 512, RESAMPLED)
    signal, cut, origin = noise(40_000), 20_000, 18_500
    out = [live.process(block) for block in blocks(signal[:, :cut], 512)]
    live.reset(origin)
    out += [live.process(block) for block in blocks(signal[:, cut:], 512)]
    stems = np.concatenate([*out, live.drain()], axis=-1)[..., live.latency :]
    since = np.pad(signal[:, cut:], ((0, 0), (cut - origin, 0)))
    wanted = [
        expected(live, signal[:, :cut], 48_000),
        expected(live, since, 48_000)[..., cut - origin :],
    ]
    check(live, stems, signal, np.concatenate(wanted, axis=-1), EXACT)


def test_after_changes_of_latency_model_rate_and_block(stream):
    live = stream(48_000, 512, RESAMPLED)
    changes: list[dict[str, Any]] = [
        {"latency": 700},
        {"model": "spectral"},
        {"latency": "auto", "rate": 44_100},
        {"latency": 600, "model": PLAIN, "block": 64},
        {"model": RESAMPLED, "rate": 48_000, "block": 512},
    ]
    rate, block = 48_000, 512
    equals_the_oracle(live, rate, block, 0.3)
    for seed, change in enumerate(changes):
        live.reconfigure(**change)
        rate, block = change.get("rate", rate), change.get("block", block)
        equals_the_oracle(live, rate, block, 0.3, seed=seed)
        equals_the_oracle(live, rate, block, 0.1, seed=seed + 100)  # after the drain


def test_a_refused_change_changes_nothing(stream):
    live = stream(48_000, 512, PLAIN)
    signal = noise(30_000)
    out = [live.process(block) for block in blocks(signal[:, :10_000], 512)]
    with pytest.raises(ServerError, match="no model is called 'fakir'"):
        live.reconfigure(model="fakir")
    out += [live.process(block) for block in blocks(signal[:, 10_000:], 512)]
    stems = np.concatenate([*out, live.drain()], axis=-1)[..., live.latency :]
    check(live, stems, signal, expected(live, signal, 48_000), EXACT)


@pytest.mark.parametrize("model", [RESAMPLED, "spectral"])
def test_one_channel(stream, model):
    live = stream(48_000, 512, model, channels=1)
    signal = noise(20_000, channels=1)
    stems = played(live, signal, "random")
    check(live, stems, signal, expected(live, signal, 48_000), EXACT)
    assert stems.shape == (4, 1, 20_000)


SOME_RATES = [*RATES[:2], *(pytest.param(rate, marks=pytest.mark.slow) for rate in RATES[2:])]


@pytest.mark.parametrize("rate", SOME_RATES)
def test_an_impulse_is_delayed_by_the_latency(stream, rate):
    live = stream(rate, 1024, RESAMPLED, residual=False)
    impulses = np.array([0, 3333, 7200, 12_345, 20_001])
    signal = np.zeros((2, 25_000), np.float32)
    signal[:, impulses] = [[0.9], [-0.5]]
    out = [*(live.process(block) for block in blocks(signal, "random")), live.drain()]
    heard = np.abs(np.concatenate(out, axis=-1))
    assert live.late_frames == 0
    gaps = (impulses[:-1] + impulses[1:]) // 2 + live.latency
    for stem in heard.reshape(8, -1):
        peaks = np.array([part.argmax() for part in np.split(stem, gaps)])
        delays = np.array([0, *gaps]) + peaks - impulses
        assert delays.tolist() == [live.latency] * 5
        assert stem.max() > 0.005


def test_an_impulse_comes_back_unchanged_where_nothing_is_resampled(stream):
    live = stream(44_100, 512, PLAIN, residual=False)
    signal = np.zeros((2, 10_000), np.float32)
    signal[:, 4321] = [0.9, -0.5]
    gains = np.array([0.5, 0.25, 0.0625, 0.125], np.float32)[:, None, None]
    np.testing.assert_array_equal(played(live, signal, "random"), gains * signal)


def test_a_latency_in_milliseconds_is_kept_to_the_frame(stream):
    live = stream(48_000, 512, RESAMPLED, latency=777.7)
    assert live.latency == 37_329
    equals_the_oracle(live, 48_000, 512, 0.8)


def test_auto_is_the_smallest_latency_and_the_error_names_it(stream):
    live = stream(48_000, 512, "spectral", "auto")
    smallest = live.latency
    equals_the_oracle(live, 48_000, 512, 0.3)
    live.reconfigure(latency=None)
    assert live.latency == smallest
    with pytest.raises(ServerError, match=r"2\.0 ms is too short .* or for auto") as refused:
        live.reconfigure(latency=2)
    named = re.search(r"smallest possible is ([\d.]+) ms", str(refused.value))
    assert named, refused.value
    live.reconfigure(latency=float(named[1]))
    assert smallest <= live.latency <= smallest + 0.1 * 48  # tenths of a millisecond
    equals_the_oracle(live, 48_000, 512, 0.3)


@pytest.mark.slow
def test_a_shorter_window_of_a_network(stream, weights, network):
    live = stream(48_000, 512, weights, NETWORK_LATENCY, context=2.5)
    assert live.plan.window == round(2.5 * NETWORK_RATE)
    equals_the_oracle(live, 48_000, 512, 4, NETWORK, separator=network)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("openvino"), reason="OpenVINO is not installed")
def test_a_network_on_openvino(tmp_path_factory, weights, network):
    folder = tmp_path_factory.mktemp("o")
    sidecar = Sidecar(folder, "--calibrate", "0.2")
    sidecar.environment |= {"STEMBRIDGE_ENGINE": "auto", "STEMBRIDGE_CACHE_DIR": str(folder / "k")}
    with sidecar, opened(sidecar, weights, NETWORK_LATENCY, rate=48_000, block=512) as live:
        equals_the_oracle(live, 48_000, 512, 4, 1e-4, separator=network)
    assert list((folder / "k" / "openvino").iterdir())


@pytest.mark.slow
def test_the_average_of_all_runs_that_have_looked_at_a_frame(stream, weights, network):
    live = stream(48_000, 512, weights, "auto", lookahead=1.2)
    assert live.plan.fade == live.plan.lookahead > live.plan.hop
    equals_the_oracle(live, 48_000, 512, 3, NETWORK, separator=network)


@pytest.mark.slow
@pytest.mark.parametrize("name", LATENCY_PRESETS)
def test_a_latency_by_its_name(stream, weights, network, name):
    live = stream(48_000, 512, weights, name)
    preset = LATENCY_PRESETS[name]
    assert live.plan.window == WINDOW // preset.part
    wished = preset.lookahead_at(NETWORK_RATE)
    assert live.plan.lookahead == (1024 if wished < 0 else wished)
    equals_the_oracle(live, 48_000, 512, 2, NETWORK, separator=network)


@pytest.mark.slow
def test_a_chosen_lookahead(stream):
    live = stream(48_000, 512, f"{RESAMPLED},delay=100", lookahead=0.02)
    assert live.plan.lookahead == 882
    equals_the_oracle(live, 48_000, 512, 0.3, separator=FakeSeparator(44_100, 1, delay=100))


@pytest.mark.slow
@pytest.mark.parametrize("model", [RESAMPLED, "spectral"])
def test_in_real_time(stream, model):
    live = stream(48_000, 128, model, latency=800, realtime=True)
    _, late = undisturbed(live, noise(3 * 48_000), EXACT, block=128)
    assert not late.any()
