"""Networks on OpenVINO: what they compute, what is kept on disk, and what is left to torch."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from demucs.demucs import DConv
from demucs.htdemucs import HTDemucs

from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.engine import demucs, openvino_core
from bridge.engine.base import Ensemble, Member
from bridge.engine.channels_last import Normalise, _Block
from bridge.engine.demucs import DemucsSeparator, load_ensemble
from bridge.engine.hybrid import has_core
from bridge.engine.live_model import live_model
from bridge.engine.openvino_core import OpenVinoCore, Place, choose_place
from bridge.engine.weights import load_network
from bridge.errors import ConversionError, ModelError, UsageError
from bridge.runtime.cores import cores
from bridge.runtime.models import prepare
from tests import networks
from tests.engine.test_demucs import assert_equal, music, separate
from tests.networks import RATE

pytestmark = pytest.mark.skipif(not find_spec("openvino"), reason="OpenVINO is not installed")
KINDS = {"HTDemucs": networks.hybrid_transformer, "HDemucs": networks.hybrid}
GOOD_DB = 100

PARTS = [SimpleNamespace(low_precision=low) for low in (True, False)]


def nothing():
    pass


def decibels(found, expected):
    """Signal to error of the worst stem; both (S, C, T)."""
    error = np.sum((found - expected).astype(np.float64) ** 2, axis=(1, 2))
    return float((10 * np.log10(np.sum(expected**2, axis=(1, 2)) / error)).min())


def on_openvino(network, place, name="", **settings):
    """A separator that is ready for whole windows; `name` stands for its weights."""
    convert = partial(OpenVinoCore, weights_hash=name, place=place)
    separator = DemucsSeparator(
        network, name="test", convert=convert, streams=place.streams, **settings
    )
    separator.prepare(separator.segment, nothing)
    assert separator._cores or not has_core(network)
    return separator


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("openvino")


@pytest.fixture(scope="module", params=KINDS)
def made(request, folder):
    """A network, and the same on OpenVINO, two windows at once."""
    network = KINDS[request.param]()
    return network, on_openvino(network, Place(folder, 2, 2, low_precision=False), request.param)


@pytest.mark.slow
def test_exact_equals_apply_model(made):
    network, separator = made
    mix = music(int(2.6 * separator.segment))
    found = separate(Ensemble("test", (Member(separator, (1.0,) * 4),)), mix)
    assert_equal(found, networks.reference(network, mix))


@pytest.mark.slow
def test_windows_at_once_and_in_a_batch_are_those_alone(made):
    _, separator = made
    windows = [music(separator.segment, seed)[None] for seed in range(4)]
    alone = [separator.separate(window) for window in windows]
    with ThreadPoolExecutor(4) as pool:
        for found, expected in zip(pool.map(separator.separate, windows), alone, strict=True):
            np.testing.assert_array_equal(found, expected)
    together = separator.separate(np.concatenate(windows))
    np.testing.assert_array_equal(together, np.concatenate(alone))


@pytest.mark.slow
def test_a_window_alone_runs_on_all_threads_and_comes_out_as_among_others(made):
    _, separator = made
    windows = np.stack([music(separator.segment, seed) for seed in range(2)])
    expected = separator.separate(windows)
    for _ in range(2):  # its memory is given back in between
        found = separator.separate(windows, alone=True)
        for one, other in zip(found, expected, strict=True):
            assert decibels(one, other) > GOOD_DB
    (core,) = separator._cores.values()
    (part,) = core._alone
    assert part.get_property("NUM_STREAMS") == 1
    assert part.get_property("INFERENCE_NUM_THREADS") == min(2, cores())
    np.testing.assert_array_equal(separator.separate(windows), expected)


@pytest.mark.slow
@pytest.mark.parametrize("low_precision", [False, True])
def test_a_window_alone_beside_a_network_that_was_on_disk(folder, low_precision):
    network, name = networks.hybrid_transformer(), f"warm-{low_precision}"
    place = Place(folder, 2, 2, low_precision=low_precision)
    cold, warm = (on_openvino(network, place, name) for _ in range(2))
    window = music(cold.segment)[None]
    expected = cold.separate(window)
    np.testing.assert_array_equal(warm.separate(window), expected)
    alone = [one.separate(window, alone=True) for one in (cold, warm)]
    np.testing.assert_array_equal(*alone)
    assert decibels(alone[0][0], expected[0]) > GOOD_DB
    np.testing.assert_array_equal(warm.separate(window), expected)


@pytest.mark.slow
def test_where_the_second_copy_fails_a_window_runs_as_among_others(made, monkeypatch):
    _, separator = made
    window = music(separator.segment)[None]
    expected = separator.separate(window)
    (core,) = separator._cores.values()
    for error in (MemoryError, RuntimeError):

        def fail(*_, error=error):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(core, "_alone", [])
            patch.setattr(core, "_found", fail)
            np.testing.assert_array_equal(separator.separate(window, alone=True), expected)


@pytest.mark.slow
def test_what_is_not_on_disk_runs_alone_as_among_others(tmp_path):
    network = networks.hybrid_transformer()
    separator = on_openvino(network, Place(tmp_path, 2, 2, low_precision=False))
    window = music(separator.segment)[None]
    found = separator.separate(window, alone=True)
    np.testing.assert_array_equal(found, separator.separate(window))


@pytest.mark.slow
def test_silence_among_windows_is_silent_and_changes_no_other(made):
    _, separator = made
    window = music(separator.segment)[None]
    silence = np.zeros_like(window)
    found = separator.separate(np.concatenate([silence, window, silence]))
    assert not found[[0, 2]].any()
    np.testing.assert_array_equal(found[1:2], separator.separate(window))


@pytest.mark.slow
def test_parts_of_their_own_precision_give_the_same(made, folder):
    """Where the CPU has no bfloat16 they are exact as well."""
    network, separator = made
    name = f"{type(network).__name__}-parts"
    parts = on_openvino(network, Place(folder, 2, 1, low_precision=True), name, precision="fast")
    window = music(separator.segment)[None]
    found, expected = parts.separate(window)[0], separator.separate(window)[0]
    least = 30 if openvino_core.has_bfloat16() else GOOD_DB
    assert decibels(found, expected) > least


@pytest.mark.slow
def test_weights_are_dropped_once_they_are_converted_and_loaded_when_they_are_needed(
    folder, tmp_path
):
    network, path = networks.hybrid_transformer(), tmp_path / "net.safetensors"
    networks.save_network(network, path)
    place = Place(folder, 2, 1, low_precision=False)
    plain: Any = load_ensemble("net", None, (path,)).first
    separator: Any = load_ensemble("net", None, (path,), place=place, drop_weights=True).first
    assert all(weight.is_meta for weight in separator._network.parameters())  # not read yet

    def check(window):
        found, expected = (
            one.separate_windows([window], slice(None)) for one in (separator, plain)
        )
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()

    separator.prepare(separator.segment, nothing)
    assert all(weight.is_meta for weight in separator._network.parameters())
    whole = torch.from_numpy(music(separator.segment))
    half = whole[:, : separator.segment // 2].contiguous()
    for window in (whole, half, whole):
        check(window)
    separator.prepare(half.shape[-1], nothing)
    check(half)
    assert all(weight.is_meta for weight in separator._network.parameters())
    path.write_bytes(path.read_bytes() + b" ")
    quarter = half[:, : separator.segment // 4].contiguous()
    with pytest.raises(ModelError, match="was changed while it was in use; start again"):
        check(quarter)


@pytest.mark.slow
def test_weights_of_what_was_converted_are_not_read(folder, tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    networks.save_network(networks.hybrid_transformer(), path)
    place = Place(folder, 2, 1, low_precision=False)

    def load():
        return load_ensemble("net", None, (path,), place=place, drop_weights=True).first

    first, second = load(), load()
    first.prepare(first.segment, nothing)
    monkeypatch.setattr(DemucsSeparator, "_whole", lambda _: pytest.fail("they were read"))
    second.prepare(second.segment, nothing)
    window = music(first.segment)[None]
    np.testing.assert_array_equal(first.separate(window), second.separate(window))


def test_a_network_that_needs_its_weights_is_loaded_once(tmp_path, monkeypatch):
    """A pickle brings them in any case; HDemucs is left to torch where a window is shorter."""
    path, loaded = tmp_path / "net.th", list[Any]()

    def load(path, **settings):
        loaded.append(path)
        return load_network(path, **settings)

    monkeypatch.setattr(demucs, "load_network", load)
    networks.save_pickle(networks.hybrid(), path)
    place = Place(tmp_path, 2, 1, low_precision=False)
    separator = load_ensemble(
        "net", None, (path,), place=place, drop_weights=True, allow_pickle=True
    ).first
    assert len(loaded) == 1
    assert separator.separate(music(separator.segment)[None]).any()


@pytest.mark.slow
def test_weights_that_are_damaged_are_an_error_not_a_reason_to_run_torch(folder, tmp_path):
    network, path = networks.hybrid_transformer(), tmp_path / "net.safetensors"
    with torch.no_grad():
        next(network.parameters()).fill_(torch.nan)
    networks.save_network(network, path)
    place = Place(folder, 2, 1, low_precision=False)
    separator = load_ensemble("net", None, (path,), place=place, drop_weights=True).first
    with pytest.raises(ModelError, match="is damaged; fetch it again"):
        prepare(separator, separator.segment, pytest.fail)


@pytest.mark.slow
def test_what_was_converted_is_found_again_unless_it_is_damaged(made, folder):
    network, separator = made
    kept = folder / "kept"
    place, told = Place(kept, 2, 1, low_precision=False), []
    window = music(separator.segment)[None]
    expected = separator.separate(window)

    def load(name="weights"):
        separator = DemucsSeparator(
            network, name="test", convert=partial(OpenVinoCore, weights_hash=name, place=place)
        )
        separator.prepare(separator.segment, lambda: told.append(name))
        assert decibels(separator.separate(window)[0], expected[0]) > GOOD_DB

    load()
    load()
    assert told == ["weights"]
    (one,) = kept.iterdir()
    blob = (one / "0.blob").read_bytes()
    (one / "0.blob").write_bytes(blob[:-1])
    load()
    assert told == ["weights"] * 2
    load()
    assert told == ["weights"] * 2
    assert len(list(kept.iterdir())) == 1
    shutil.rmtree(kept)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("low_precision", [False, True])
def test_what_is_converted_has_channels_last(tmp_path, low_precision):
    """And multiplies less where that costs no bit that counts."""
    network = networks.network(HTDemucs, networks.HYBRID_TRANSFORMER)
    place = Place(tmp_path, 2, 1, low_precision)
    models = openvino_core._convert(network, network.valid_length(1), place)
    operations = [one for model in models for one in model.get_ops()]
    assert any("gated" in one.get_friendly_name() for one in operations)
    kinds = [one for one in operations if one.get_type_name() == "Convolution"]
    kernels = {tuple(one.input(1).get_shape())[2:] for one in kinds}
    assert ((3, 3) in kernels, (1, 3) in kernels) == (low_precision, not low_precision)


@pytest.mark.slow
def test_other_lengths_are_left_to_torch(made):
    network, separator = made
    window = torch.from_numpy(music(separator.segment // 2))
    wanted = slice(100, 2000)
    expected = DemucsSeparator(network, name="test").separate_windows([window], wanted)
    np.testing.assert_array_equal(separator.separate_windows([window], wanted), expected)


@pytest.mark.slow
def test_live_windows_run_on_it(made):
    network, separator = made
    plan = LivePlan(design(RATE, RATE), design(RATE, RATE), 2000, 500, separator.segment)
    found, expected = (
        _live(live_model(Ensemble("x", (Member(one, (1.0,) * 4),))), plan)
        for one in (separator, DemucsSeparator(network, name="test"))
    )
    assert decibels(found, expected) > GOOD_DB - 10  # of a quiet stretch of the window


def _live(model, plan):
    context = model.open(plan)
    context.push(music(plan.window))
    return model.run([context])[0]


@pytest.mark.slow
def test_nothing_is_reported_to_anybody(made):  # noqa: ARG001 - it was converted
    loaded = {name for name, module in sys.modules.items() if module is not None}
    assert not {name for name in loaded if name.startswith("openvino_telemetry")}


def test_only_networks_with_a_core_are_converted():
    def convert(*_):
        raise AssertionError

    separator = DemucsSeparator(networks.time_only(), name="test", convert=convert)
    separator.prepare(separator.segment, nothing)


def test_a_network_that_cannot_be_converted_says_so():
    def convert(*_):
        raise RuntimeError("no such\noperation")

    separator = DemucsSeparator(networks.hybrid(), name="odd", convert=convert)
    with pytest.raises(ConversionError, match=r"^odd cannot be converted \(RuntimeError: no such"):
        separator.prepare(separator.segment, nothing)
    assert separator.separate(music(separator.segment)[None]).any()  # torch does it


def test_the_engine_is_chosen_by_the_device_and_the_wish(tmp_path):
    choose = partial(choose_place, folder=tmp_path, streams=2, low_precision=False)
    assert choose("auto", device="cpu") == choose("openvino", device="cpu")
    assert choose("auto", device="cuda") is None
    assert choose("torch", device="cpu") is None
    with pytest.raises(UsageError, match="STEMBRIDGE_ENGINE='tensorrt' is none of auto, openvino"):
        choose("tensorrt", device="cpu")
    with pytest.raises(UsageError, match="cannot use cuda"):
        choose("openvino", device="cuda")


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_what_is_normalised_over_a_long_time_stays_exact():
    """OpenVINO adds up a row in single precision: with one of a million numbers 99 dB are left."""
    openvino = openvino_core._openvino()
    norm = torch.nn.GroupNorm(1, 12)
    torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
    x = 0.3 + 1.5 * torch.randn(1, 85_995, 12, generator=torch.Generator().manual_seed(0))
    converted = openvino.convert_model(Normalise(norm), example_input=x, input=[list(x.shape)])
    compiled = openvino.Core().compile_model(converted, "CPU")
    found = compiled([x.numpy()])[0]
    with torch.no_grad():
        expected = norm.double()(x.double().transpose(1, 2)).transpose(1, 2).numpy()
    assert decibels(found, expected) >= 120


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("shape", [(1, 485_100, 48), (8, 336, 48), (2, 1001, 96)])
def test_a_block_stays_exact(shape):
    """Windows of HDemucs last 44 s. Sums of as many numbers, one after the other, left 85 dB."""
    openvino, random = openvino_core._openvino(), torch.Generator().manual_seed(1)
    layer = DConv(shape[2], 4, depth=1).layers[0].eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, 0.5, 0.5, generator=random)
    block = _Block(layer)
    x = torch.randn(*shape, generator=random)
    with torch.inference_mode():
        expected = block.double()(x.double())
        block.float()
        converted = openvino.convert_model(block, example_input=x, input=[list(x.shape)])
    compiled = openvino.Core().compile_model(converted, "CPU")
    found = compiled([x.numpy()])[0].astype(float)
    added, wanted = found - x.numpy(), (expected - x).numpy()
    assert decibels(added, wanted) >= 105


def test_what_a_compiled_network_depends_on_is_in_its_key(tmp_path, monkeypatch):
    def key(weights="a", frames=100, processor="one", **place):
        places = Place(tmp_path, 2, 1, low_precision=False)
        options = [openvino_core._options(part, replace(places, **place)) for part in PARTS]
        return tuple(openvino_core._key(weights, frames, processor, options))

    places: list[dict[str, Any]] = [{"threads": 4}, {"streams": 2}, {"low_precision": True}]
    keys = [key(), key("b"), key(frames=101), key(processor="two"), *(key(**one) for one in places)]
    monkeypatch.setattr(openvino_core, "version", lambda name: f"another {name}")
    keys.append(key())
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("threads", "streams"), [(1, 1), (2, 2), (3, 1), (4, 2), (16, 2)])
def test_windows_at_once_have_a_thread_each_or_two_at_least(
    tmp_path, monkeypatch, threads, streams
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    place = choose_place("auto", tmp_path, "cpu", streams=2, low_precision=False)
    assert place == Place(tmp_path, threads, streams, low_precision=False)
    live = choose_place("auto", tmp_path, "cpu", streams=1, low_precision=False)
    assert live == Place(tmp_path, threads, 1, low_precision=False)
