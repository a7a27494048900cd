"""Networks packed by diffq, which the user installs (its licence is non-commercial)."""

import json
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save_file

from bridge.engine.weights import load_network
from bridge.errors import ModelError
from tests import networks


def save_packed(state, arguments, path):
    """Write a nested state as the hub's files of mdx_q have it."""
    tensors: dict[str, torch.Tensor] = {}

    def flatten(node):
        if isinstance(node, torch.Tensor):
            tensors[f"t{len(tensors)}"] = node.contiguous()
            return {"_tensor": f"t{len(tensors) - 1}"}
        if isinstance(node, dict):
            return {"_dict": [[key, flatten(item)] for key, item in node.items()]}
        if isinstance(node, tuple):
            return {"_tuple": [flatten(item) for item in node]}
        if isinstance(node, list):
            return {"_list": [flatten(item) for item in node]}
        if isinstance(node, type):
            return {"_class": f"{node.__module__}.{node.__qualname__}"}
        return node

    structure = json.dumps(flatten(state))
    metadata = {
        "klass": "demucs.hdemucs.HDemucs",
        "args": "[]",
        "kwargs": json.dumps(arguments),
        "structure": structure,
    }
    save_file(tensors, path, metadata)


def test_packed_network_loads_as_demucs_loads_it(tmp_path):
    diffq = pytest.importorskip("diffq", reason="diffq is not installed: non-commercial licence")
    from demucs.hf import load_safetensors_model

    made = networks.hybrid()
    quantizer = diffq.DiffQuantizer(made, min_size=0.01, group_size=8)
    made.eval()
    state = quantizer.get_quantized_state() | {"__quantized": True}
    path = tmp_path / "packed.safetensors"
    save_packed(state, networks.HYBRID, path)
    ours, theirs = load_network(path).state_dict(), load_safetensors_model(path).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    save_packed(state, networks.HYBRID | {"channels": 512}, path)
    with pytest.raises(ModelError, match="do not fit"):
        load_network(path)
    state["meta"]["klass"] = dict
    save_packed(state, networks.HYBRID, path)
    with pytest.raises(ModelError, match="damaged structure"):
        load_network(path)


@pytest.mark.skipif(find_spec("diffq") is not None, reason="diffq is installed")
def test_without_diffq_the_refusal_says_what_to_do(tmp_path):
    path = tmp_path / "packed.safetensors"
    save_packed({"x": torch.zeros(1), "__quantized": True}, networks.HYBRID, path)
    with pytest.raises(ModelError, match=r"non-commercial.*pip install diffq"):
        load_network(path)
