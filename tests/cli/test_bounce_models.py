"""Models as users have them: in the hub's cache, in a folder, in one file, or not at all."""

import json
import subprocess
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import pytest
import soundfile
import torch
from demucs.apply import apply_model

from tests import networks
from tests.audio import real_song
from tests.cli.helpers import bounce, good, manifest, music, refused, write


@pytest.fixture(scope="module")
def full_size():
    return networks.full_size()


@pytest.fixture(scope="module")
def cache(full_size, tmp_path_factory):
    """A hub cache with a random full-size htdemucs in it, and no way to ask for more."""
    home = tmp_path_factory.mktemp("hub")
    networks.fill_hub_cache(home, "adefossez/HTDemucs", "htdemucs", [full_size])
    usual = {"OMP_NUM_THREADS": "2", "STEMBRIDGE_ENGINE": "auto"}
    usual["STEMBRIDGE_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    return usual | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}


@pytest.mark.slow
def test_full_size_htdemucs_from_the_cache_equals_demucs(cache, full_size, tmp_path):
    options = ["-m", "htdemucs", "--residual", "off", "--bits", "32f", "-o", "out"]
    good(real_song(), *options, cwd=tmp_path, environment=cache)
    mix, rate = soundfile.read(real_song(), dtype="float32", always_2d=True)
    with torch.no_grad():
        expected = apply_model(full_size, torch.from_numpy(mix.T.copy())[None], shifts=0)[0]
    for index, name in enumerate(networks.FOUR):
        stem, stem_rate = soundfile.read(tmp_path / f"out/{real_song().stem}/{name}.wav")
        assert (len(stem), stem_rate) == (882_000, rate)
        wanted = expected[index].numpy().T.astype(np.float64)
        error = np.abs(stem - wanted).max() / expected.abs().max().item()
        noise = 10 * np.log10(np.sum(wanted**2) / np.sum((stem - wanted) ** 2))
        assert error <= 1e-5
        assert noise >= 100
        print(f"{name}: {error:.1e} of the peak, {noise:.1f} dB")  # noqa: T201 - figures to quote


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("openvino"), reason="OpenVINO is not installed")
def test_a_network_is_prepared_once_and_runs_the_same_as_on_torch(tmp_path):
    networks.save_network(networks.hybrid_transformer(), tmp_path / "small.safetensors")
    write(tmp_path / "song.wav", music(5 * networks.RATE), networks.RATE)
    usual = {"STEMBRIDGE_CACHE_DIR": str(tmp_path / "cache"), "OMP_NUM_THREADS": "2"}
    options = ["song.wav", "-m", "./small.safetensors", "--bits", "32f", "--residual", "off"]
    words = "stembridge: preparing small for this machine, once"
    for folder, engine, told in (("a", "", True), ("b", "openvino", False), ("c", "torch", False)):
        environment = usual | {"STEMBRIDGE_ENGINE": engine}
        ended = good(*options, "-o", folder, cwd=tmp_path, environment=environment)
        assert (words in ended.err) == told
        found = manifest(tmp_path / folder / "song")["identity"]["machine"]["engine"]
        converted = f"openvino {version('openvino')}, conversion "
        assert found == "torch" if folder == "c" else found.startswith(converted)
    for name in networks.FOUR:
        first, second, plain = (
            soundfile.read(tmp_path / folder / f"song/{name}.wav")[0] for folder in "abc"
        )
        np.testing.assert_array_equal(first, second)
        assert 0 < np.abs(first - plain).max() <= 1e-5 * np.abs(plain).max()


def test_an_engine_that_is_not_there_is_refused_in_words(tmp_path):
    networks.save_network(networks.hybrid_transformer(), tmp_path / "small.safetensors")
    write(tmp_path / "song.wav", music(networks.RATE), networks.RATE)
    environment = {"STEMBRIDGE_ENGINE": "tensorrt"}
    ended = bounce("song.wav", "-m", "./small.safetensors", cwd=tmp_path, environment=environment)
    refused(ended, 2, "STEMBRIDGE_ENGINE='tensorrt' is none of auto, openvino, torch")


@pytest.mark.slow
def test_auto_takes_what_is_in_the_cache(cache, tmp_path):
    options = ["--end", "1", "--two-stems", "vocals", "-o", "out"]
    good(real_song(), *options, cwd=tmp_path, environment=cache)
    found = manifest(tmp_path / "out" / real_song().stem)
    assert found["identity"]["model"]["name"] == "htdemucs"
    assert not found["preview"]
    assert "scientific purposes" in found["licence"]


def test_auto_without_weights_says_so_and_separates_all_the_same(tmp_path):
    empty = {"HF_HOME": str(tmp_path / "empty")}
    ended = good(real_song(), "--end", "2", "-o", "out", cwd=tmp_path, environment=empty)
    assert "htdemucs is not on this machine" in ended.err
    found = manifest(tmp_path / "out" / real_song().stem)
    assert found["identity"]["model"]["name"] == "spectral"
    assert found["preview"]
    assert any("htdemucs is not on this machine" in text for text in found["warnings"])


@pytest.mark.slow
def test_model_from_a_folder_a_name_in_it_and_a_file_are_the_same(tmp_path):
    networks.save_bag(tmp_path / "bags", "one", [networks.hybrid()])
    networks.save_bag(tmp_path / "bags", "two", [networks.hybrid(), networks.hybrid()])
    networks.save_bag(tmp_path / "alone", "one", [networks.hybrid()])
    write(tmp_path / "song.wav", music(30_000), networks.RATE)
    choices = ["bags/one", "alone", "alone/00000000.safetensors"]
    stems = []
    for number, choice in enumerate(choices):
        good("song.wav", "-m", tmp_path / choice, "-o", str(number), cwd=tmp_path)
        stems.append((tmp_path / str(number) / "song/vocals.wav").read_bytes())
    assert stems[0] == stems[1] == stems[2]
    ended = bounce("song.wav", "-m", tmp_path / "bags", "-o", "no", cwd=tmp_path)
    refused(ended, 5, "bags/one", "bags/two")


@pytest.mark.slow
def test_hostile_weights_run_nothing(tmp_path):
    marker = tmp_path / "it-ran"
    networks.save_network(networks.hybrid(), tmp_path / "good.safetensors")
    data = (tmp_path / "good.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] |= {
        "klass": "subprocess.check_output",
        "args": json.dumps([["touch", str(marker)]]),
        "kwargs": "{}",
    }
    changed = json.dumps(header).encode()
    (tmp_path / "evil.safetensors").write_bytes(
        len(changed).to_bytes(8, "little") + changed + data[8 + size :]
    )
    ended = bounce(real_song(), "-m", tmp_path / "evil.safetensors", "-o", "out", cwd=tmp_path)
    refused(ended, 5, "subprocess.check_output")
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


def test_no_route_and_no_cache_is_said_at_once(tmp_path):
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not make network namespaces")
    before = ("timeout", "30", "unshare", "-n")
    empty = {"HF_HOME": str(tmp_path / "empty")}
    options = ["-m", "htdemucs", "-o", "out"]
    ended = bounce(real_song(), *options, cwd=tmp_path, before=before, environment=empty)
    refused(ended, 6, "htdemucs")
    assert not (tmp_path / "out").exists()
