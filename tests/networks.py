"""Random networks of the demucs family, and files of them as the hub has them.

The LayerScales of a fresh network (1e-4) hide whole blocks: with them as they are, a network
without its transformer differs by 1e-6. They are raised here so that every block counts.
"""

import json
from fractions import Fraction
from pathlib import Path

import torch
from demucs.apply import apply_model
from demucs.demucs import Demucs
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

FOUR = ["drums", "bass", "other", "vocals"]
FT_WEIGHTS = [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]]
COMMIT = "0" * 40
# Arithmetic does not depend on the rate; a low one makes a minute of audio cheap.
RATE = 11025
_SMALL = {"sources": FOUR, "audio_channels": 2, "samplerate": RATE}
# htdemucs as published; 42.0 M parameters.
FULL = {
    "sources": FOUR,
    "audio_channels": 2,
    "samplerate": 44100,
    "segment": Fraction(39, 5),
    "depth": 4,
    "growth": 2,
    "channels": 48,
    "bottom_channels": 512,
    "t_layers": 5,
    "cac": True,
    "t_dropout": 0.02,
}
HYBRID_TRANSFORMER = {
    **_SMALL,
    "channels": 8,
    "bottom_channels": 32,
    "t_layers": 3,
    "segment": Fraction(39, 10),
}
HYBRID = {**_SMALL, "channels": 8, "segment": 4}
TIME_ONLY = {**_SMALL, "channels": 4, "segment": 4, "normalize": True, "resample": True}


def network(kind, arguments, seed=0):
    """A network in evaluation mode whose every block matters."""
    torch.manual_seed(seed)
    made = kind(**arguments)
    for module in made.modules():
        if type(module).__name__ == "LayerScale":
            transformer = getattr(module, "channel_last", False)
            module.scale.data.fill_(0.5 if transformer else 0.3)
    made._arguments = arguments
    return made.eval()


def hybrid_transformer(seed=0):
    return network(HTDemucs, HYBRID_TRANSFORMER, seed)


def hybrid(seed=0):
    return network(HDemucs, HYBRID, seed)


def time_only(seed=0):
    return network(Demucs, TIME_ONLY, seed)


def full_size(seed=0):
    return network(HTDemucs, FULL, seed)


def save_network(made, path):
    """Write a network as a safetensors file of demucs 4.1."""
    arguments = {
        key: {"_type": "fraction", "numerator": v.numerator, "denominator": v.denominator}
        if isinstance(v, Fraction)
        else v
        for key, v in made._arguments.items()
    }
    metadata = {
        "klass": f"{type(made).__module__}.{type(made).__name__}",
        "args": "[]",
        "kwargs": json.dumps(arguments),
    }
    save_file({k: v.contiguous() for k, v in made.state_dict().items()}, path, metadata)


def save_pickle(made, path):
    """Write a network as a pickle of older versions of demucs."""
    package = {"klass": type(made), "args": (), "kwargs": dict(made._arguments)}
    torch.save(package | {"state": made.state_dict()}, path)


def save_bag(folder, name, networks, weights=None, segment=None):
    """Write NAME.yaml and a file for each network into a folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    signatures = [f"{index:08x}" for index in range(len(networks))]
    lines = [f"models: {signatures}"]
    if weights is not None:
        lines.append(f"weights: {weights}")
    if segment is not None:
        lines.append(f"segment: {segment}")
    (folder / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    for signature, made in zip(signatures, networks, strict=True):
        save_network(made, folder / f"{signature}.safetensors")
    return folder


def fill_hub_cache(home: Path, repo, name, networks, **bag):
    """Lay a bag out in a huggingface-hub cache below `home`, as HF_HOME would have it."""
    stored = home / "hub" / f"models--{repo.replace('/', '--')}"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs" / "main").write_text(COMMIT)
    save_bag(stored / "snapshots" / COMMIT, name, networks, **bag)


def reference(model, mix, **options):
    """What demucs computes: shape (C, T) in, (S, C, T) out."""
    with torch.no_grad():
        out = apply_model(
            model, torch.from_numpy(mix)[None], shifts=options.pop("shifts", 0), **options
        )
    return out[0].numpy()
