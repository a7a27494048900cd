"""The stems sum to the input, whatever the model, the rate and the channels."""

import numpy as np
import pytest
import soundfile
import soxr

from bridge.config import BounceSettings
from bridge.runtime.bounce import bounce
from bridge.runtime.models import Models
from tests import networks
from tests.audio import real_song
from tests.tiny.evaluate import WEIGHTS

LIMIT = 10 ** (-120 / 20)


@pytest.fixture(scope="module")
def model_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, make in {
        "transformer": networks.hybrid_transformer,
        "hybrid": networks.hybrid,
        "time": networks.time_only,
    }.items():
        networks.save_bag(folder / name, name, [make()])
    four = [networks.hybrid_transformer(seed) for seed in range(4)]
    networks.save_bag(folder / "bag", "bag", four, networks.FT_WEIGHTS)
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """The middle of the real song, as files of several rates and channel counts."""
    folder = tmp_path_factory.mktemp("inputs")
    song, rate = soundfile.read(real_song(), dtype="float32", start=200_000, frames=150_001)
    for name, target in {"44": 44100, "48": 48000, "96": 96000, "22": 22050, "mono": 44100}.items():
        audio = soxr.resample(song, rate, target, quality="VHQ")
        audio = audio.mean(axis=1) if name == "mono" else audio
        soundfile.write(folder / f"{name}.wav", audio, target, subtype="FLOAT")
    return folder


def models():
    return ["fake", "fake:rate=44100,segment=20000", "spectral", "tiny", "transformer", "bag",
            "hybrid", "time"]  # fmt: skip


def chosen(name, model_files):
    if name == "tiny":
        return str(WEIGHTS)
    return name if name.startswith(("fake", "spectral")) else str(model_files / name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["44", "48", "96", "22", "mono"])
@pytest.mark.parametrize("model", models())
def test_stems_sum_to_the_input(model, kind, inputs, model_files, tmp_path):
    settings = BounceSettings(model=chosen(model, model_files), bits="32f")
    loader = Models(settings, lambda *_: None)
    result = bounce(inputs / f"{kind}.wav", tmp_path, settings, loader)
    expected, rate = soundfile.read(inputs / f"{kind}.wav", always_2d=True)
    total = np.zeros(expected.shape)
    loudness = {}
    for name, path in result.paths.items():
        if name != "manifest":
            stem, stem_rate = soundfile.read(path, always_2d=True)
            assert (stem.shape, stem_rate) == (expected.shape, rate)
            loudness[name] = np.abs(stem).max()
            total += stem
    missed = np.abs(total - expected).max()
    print(f"{model}, {kind}: {20 * np.log10(missed + 1e-30):.1f} dBFS")  # noqa: T201 - to quote
    assert missed <= LIMIT
    assert result.manifest["null_peak"] <= LIMIT
    # The mix in one stem and silence in the others would null as well.
    assert all(level > 0 for level in loudness.values())
