"""Model files are read as data: damaged and hostile ones are refused and nothing of them runs."""

import json
import pickle
import subprocess
import sys

import pytest
import torch
from demucs.htdemucs import HTDemucs
from safetensors.torch import load_file, save_file

from bridge.engine.bag import read_bag
from bridge.engine.bounds import KNOWN
from bridge.engine.weights import load_network
from bridge.errors import ModelError
from tests import networks


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "good.safetensors"
    networks.save_network(networks.hybrid_transformer(), path)
    return path


def rewritten(saved, tmp_path, *, tensors=None, **metadata):
    """A copy of the good file with other tensors, or with other metadata."""
    path = tmp_path / "changed.safetensors"
    with saved.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    save_file(tensors or load_file(saved), path, header["__metadata__"] | metadata)
    return path


def arguments(**changes):
    return json.dumps({**networks.HYBRID_TRANSFORMER, "segment": 3.9, **changes})


def test_good_file_loads(saved):
    network = load_network(saved)
    assert isinstance(network, HTDemucs)
    assert not network.training
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_no_first_values_are_made_up(saved):
    """Where there is no memory for them, torch imports its compiler for that: seconds."""
    program = (
        "import sys, pathlib; from bridge.engine.weights import load_network; "
        "load_network(pathlib.Path(sys.argv[1])); sys.exit('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(saved)], check=False)
    assert done.returncode == 0


def test_half_precision_file_loads_as_float32(saved, tmp_path):
    halves = {key: tensor.half() for key, tensor in load_file(saved).items()}
    network = load_network(rewritten(saved, tmp_path, tensors=halves))
    assert all(p.dtype == torch.float32 for p in network.parameters())


@pytest.mark.parametrize(
    "klass",
    ["subprocess.check_output", "os.system", "demucs.htdemucs.rearrange", "builtins.eval", ""],
)
def test_other_classes_are_refused_and_not_called(saved, tmp_path, klass):
    marker = tmp_path / "it-ran"
    path = rewritten(saved, tmp_path, klass=klass, args=json.dumps([["touch", str(marker)]]))
    with pytest.raises(ModelError, match="asks for the class"):
        load_network(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": 100_000}, "channels=100000 is out of bounds"),
        ({"channels": True}, "channels=True is out of bounds"),
        ({"depth": 40}, "depth=40"),
        ({"growth": 1e300}, "growth=1e"),
        ({"growth": float("nan")}, "growth=nan"),
        ({"sources": ["../x"]}, "sources="),
        ({"sources": []}, "sources="),
        ({"sources": ["a", "a"]}, "sources="),
        ({"audio_channels": 6}, "audio_channels=6"),
        ({"segment": 1e9}, "segment=1000000000"),
        ({"samplerate": 0}, "samplerate=0"),
        ({"t_emb": "__import__('os')"}, "t_emb="),
        ({"t_sparse_self_attn": True}, "t_sparse_self_attn=True"),
        ({"evil": 1}, "unknown argument 'evil'"),
    ],
)
def test_arguments_out_of_bounds_are_refused(saved, tmp_path, changes, words):
    with pytest.raises(ModelError, match=words):
        load_network(rewritten(saved, tmp_path, kwargs=arguments(**changes)))


@pytest.mark.parametrize("outline", [False, True])
def test_arguments_that_do_not_fit_the_tensors_are_refused(saved, tmp_path, outline):
    path = rewritten(saved, tmp_path, kwargs=arguments(channels=12))
    with pytest.raises(ModelError, match="do not fit its arguments"):
        load_network(path, outline=outline)


def test_an_outline_is_the_network_without_weights(saved):
    whole, outline = load_network(saved), load_network(saved, outline=True)
    shapes = [{k: v.shape for k, v in one.state_dict().items()} for one in (whole, outline)]
    assert shapes[0] == shapes[1]
    assert all(one.is_meta for one in outline.state_dict().values())
    assert not outline.training
    outline.load_state_dict(whole.state_dict(), assign=True)
    assert not any(one.is_meta for one in [*outline.parameters(), *outline.buffers()])


@pytest.mark.parametrize("outline", [False, True])
def test_a_huge_network_costs_no_memory(saved, tmp_path, outline):
    """512 channels growing fourfold are terabytes; the outline is compared without them."""
    path = rewritten(saved, tmp_path, kwargs=arguments(channels=512, growth=4, depth=6))
    with pytest.raises(ModelError, match=r"do not fit|no network can be built"):
        load_network(path, outline=outline)


@pytest.mark.parametrize(
    "metadata",
    [
        {"kwargs": "{"},
        {"kwargs": "[]"},
        {"kwargs": "[1]", "args": '[["a"]]'},
        {"kwargs": "null"},
        {"args": "[1, 2, 3]"},
        {"args": "{}"},
        {"kwargs": '{"segment": {"_type": "fraction", "numerator": 1, "denominator": 0}}'},
        {"kwargs": "[" * 100_000},
    ],
)
def test_damaged_metadata_is_refused_in_words(saved, tmp_path, metadata):
    with pytest.raises(ModelError):
        load_network(rewritten(saved, tmp_path, **metadata))


def test_tensors_that_are_no_numbers_are_refused(saved, tmp_path):
    tensors = load_file(saved)
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    with pytest.raises(ModelError, match="is damaged"):
        load_network(rewritten(saved, tmp_path, tensors=tensors))


@pytest.mark.parametrize("kept", [0, 4, 100, 5000, 0.5, 0.999])
def test_cut_file_is_refused(saved, tmp_path, kept):
    data = saved.read_bytes()
    path = tmp_path / "cut.safetensors"
    path.write_bytes(data[: kept if isinstance(kept, int) else int(kept * len(data))])
    with pytest.raises(ModelError, match="damaged"):
        load_network(path)


def test_every_bound_admits_the_published_default():
    """The defaults of the classes are what published models were trained with."""
    import inspect
    from importlib import import_module

    for name, bounds in KNOWN.items():
        module, _, kind = name.rpartition(".")
        for parameter in inspect.signature(
            getattr(import_module(module), kind)
        ).parameters.values():
            assert parameter.name in bounds, f"{name} has a parameter {parameter.name}"
            if parameter.default is not inspect.Parameter.empty:
                assert bounds[parameter.name](parameter.default), parameter


class _Bomb:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (open, (self.marker, "w"))


def test_pickle_is_refused_unread_and_the_refusal_says_why(tmp_path):
    marker = tmp_path / "it-ran"
    path = tmp_path / "model.th"
    path.write_bytes(pickle.dumps(_Bomb(str(marker))))
    with pytest.raises(ModelError, match=r"can run any program.*--allow-pickle"):
        load_network(path)
    assert not marker.exists()


def test_allowed_pickle_loads_the_same_network(tmp_path):
    made = networks.hybrid()
    networks.save_pickle(made, tmp_path / "model.th")
    loaded = load_network(tmp_path / "model.th", allow_pickle=True)
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.parameters(), made.parameters(), strict=True)
    )


def test_damaged_pickle_is_refused_in_words(tmp_path):
    (tmp_path / "model.th").write_bytes(b"not a pickle")
    with pytest.raises(ModelError, match="cannot be read"):
        load_network(tmp_path / "model.th", allow_pickle=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: ['../../etc']", "no signature"),
        ("models: [12345678]", "no signature"),
        ("models: ['0123456G']", "no signature"),
        ("models: []", "must list"),
        ("models: x", "must list"),
        ("- 1", "must list"),
        ("", "must list"),
        ("models: ['" + "', '".join(["01234567"] * 17) + "']", "must list"),
        ("models: ['01234567']\nweights: [[1, 0]]", "leave a source without"),
        ("models: ['01234567']\nweights: [[1, -1]]", "must have a row"),
        ("models: ['01234567']\nweights: [[.nan]]", "must have a row"),
        ("models: ['01234567']\nweights: [[1], [1]]", "must have a row"),
        ("models: ['01234567']\nsegment: -1", "not in 0.1 to 600"),
        ("models: ['01234567']\nsegment: .nan", "not in 0.1 to 600"),
        ("models: !!python/object/apply:os.system ['x']", "cannot read"),
        ("{" * 500, "cannot read"),
    ],
)
def test_bad_bags_are_refused(tmp_path, text, words):
    (tmp_path / "bag.yaml").write_text(text)
    with pytest.raises(ModelError, match=words):
        read_bag(tmp_path / "bag.yaml")


def test_published_bags_are_read():
    from demucs.pretrained import REMOTE_ROOT

    found = {path.stem: read_bag(path) for path in REMOTE_ROOT.glob("*.yaml")}
    assert len(found["htdemucs_ft"].signatures) == 4
    assert found["htdemucs_ft"].weights is not None
    assert found["mdx_extra"].segment == 44


def test_tensors_of_other_types_are_refused(saved, tmp_path):
    for kind in (torch.float8_e4m3fn, torch.int16):
        tensors = {key: tensor.to(kind) for key, tensor in load_file(saved).items()}
        with pytest.raises(ModelError, match="is damaged"):
            load_network(rewritten(saved, tmp_path, tensors=tensors))


def test_aliases_that_print_as_gigabytes_are_refused_at_once(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    for key in ("models: [*a11]", "models: ['01234567']\nsegment: *a11"):
        (tmp_path / "bag.yaml").write_text("\n".join([*lines, key]) + "\n")
        with pytest.raises(ModelError, match="list"):
            read_bag(tmp_path / "bag.yaml")
