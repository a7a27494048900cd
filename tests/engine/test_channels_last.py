"""Networks with channels last are the same networks."""

from collections import Counter
from typing import Any

import pytest
import torch
from demucs.hdemucs import HDecLayer, HDemucs, HEncLayer
from demucs.htdemucs import HTDemucs
from demucs.transformer import MyGroupNorm

from bridge.engine import hybrid
from bridge.engine.channels_last import Decode, Encode, Normalise, channels_last
from tests import networks
from tests.engine.test_demucs import music

GOOD_DB, FRAMES = 110, 20_480


def transformer(**changes):
    return networks.network(HTDemucs, {**networks.HYBRID_TRANSFORMER, **changes})


def old(**changes):
    return networks.network(HDemucs, {**networks.HYBRID, **changes})


def varied(network):
    """No norm or scale is alike for two channels, so that none can be left out or exchanged."""
    for name, parameter in network.named_parameters():
        if parameter.dim() == 1:
            random = torch.Generator().manual_seed(len(name))
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=random)
    return network


# Of both branches: how many layers of the encoder and of the decoder are others then.
KINDS: dict[str, tuple[Any, dict[str, Any], int, int]] = {
    "HTDemucs": (transformer, {}, 8, 8),
    "HDemucs": (old, {}, 8, 8),
    "old HDemucs": (old, {"hybrid_old": True}, 8, 8),
    "without residuals": (transformer, {"dconv_mode": 0}, 0, 8),
    "residuals on both ways": (transformer, {"dconv_mode": 3}, 8, 0),
    "an LSTM all the way": (old, {"dconv_lstm": 0}, 0, 8),
    "attention from the second on": (old, {"dconv_attn": 2, "channels": 16}, 4, 8),
    "normalised": (transformer, {"norm_starts": 1}, 2, 2),
    "not rewritten": (transformer, {"rewrite": False}, 0, 0),
    "wide kernels": (transformer, {"context": 2, "dconv_depth": 3, "dconv_comp": 4}, 8, 8),
    "a transposed kernel that the stride does not divide": (transformer, {"kernel_size": 6}, 8, 0),
    "no norm, LSTM or attention": (
        old,
        {"norm_starts": 9, "dconv_lstm": 9, "dconv_attn": 9},
        10,
        10,
    ),
    "some layers for each band": (old, {"multi_freqs": [0.25], "multi_freqs_depth": 2}, 6, 6),
    "another context": (transformer, {"context_enc": 1, "time_stride": 4, "dconv_depth": -2}, 8, 8),
    "group norms": (transformer, {"t_group_norm": True, "t_norm_in_group": True}, 8, 8),
    "no transformer": (transformer, {"t_layers": 0}, 8, 8),
    "six stems": (transformer, {"sources": [*networks.FOUR, "guitar", "piano"]}, 8, 8),
}


def core_of(network, frames):
    """What the core of a network makes of two windows."""
    windows = torch.stack([torch.from_numpy(music(frames, seed)) for seed in range(2)])
    with torch.inference_mode():
        return hybrid.TorchCore(network)(*hybrid.split(network, windows)[:2])


def decibels(found, expected):
    return float(10 * torch.log10((expected**2).sum() / ((found - expected) ** 2).sum()))


@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_with_channels_last_computes_the_same(kind, tiled):
    make, changes, encoders, decoders = KINDS[kind]
    network = varied(make(**changes))
    made = channels_last(network, tiled=tiled)
    kinds = Counter(type(module) for module in made.modules())
    assert (kinds[Encode], kinds[Decode]) == (encoders, decoders)
    expected = core_of(network, FRAMES)
    for found, wanted in zip(core_of(made, FRAMES), expected, strict=True):
        assert decibels(found, wanted) >= GOOD_DB
    # The one that was given is as it was.
    assert not any(isinstance(m, Encode | Decode | Normalise) for m in network.modules())
    for found, wanted in zip(core_of(network, FRAMES), expected, strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("frames", [20_480, 9001, 9002, 9003])
def test_any_length_of_window(frames):
    network = varied(transformer())
    expected = core_of(network, frames)
    for found, wanted in zip(
        core_of(channels_last(network, tiled=True), frames), expected, strict=True
    ):
        assert decibels(found, wanted) >= GOOD_DB


def test_all_layers_of_the_published_networks_are_other_ones_which_share_the_weights():
    network = networks.full_size()
    made = channels_last(network, tiled=True)
    left = {HEncLayer, HDecLayer, MyGroupNorm} & {type(module) for module in made.modules()}
    assert not left
    shared = {tensor.data_ptr() for tensor in network.parameters()}
    assert {tensor.data_ptr() for tensor in made.parameters()} == shared


@pytest.mark.parametrize(("tiled", "wide"), [(True, 0), (False, 8)])
def test_wide_kernels_of_a_decoder_are_tiled_where_that_is_asked_for(monkeypatch, tiled, wide):
    """Two halves of four layers."""
    convolve = torch.nn.functional.conv2d
    kernels: Counter[tuple[int, ...]] = Counter()

    def counting(x, weight, *others, **options):
        kernels[tuple(weight.shape[2:])] += 1
        return convolve(x, weight, *others, **options)

    monkeypatch.setattr(torch.nn.functional, "conv2d", counting)
    core_of(channels_last(transformer(), tiled=tiled), FRAMES)
    assert (kernels[3, 3], kernels[1, 3]) == (wide, 6 * (8 - wide))
