"""The offline engine computes what demucs' own `apply_model` computes."""

import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels

from bridge.engine.base import Ensemble, Member
from bridge.engine.demucs import DemucsSeparator, choose_device, load_ensemble
from bridge.engine.offline import OfflineRun, Settings
from bridge.errors import ModelError, UsageError
from tests import networks
from tests.networks import RATE

KINDS = {
    "HTDemucs": networks.hybrid_transformer,
    "HDemucs": networks.hybrid,
    "Demucs": networks.time_only,
}
ODD_BLOCK = 1979  # a prime: no window begins where a block does


@pytest.fixture(scope="module")
def made():
    return {name: make() for name, make in KINDS.items()}


def music(frames, seed=0):
    """Noise with a beat and a tone: nothing is stationary, nothing repeats at a window."""
    generator = np.random.default_rng(seed)
    time = np.arange(frames) / RATE
    tone = np.sin(2 * np.pi * 220 * time * (1 + 0.1 * time / 60))
    beat = np.exp(-10 * (time % 0.47))
    noise = generator.standard_normal((2, frames))
    return (0.1 * tone + 0.1 * beat * noise + 0.01 * noise[::-1]).astype(np.float32)


def alone(network):
    separator = DemucsSeparator(network, name="test")
    return Ensemble("test", (Member(separator, (1.0,) * len(separator.sources)),))


def separate(ensemble, mix, **settings):
    stems = settings.pop("stems", ensemble.first.sources)
    run = OfflineRun(ensemble, mix.shape[1], Settings(stems, **settings))
    cuts = [*range(0, mix.shape[1], ODD_BLOCK), mix.shape[1]]
    blocks = (mix[:, a:b] for a, b in pairwise(cuts))
    return np.concatenate([chunk.stems for chunk in run.run(blocks)], axis=-1)


def assert_equal(found, expected):
    """At most 1e-5 of the reference's peak, and at least 100 dB signal to error, each stem."""
    assert found.shape == expected.shape
    assert np.isfinite(expected).all()
    peak = np.abs(expected).max()
    error = np.abs(found - expected).max() / peak
    noise = np.sum((found - expected).astype(np.float64) ** 2, axis=(1, 2))
    decibels = 10 * np.log10(
        np.sum(expected.astype(np.float64) ** 2, axis=(1, 2)) / (noise + 1e-30)
    )
    print(f"{error:.1e} of the peak, worst stem {decibels.min():.1f} dB")  # noqa: T201 - to quote
    assert error <= 1e-5
    assert decibels.min() >= 100


def lengths(network):
    segment = int(network.samplerate * network.segment)
    stride = int(0.75 * segment)
    return [1, 100, *(n + d for n in (stride, segment) for d in (-1, 0, 1))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", range(8))
def test_equals_apply_model_at_critical_lengths(made, kind, which):
    mix = music(lengths(made[kind])[which])
    assert_equal(separate(alone(made[kind]), mix), networks.reference(made[kind], mix))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_equals_apply_model_over_a_minute(made, kind):
    mix = music(60 * RATE)
    assert_equal(separate(alone(made[kind]), mix), networks.reference(made[kind], mix))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_windows_run_together_give_the_same(made, kind):
    mix = music(120_000)
    together = separate(alone(made[kind]), mix, batch=3)
    assert_equal(together, networks.reference(made[kind], mix))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_digital_silence_stays_finite_and_equal(made, kind):
    mix = music(100_000)
    mix[:, 25_000:] = 0
    assert_equal(separate(alone(made[kind]), mix), networks.reference(made[kind], mix))
    silence = np.zeros((2, 50_000), np.float32)
    found = separate(alone(made[kind]), silence)
    assert np.abs(found - networks.reference(made[kind], silence)).max() <= 1e-7


def ft_like(frames_of_mix):
    made = [networks.hybrid_transformer(seed) for seed in range(4)]
    members = tuple(
        Member(DemucsSeparator(network, name="ft"), tuple(row))
        for network, row in zip(made, networks.FT_WEIGHTS, strict=True)
    )
    return Ensemble("ft", members), BagOfModels(made, networks.FT_WEIGHTS), music(frames_of_mix)


@pytest.mark.slow
@pytest.mark.parametrize("frames", [100, 42_997, 100_000])
def test_bag_like_htdemucs_ft_equals_apply_model(frames):
    ensemble, bag, mix = ft_like(frames)
    assert_equal(separate(ensemble, mix), networks.reference(bag, mix))


@pytest.mark.slow
def test_bag_like_htdemucs_ft_equals_apply_model_over_a_minute():
    ensemble, bag, mix = ft_like(60 * RATE)
    assert_equal(separate(ensemble, mix), networks.reference(bag, mix))


@pytest.mark.slow
def test_one_stem_of_a_bag_runs_one_network_and_gives_the_same():
    ensemble, bag, mix = ft_like(100_000)
    run = OfflineRun(ensemble, mix.shape[1], Settings(("vocals",)))
    whole = OfflineRun(ensemble, mix.shape[1], Settings(ensemble.first.sources))
    assert run.windows * 4 == whole.windows
    vocals = separate(ensemble, mix, stems=("vocals",))
    assert_equal(vocals, networks.reference(bag, mix)[3:])


@pytest.mark.slow
def test_bag_of_kinds_and_segments_with_shared_weights_equals_apply_model(tmp_path):
    weights = [[1.0, 1.0, 0.0, 0.5], [1.0, 0.0, 1.0, 1.0], [0.5, 0.0, 0.0, 1.0]]
    made = [networks.hybrid(1), networks.time_only(2), networks.hybrid_transformer(3)]
    folder = networks.save_bag(tmp_path / "mixed", "mixed", made, weights, segment=5)
    files = tuple(sorted(folder.glob("*.safetensors")))
    ensemble = load_ensemble("mixed", folder / "mixed.yaml", files)
    mix = music(80_000)
    bag = BagOfModels(made, weights, segment=5)
    assert_equal(separate(ensemble, mix), networks.reference(bag, mix))


@pytest.mark.slow
@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.5, 0.9])
def test_every_overlap_equals_apply_model(made, overlap):
    mix = music(75_000)
    found = separate(alone(made["Demucs"]), mix, overlap=overlap)
    assert_equal(found, networks.reference(made["Demucs"], mix, overlap=overlap))


def test_shifts_equal_apply_model_with_the_same_seed(made):
    mix = music(75_000)
    found = separate(alone(made["HDemucs"]), mix, shifts=2, seed=5)
    random.seed(5)  # which a transformer would draw from as well
    assert_equal(found, networks.reference(made["HDemucs"], mix, shifts=2))


@pytest.mark.slow
def test_every_block_of_the_network_counts(made):
    """Were a block left out, the equality above would break: no line of it is idle."""
    original = made["HTDemucs"]
    mix = music(42_997)
    expected = networks.reference(original, mix)
    scales = [
        name for name, module in original.named_modules() if type(module).__name__ == "LayerScale"
    ]
    assert len(scales) > 20
    for name in scales:
        crippled = networks.hybrid_transformer()
        crippled.get_submodule(name).scale.data.zero_()
        with pytest.raises(AssertionError):
            assert_equal(separate(alone(crippled), mix), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_fast_precision_is_near_and_not_exact(made, kind, monkeypatch):
    monkeypatch.setattr("bridge.engine.arithmetic.has_low_precision", lambda _: True)
    mix = music(50_000)
    separator = DemucsSeparator(made[kind], name="fast", precision="fast")
    found = separate(Ensemble("fast", (Member(separator, (1.0,) * 4),)), mix)
    expected = networks.reference(made[kind], mix)
    error = np.sum((found - expected) ** 2, axis=(1, 2))
    decibels = 10 * np.log10(np.sum(expected**2, axis=(1, 2)) / error)
    assert decibels.min() > 25
    assert decibels.min() < 100


def test_loaded_network_is_the_saved_one(tmp_path, made):
    for kind, network in made.items():
        networks.save_network(network, tmp_path / f"{kind}.safetensors")
        loaded = load_ensemble(kind, None, (tmp_path / f"{kind}.safetensors",))
        mix = music(50_000)
        assert np.array_equal(separate(loaded, mix), separate(alone(network), mix))


def test_networks_with_other_sources_do_not_make_a_bag(tmp_path):
    odd = networks.network(
        type(networks.hybrid()), {**networks.HYBRID, "sources": ["a", "b", "c", "d"]}
    )
    folder = networks.save_bag(tmp_path / "odd", "odd", [networks.hybrid(), odd])
    with pytest.raises(ModelError, match="other sources"):
        load_ensemble("odd", folder / "odd.yaml", tuple(sorted(folder.glob("*.safetensors"))))


def test_devices_are_checked():
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in {"cpu", "cuda", "mps"}
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no device 'cuda'"):
            choose_device("cuda")
