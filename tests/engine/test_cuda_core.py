"""Cores of CUDA devices, as far as a CPU goes: all but the recording itself, which is done anew."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.engine import arithmetic as numbers
from bridge.engine.base import Ensemble, Member
from bridge.engine.cuda_core import CudaCore, CudaPlace, choose_cuda_place, to_host
from bridge.engine.demucs import DemucsSeparator, load_ensemble
from bridge.engine.hybrid import TorchCore, split
from bridge.engine.live_model import live_model
from bridge.errors import ModelError
from tests import networks
from tests.engine.test_demucs import assert_equal, music, separate

KINDS = {"HTDemucs": networks.hybrid_transformer, "HDemucs": networks.hybrid}
FRAMES = 9001


def nothing():
    pass


class Recorder:
    """Keeps work as a graph would, which only knows the memory that it was recorded with."""

    def __init__(self, most=99):
        self.most = most
        self.sizes, self.replayed = [], []

    def __call__(self, work, device):
        assert device.type == "cpu"
        (size,) = work.args
        self.sizes.append(size)
        if size > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        work()

        def replay():
            self.replayed.append(size)
            work()

        return replay


def made(name, sizes, recorder, **settings):
    network = KINDS[name]()
    place = CudaPlace(tuple(sizes), **settings)
    return network, CudaCore(network, FRAMES, nothing, place=place, record=recorder)


def windows(network, count):
    mix = torch.from_numpy(np.stack([music(FRAMES, seed) for seed in range(count)]))
    with torch.inference_mode():
        return split(network, mix)[:2]


@pytest.mark.parametrize("kind", KINDS)
def test_recorded_and_other_batches_are_what_torch_computes(kind):
    recorder = Recorder()
    network, core = made(kind, (1, 3), recorder)
    assert recorder.sizes == [3, 1]
    with torch.inference_mode():
        for size in (3, 2, 1, 3):
            given = windows(network, size)
            for found, expected in zip(core(*given), TorchCore(network)(*given), strict=True):
                assert found.shape == expected.shape
                assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert recorder.replayed == [3, 1, 3]  # the batch of 2 ran by itself


def test_what_was_given_is_not_overwritten_by_the_next_run():
    network, core = made("HDemucs", (1,), Recorder())
    one, other = (tuple(g[n : n + 1] for g in windows(network, 2)) for n in (0, 1))
    with torch.inference_mode():
        first = core(*one)
        kept = [tensor.clone() for tensor in first]
        core(*other)
    assert all(map(torch.equal, first, kept))


def test_threads_get_the_stems_of_their_own_windows():
    network, core = made("HDemucs", (1,), Recorder())
    given = [tuple(g[n : n + 1] for g in windows(network, 4)) for n in range(4)]

    def run(one):
        with torch.inference_mode():
            return core(*one)

    alone = [run(one) for one in given]
    with ThreadPoolExecutor(4) as pool:
        for found, expected in zip(pool.map(run, given), alone, strict=True):
            assert all(map(torch.equal, found, expected))


def test_batches_that_memory_does_not_hold_are_left_to_torch():
    recorder = Recorder(most=2)
    network, core = made("HDemucs", (1, 2, 4), recorder)
    with torch.inference_mode():
        core(*windows(network, 4))
        core(*windows(network, 2))
    assert recorder.replayed == [2]


def test_a_network_that_cannot_be_recorded_says_so_and_runs():
    convert = partial(CudaCore, place=CudaPlace((1, 2)), record=Recorder(most=0))
    separator = DemucsSeparator(networks.hybrid(), name="odd", convert=convert)
    with pytest.raises(ModelError, match=r"^odd cannot be converted \(OutOfMemoryError: CUDA out"):
        separator.prepare(FRAMES, nothing)
    assert separator.separate_windows([torch.from_numpy(music(FRAMES))], slice(None)).any()


def test_a_song_in_batches_equals_apply_model():
    network, recorder = networks.hybrid_transformer(), Recorder()
    convert = partial(CudaCore, place=CudaPlace((2,)), record=recorder)
    separator = DemucsSeparator(network, name="test", convert=convert, streams=2)
    separator.prepare(separator.segment, nothing)
    mix = music(int(2.4 * separator.segment))
    found = separate(Ensemble("test", (Member(separator, (1.0,) * 4),)), mix, batch=2)
    assert_equal(found, networks.reference(network, mix))
    assert recorder.replayed == [2, 2]


def test_windows_of_sessions_are_one_batch_for_each_network_of_a_bag():
    recorders = [Recorder(), Recorder()]
    separators = [
        DemucsSeparator(
            networks.hybrid(seed),
            name="test",
            convert=partial(CudaCore, place=CudaPlace((1, 2, 3)), record=recorder),
        )
        for seed, recorder in enumerate(recorders)
    ]
    for separator in separators:
        separator.prepare(FRAMES, nothing)
    members = tuple(Member(one, (1.0,) * 4) for one in separators)
    model = live_model(Ensemble("bag", members))
    same = design(networks.RATE, networks.RATE)
    plan = LivePlan(same, same, 500, 400, FRAMES, 200)
    contexts = [model.open(plan) for _ in range(3)]
    for seed, context in enumerate(contexts):
        context.push(music(FRAMES, seed))
    alone = [model.run([context])[0] for context in contexts]
    together = model.run(contexts)
    assert [recorder.replayed for recorder in recorders] == [[1, 1, 1, 3]] * 2
    for found, expected in zip(together, alone, strict=True):
        assert found.shape == (4, 2, 700)
        assert np.abs(found - expected).max() <= 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_near_and_stays_within_the_core(kind):
    network, core = made(kind, (1,), Recorder(), kind=numbers.BFLOAT16)
    given = windows(network, 1)
    with torch.inference_mode():
        low, exact = core(*given), TorchCore(network)(*given)
    for found, expected in zip(low, exact, strict=True):
        assert found.dtype == torch.float32
        error = ((found - expected) ** 2).sum() / (expected**2).sum()
        assert 25 < -10 * torch.log10(error) < 100


def test_numbers_are_set_for_each_run():
    for kind, allowed in ((numbers.TF32, True), (numbers.FLOAT32, False)):
        with numbers.arithmetic(kind, "cpu"):
            assert torch.backends.cudnn.allow_tf32 is allowed
            assert torch.backends.cuda.matmul.allow_tf32 is allowed


def test_only_cuda_devices_record_and_only_unless_torch_is_wished():
    assert choose_cuda_place("auto", "cpu", (1,), "exact") is None
    assert choose_cuda_place("torch", "cuda", (1,), "exact") is None
    assert choose_cuda_place("auto", "cuda:1", (8,), "exact") == CudaPlace((8,), numbers.FLOAT32)
    fast = choose_cuda_place("auto", "cuda", (8,), "fast")
    assert fast == CudaPlace((8,), numbers.TF32)
    assert fast.engine == "torch tf32"


def test_networks_stay_on_their_device_and_share_no_core(tmp_path):
    bag = [networks.hybrid(1), networks.hybrid(2)]
    folder = networks.save_bag(tmp_path / "two", "two", bag)
    files = tuple(sorted(folder.glob("*.safetensors")))
    ensemble = load_ensemble("two", folder / "two.yaml", files, place=CudaPlace((1,)))
    assert [member.separator.streams for member in ensemble.members] == [2, 2]
    separators: list[Any] = [member.separator for member in ensemble.members]
    converters = [one._convert for one in separators]
    assert [(c.func, c.keywords) for c in converters] == [
        (CudaCore, {"place": CudaPlace((1,))})
    ] * 2


def test_what_is_on_the_host_stays_there():
    tensor = torch.ones(2, 3)
    assert to_host(tensor).base is not None
    np.testing.assert_array_equal(to_host(tensor), np.ones((2, 3), np.float32))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
@pytest.mark.parametrize("kind", KINDS)
def test_graphs_replay_what_torch_computes(kind):
    network = KINDS[kind]().to("cuda")
    core = CudaCore(network, FRAMES, nothing, place=CudaPlace((1, 3)))
    assert sorted(core._replays) == [1, 3]
    given = [one.cuda() for one in windows(KINDS[kind](), 3)]
    with torch.inference_mode():
        for _ in range(2):
            for found, expected in zip(core(*given), core._core(*given), strict=True):
                assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
@pytest.mark.parametrize("kind", KINDS)
def test_norms_and_softmax_stay_in_float32(kind, monkeypatch):
    seen = set()
    for name in ("group_norm", "layer_norm", "softmax"):
        plain = getattr(nn.functional, name)

        def noting(*given, _plain=plain, _name=name, **more):
            found = _plain(*given, **more)
            seen.add((_name, found.dtype))
            return found

        monkeypatch.setattr(nn.functional, name, noting)
    network = KINDS[kind]().to("cuda")
    with torch.inference_mode(), numbers.arithmetic(numbers.BFLOAT16, "cuda"):
        TorchCore(network)(*(one.cuda() for one in windows(KINDS[kind](), 1)))
    assert {dtype for _, dtype in seen} == {torch.float32}
