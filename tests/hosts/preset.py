"""The state of a project as hosts keep it: the JSON of the plug-in within a .vstpreset."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

# Of JUCE, from the codes of the maker and of the plug-in: projects find the plug-in by it.
CLASS_ID = b"ABCDEF019182FAEB" + b"StbrStem".hex().upper().encode()
_HEADER = struct.Struct("<4si32sq")
_ENTRY = struct.Struct("<4sqq")


def preset(state: dict[str, Any] | bytes) -> bytes:
    """A .vstpreset with this state of the component, and none of the controller."""
    content = state if isinstance(state, bytes) else json.dumps(state).encode()
    header = _HEADER.pack(b"VST3", 1, CLASS_ID, _HEADER.size + len(content))
    chunks = struct.pack("<4si", b"List", 1) + _ENTRY.pack(b"Comp", _HEADER.size, len(content))
    return header + content + chunks


def state_in(found: bytes) -> dict[str, Any]:
    """The state that a host kept: what follows the JSON is JUCE's."""
    _, _, class_id, at = _HEADER.unpack_from(found)
    assert class_id == CLASS_ID
    name, start, size = _ENTRY.unpack_from(found, at + 8)
    assert name == b"Comp"
    text = found[start : start + size].decode("latin-1")
    state: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return state


def wanting(
    model: str, *, rate: int = 0, plan: dict[str, int] | None = None, preset: str = ""
) -> dict[str, Any]:
    """A state that wants this model, by this plan for a host at `rate` where there is one."""
    wanted: dict[str, Any] = {"model": model, "latency_us": 0}
    if preset:
        wanted["preset"] = preset
    if plan is not None:
        wanted["plan"] = {"rate": rate, **plan}
    return {"stem_bridge": 1, "wanted": wanted}


def write_preset(folder: Path, state: dict[str, Any]) -> str:
    """A file with it, for hosts that read one; its path."""
    path = folder / "state.vstpreset"
    path.write_bytes(preset(state))
    return str(path)
