"""Messages as frames of bytes and back. Whatever comes in, only RemoteProtocolError comes out.

A message is one frame, a msgpack map whose `t` is its type, or two: AUDIO and STEMS have raw
little-endian float32 samples in the second and their shape in the first, REPORT another map.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no types
import numpy as np

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol.codes import Code
from bridge.protocol.fields import Kind, Samples, VersionError, shown
from bridge.protocol.record import MESSAGES, Message, Record

Frame = bytes | memoryview
_FLOAT = np.dtype("<f4")


def encode(message: Message) -> list[Frame]:
    """The frames of a message. Contiguous samples are not copied: their frame is a view.

    Raises LocalProtocolError for a report that is too large.
    """
    header: dict[str, Any] = {"t": message.wire_name}
    payload = message.payload
    for name in message.kinds:
        if name != payload:
            value = getattr(message, name)
            if value is not None:
                header[name] = value
    if payload is None:
        return [msgpack.packb(header, default=_as_map)]
    body = getattr(message, payload)
    if not isinstance(body, np.ndarray):
        return [msgpack.packb(header), _pack_tree(body)]
    header["shape"] = body.shape
    samples = np.ascontiguousarray(body, _FLOAT)
    return [msgpack.packb(header), samples.data.cast("B")]


def decode(frames: Sequence[Frame], accepted: Collection[type[Message]] | None = None) -> Message:
    """The message in `frames`; its samples are a read-only view of the second one.

    accepted: the types that may come from this peer; None for any.
    Raises RemoteProtocolError, with the code for the ERROR to answer, for everything else.
    """
    if not 1 <= len(frames) <= 2:
        raise RemoteProtocolError(f"{len(frames)} frames in a message, expected 1 or 2")
    try:
        header = _unpack(frames[0], limits.HEADER_BYTES, limits.HEADER_ITEMS, "header")
        kind = _kind(header.get("t"), accepted)
    except ValueError as error:
        raise RemoteProtocolError(str(error)) from None
    try:
        if (kind.payload is not None) != (len(frames) == 2):
            raise ValueError(f"{len(frames)} frames, expected {3 - len(frames)}")
        if kind.payload is not None:
            header[kind.payload] = _read_payload(kind.kinds[kind.payload], header, frames[1])
        return kind.read(header)
    except VersionError as error:
        hint = "install a client and a sidecar that belong together"
        raise RemoteProtocolError(f"{kind.wire_name}: {error}", Code.VERSION, hint) from None
    except ValueError as error:
        raise RemoteProtocolError(f"{kind.wire_name}: {error}") from None


def _kind(name: Any, accepted: Collection[type[Message]] | None) -> type[Message]:
    kind = MESSAGES.get(name) if type(name) is str else None
    if kind is None or (accepted is not None and kind not in accepted):
        raise RemoteProtocolError(f"a message of type {shown(name)}, which is none here", Code.TYPE)
    return kind


def _read_payload(kind: Kind, header: dict[str, Any], frame: Frame) -> Any:
    if not isinstance(kind, Samples):
        return _unpack(frame, limits.TREE_BYTES, limits.TREE_ITEMS, "payload")
    shape = header.get("shape")
    size = kind.count(shape) * _FLOAT.itemsize
    if len(frame) != size:
        raise ValueError(f"a payload of {len(frame)} bytes, expected {size} for shape {shape}")
    samples = np.frombuffer(frame, _FLOAT).reshape(shape)
    samples.flags.writeable = False
    return samples


def _unpack(frame: Frame, most: int, items: int, what: str) -> dict[str, Any]:
    if len(frame) > most:
        raise ValueError(f"a {what} of {len(frame)} bytes, expected at most {most}")
    try:
        found = msgpack.unpackb(
            frame,
            use_list=False,
            strict_map_key=True,
            max_array_len=items,
            max_map_len=items,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException):
        raise ValueError(f"a {what} that is not a msgpack map of plain values") from None
    if type(found) is not dict:
        raise ValueError(f"a {what} that is {shown(found)}, expected a map")
    return found


def _pack_tree(tree: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(tree)
    if len(packed) > limits.TREE_BYTES:
        raise LocalProtocolError(
            f"a payload of {len(packed)} bytes, expected at most {limits.TREE_BYTES}; cut it"
        )
    return packed


def _as_map(value: Record) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.kinds}
