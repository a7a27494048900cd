"""Only what is wanted of a window is inverted, and that makes no difference."""

import gc
import weakref
from functools import lru_cache

import numpy as np
import pytest
import torch
from demucs.hdemucs import HDemucs

from bridge.engine import hybrid
from bridge.engine.demucs import DemucsSeparator
from tests import networks
from tests.engine.test_demucs import music

CLOSE = 1e-6
"""Of the peak: what float32 rounds."""


def old_hybrid():
    """As networks of the first kind of HDemucs are: its spectrograms lie elsewhere."""
    return networks.network(HDemucs, {**networks.HYBRID, "hybrid_old": True})


KINDS = {"HTDemucs": networks.hybrid_transformer, "HDemucs": networks.hybrid, "old": old_hybrid}
HOP = 1024
LENGTHS = (42_997, 20_480, 9001)
SPANS = {
    "all": slice(None),
    "the beginning": slice(0, 700),
    "one frame": slice(5000, 5001),
    "on the hops": slice(4 * HOP, 6 * HOP),
    "beside the hops": slice(3 * HOP - 1, 7 * HOP + 1),
    "but the beginning": slice(6500, None),
    "the end": slice(-300, None),
    "a live hop": slice(-2000, -1500),
}


@lru_cache
def computed(kind, length):
    """A network, what its core gave for two windows, their scale, and all of their stems."""
    network = KINDS[kind]()
    windows = torch.from_numpy(np.stack([music(length, seed) for seed in range(2)]))
    with torch.inference_mode():
        spectrum, wave, scale = hybrid.split(network, windows)
        given = hybrid.TorchCore(network)(spectrum, wave)
        if hasattr(network, "use_train_segment"):
            network.use_train_segment = False
        stems = network(windows)
    return network, given, scale, stems


@pytest.mark.parametrize("wanted", SPANS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_is_that_part_of_the_network_s_own_stems(kind, length, wanted):
    network, (spectrum, wave), scale, stems = computed(kind, length)
    expected = stems[..., SPANS[wanted]]
    with torch.inference_mode():
        found = hybrid.join(network, spectrum, wave, scale, SPANS[wanted])
    assert found.shape == expected.shape
    assert (found - expected).abs().max().item() <= CLOSE * stems.abs().max()


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_is_inverted_than_reaches_what_is_wanted(kind, monkeypatch):
    network, (spectrum, wave), scale, _ = computed(kind, LENGTHS[0])
    inverse, seen = network._ispec, []

    def noting(spectrum, length):
        seen.append(spectrum.shape[-1])
        return inverse(spectrum, length)

    monkeypatch.setattr(network, "_ispec", noting)
    with torch.inference_mode():
        hybrid.join(network, spectrum, wave, scale, slice(-2000, -1500))
    # The last two, which hold the hop, and those before, of one stem after the other.
    assert seen == len(network.sources) * [2 + hybrid.MARGIN]


def test_a_silent_window_among_others_has_as_many_frames():
    separator = DemucsSeparator(networks.hybrid(), name="test")
    windows = [torch.from_numpy(music(9001)), torch.zeros(2, 9001)]
    found = separator.separate_windows(windows, slice(-700, -200))
    assert found.shape == (2, 4, 2, 500)
    assert found[0].any()
    assert not found[1].any()


def test_where_things_are_in_a_spectrogram_is_kept_as_long_as_the_network():
    network = networks.hybrid_transformer()
    windows = torch.from_numpy(music(9001))[None]
    seen = []
    with torch.inference_mode():
        spectrum, wave, _ = hybrid.split(network, windows)
        for _ in range(2):
            hybrid.TorchCore(network)(spectrum, wave)
            (kept,) = hybrid._PLACES[network.crosstransformer].values()
            seen.append(kept.data_ptr())
    assert seen[0] == seen[1]
    gone = weakref.ref(network.crosstransformer)
    del network
    gc.collect()
    assert gone() is None
