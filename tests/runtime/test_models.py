"""What a user calls a model, and what that gives."""

from importlib.util import find_spec

import pytest

from bridge.config import BounceSettings
from bridge.errors import ModelError
from bridge.protocol.messages_worker import Load
from bridge.runtime.models import Models
from bridge.runtime.worker_models import make_ready
from tests import networks


def load(name, rate=44100):
    return Models(BounceSettings(model=str(name)), lambda *_: None).load(rate)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fakebook", "fake", "spectral"])
def test_a_file_named_like_a_built_in_model_is_that_file(tmp_path, name):
    networks.save_network(networks.hybrid(), tmp_path / f"{name}.safetensors")
    assert load(tmp_path / f"{name}.safetensors").first.weights_hash
    (tmp_path / f"{name}.safetensors").write_bytes(b"garbage")
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path / f"{name}.safetensors")


def test_a_folder_named_like_a_published_model_does_not_hide_it(tmp_path, monkeypatch):
    (tmp_path / "htdemucs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    with pytest.raises(ModelError, match="models fetch htdemucs"):
        load("htdemucs")


def test_separators_without_weights_work_at_the_rate_of_the_song():
    assert load("spectral", 48000).first.rate == 48000
    assert load("fake", 8000).first.rate == 8000
    assert load("fake:rate=22050", 8000).first.rate == 22050


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("openvino"), reason="OpenVINO is not installed")
def test_a_session_is_told_that_a_network_runs_on_torch_instead(tmp_path, monkeypatch):
    def refuse(*_):
        raise RuntimeError("no such operation")

    monkeypatch.setenv("STEMBRIDGE_ENGINE", "auto")
    monkeypatch.setenv("STEMBRIDGE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("bridge.engine.openvino_core._convert", refuse)
    weights = tmp_path / "small.safetensors"
    networks.save_network(networks.hybrid_transformer(), weights)
    wanted = Load("", str(weights), "exact", 48_000, 2, 0, -1, 1)
    ready = make_ready(BounceSettings(model=str(weights)), wanted)
    (words,) = ready.warnings
    assert words.startswith("small cannot be converted (RuntimeError: no such operation); torch")
    assert list(tmp_path.iterdir()) == [weights]


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("openvino"), reason="OpenVINO is not installed")
@pytest.mark.parametrize("streams", [1, 2])
def test_only_offline_weights_are_dropped(tmp_path, monkeypatch, streams):
    """Live, a window may be shorter than what was converted, and must not wait for a file."""
    monkeypatch.setenv("STEMBRIDGE_ENGINE", "openvino")
    monkeypatch.setenv("STEMBRIDGE_CACHE_DIR", str(tmp_path))
    weights = tmp_path / "small.safetensors"
    networks.save_network(networks.hybrid_transformer(), weights)
    models = Models(BounceSettings(model=str(weights)), lambda *_: None, streams=streams)
    ensemble = models.load(44_100)
    models.prepare(ensemble, ensemble.first.sources, pytest.fail)
    kept = ensemble.first._network.parameters()  # type: ignore[attr-defined]
    assert {weight.is_meta for weight in kept} == {streams > 1}
