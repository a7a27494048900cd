"""Reads the states of diffq-quantised networks (mdx_q, mdx_extra_q).

diffq is the user's own: its licence (CC BY-NC 4.0) is non-commercial, so that it is no dependency.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bridge.errors import ModelError

_DAMAGED = (LookupError, TypeError, ValueError, AttributeError, StopIteration, RecursionError)
_SETTINGS = (int, float, bool, str, type(None))


def restore_structure(path: Path, text: str, tensors: dict[str, Any]) -> dict[str, Any]:
    """Rebuild the nested state that the `structure` metadata describes over `tensors`.

    Only diffq's two quantisers may be named as classes, with plain values as settings.
    Raises ModelError when diffq is not installed or the structure is damaged or hostile.
    """
    if find_spec("diffq") is None:
        raise ModelError(
            f"{path.name} is quantised and needs diffq, whose licence is non-commercial; "
            "if that suits you: pip install diffq"
        )
    from diffq import DiffQuantizer, UniformQuantizer

    classes = {
        "diffq.diffq.DiffQuantizer": DiffQuantizer,
        "diffq.uniform.UniformQuantizer": UniformQuantizer,
    }

    try:
        state = _rebuild(json.loads(text), tensors, classes)
        settings = state["meta"]["init_kwargs"].values()
        known = state["meta"]["klass"] in classes.values()
    except _DAMAGED as error:
        raise ModelError(f"{path} has a damaged structure ({error}); fetch it again") from error
    if not known or not all(isinstance(value, _SETTINGS) for value in settings):
        raise ModelError(f"{path} asks for a quantiser that is not diffq's; it is not used")
    return {str(key): value for key, value in state.items()}


def _rebuild(node: Any, tensors: dict[str, Any], classes: dict[str, type]) -> Any:
    if not isinstance(node, dict):
        return node
    kind, value = next(iter(node.items()))
    if kind == "_tensor":
        return tensors[value]
    if kind == "_dict":
        return {key: _rebuild(item, tensors, classes) for key, item in value}
    if kind in ("_list", "_tuple"):
        return [_rebuild(item, tensors, classes) for item in value]
    if kind == "_class":
        return classes[value]
    raise KeyError(kind)
