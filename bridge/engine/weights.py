"""Reads demucs networks from files that may be hostile.

A safetensors file of demucs names a Python class and its arguments in its metadata, and demucs'
own loader imports and calls whatever stands there. Here the metadata is data: the class must be
one of three, every argument must be known and within bounds, and the network is built without
memory first and compared with the tensors of the file, so that no file can make us allocate more
than it brings.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge.engine.bounds import KNOWN
from bridge.errors import ModelError


def load_network(path: Path, *, allow_pickle: bool = False, outline: bool = False) -> Any:
    """Build the network that a file describes, on the CPU, float32, ready for inference.

    Parameters: `path` to a `.safetensors` file, or to a `.th` pickle with `allow_pickle`.
    outline: leave out the weights, which are on torch's device `meta` then, where the file allows
    that: a pickle or a quantised one does not.
    Returns: an instance of demucs' HTDemucs, HDemucs or Demucs.
    Raises ModelError when the file is damaged, hostile, or a pickle that was not allowed.
    """
    if path.suffix == ".th":
        return _load_pickle(path, allow_pickle)
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}; check the file") from error
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            outline = outline and "structure" not in metadata
            read = file.get_slice if outline else file.get_tensor
            tensors = {key: read(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is damaged ({error}); fetch or copy it again") from error
    kind, arguments = _arguments(path, metadata)
    state = None if outline else _state(path, metadata, tensors)
    with _in_words(path):
        if state is None:
            shapes = {key: tuple(one.get_shape()) for key, one in tensors.items()}
            network = _outline(path, kind, arguments, shapes)
        else:
            network = _build(path, kind, arguments, state)
    return network.eval().requires_grad_(requires_grad=False)


def file_hash(path: Path) -> str:
    """sha256 of a file, as hexadecimal digits. Raises ModelError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error


def _arguments(path: Path, metadata: dict[str, str]) -> tuple[str, dict[str, Any]]:
    kind = metadata.get("klass", "")
    if kind not in KNOWN:
        raise ModelError(
            f"{path} asks for the class '{kind}', which is none of HTDemucs, HDemucs and Demucs; "
            "use a file exported for demucs 4.1"
        )
    try:
        positional = json.loads(metadata.get("args", "[]"))
        given = _decode(json.loads(metadata.get("kwargs", "{}")))
    except (ValueError, KeyError, TypeError, ZeroDivisionError, RecursionError) as error:
        raise ModelError(f"{path} has damaged metadata ({error}); fetch it again") from error
    if not isinstance(given, dict):
        raise ModelError(f"{path} has damaged metadata; fetch it again")
    if isinstance(positional, list) and len(positional) == 1 and "sources" not in given:
        given["sources"], positional = positional[0], []
    if positional != [] or "sources" not in given:
        raise ModelError(f"{path} does not name its arguments; use a file of demucs 4.1")
    for key, value in given.items():
        if key not in KNOWN[kind]:
            raise ModelError(f"{path} has the unknown argument '{key[:64]}'; it is not used")
        if not KNOWN[kind][key](value):
            raise ModelError(f"{path}: {key}={str(value)[:64]} is out of bounds; it is not used")
    return kind, given


def _decode(value: Any) -> Any:
    if isinstance(value, dict) and value.get("_type") == "fraction":
        return Fraction(int(value["numerator"]), int(value["denominator"]))
    if isinstance(value, dict):
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    return value


def _state(path: Path, metadata: dict[str, str], tensors: dict[str, Any]) -> dict[str, Any]:
    if "structure" in metadata:
        from bridge.engine.quantised import restore_structure

        return restore_structure(path, metadata["structure"], tensors)
    import torch

    floats = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    for key, tensor in tensors.items():
        if tensor.dtype not in floats or not _is_finite(tensor):
            raise ModelError(f"{path}: tensor '{key[:64]}' is damaged; fetch it again")
    return {key: tensor.float() for key, tensor in tensors.items()}


def _is_finite(tensor: Any) -> bool:
    import torch

    # One look at each value, where isfinite of each takes five times as long.
    return not tensor.numel() or bool(torch.isfinite(torch.stack(torch.aminmax(tensor))).all())


def _outline(
    path: Path, kind: str, arguments: dict[str, Any], shapes: dict[str, tuple[int, ...]] | None
) -> Any:
    """The network without memory for its weights, nor values; they have `shapes` in the file.

    To make those up where there is no memory imports 800 modules of torch, in some seconds.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class Uninitialised(TorchFunctionMode):
        """Draws no first values."""

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if getattr(func, "__module__", "") == "torch.nn.init":
                return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
            return func(*args, **(kwargs or {}))

    # These two say how first values are made.
    plain = {key: 0 for key in ("emb_smooth", "rescale") if key in KNOWN[kind]}
    with torch.device("meta"), Uninitialised():
        outline = _class_of(kind)(**arguments | plain)
    own = {key: tuple(value.shape) for key, value in outline.state_dict().items()}
    if shapes is not None and own != shapes:
        raise ModelError(f"{path}: its tensors do not fit its arguments; fetch it again")
    return outline


def _class_of(kind: str) -> Any:
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    return {c.__name__: c for c in (HTDemucs, HDemucs, Demucs)}[kind.rpartition(".")[2]]


def _build(path: Path, kind: str, arguments: dict[str, Any], state: dict[str, Any]) -> Any:
    if "__quantized" in state:
        _check_packed(path, _outline(path, kind, arguments, None))
        return _restore_quantised(_class_of(kind)(**arguments), state)
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    network = _outline(path, kind, arguments, shapes).to_empty(device="cpu")
    network.load_state_dict(state)
    return network


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"{path}: no network can be built from its arguments "
            f"({type(error).__name__}: {str(error)[:120]}); fetch it again"
        ) from error


def _check_packed(path: Path, outline: Any) -> None:
    # diffq packs a parameter into two bits at least; tensors of the file cannot be compared.
    if sum(value.numel() for value in outline.state_dict().values()) > 4 * path.stat().st_size:
        raise ModelError(f"{path}: its tensors do not fit its arguments; fetch it again")


def _restore_quantised(network: Any, state: dict[str, Any]) -> Any:
    from demucs.states import set_state

    set_state(network, state)  # type: ignore[no-untyped-call]
    return network


def _load_pickle(path: Path, allowed: bool) -> Any:
    if not allowed:
        raise ModelError(
            f"{path} is a pickle, and a pickle can run any program when it is read; "
            "if you trust where it came from, add --allow-pickle"
        )
    from demucs.states import load_model

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network: Any = load_model(path)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise ModelError(
            f"{path} cannot be read ({type(error).__name__}: {str(error)[:120]}); copy it again"
        ) from error
    return network.eval().requires_grad_(requires_grad=False)
