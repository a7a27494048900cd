"""Writes tests/vectors/messages: `python -m tests.protocol.vectors`. What is there is described in
docs/PROTOCOL.md; a test holds it against the codec, and other languages against themselves.
"""

import json
from pathlib import Path

import msgpack  # type: ignore[import-untyped]
import numpy as np

from bridge.errors import RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol.codec import decode, encode
from bridge.protocol.fields import VERSION
from tests.protocol.examples import CLIENT, CONFIGURE

FOLDER = Path(__file__).parents[1] / "vectors" / "messages"


def accepted():
    """Messages of clients and servers, as fields and as frames."""
    found = []
    for message in CLIENT:
        frames = [bytes(frame) for frame in encode(message)]
        entry = {"header": msgpack.unpackb(frames[0]), "frames": [frame.hex() for frame in frames]}
        if message.payload is not None:
            body = getattr(message, message.payload)
            samples = isinstance(body, np.ndarray)
            entry["samples" if samples else "payload"] = body.ravel().tolist() if samples else body
        found.append(entry)
    return found


def _changed(message, **changes):
    header = msgpack.unpackb(encode(message)[0])
    return msgpack.packb({**header, **changes})


def refused():
    """Frames that are no message, why, and the code of the ERROR that they deserve."""
    audio = next(message for message in CLIENT if message.wire_name == "AUDIO")
    header, samples = (bytes(frame) for frame in encode(audio))
    bare = {key: value for key, value in msgpack.unpackb(header).items() if key != "got"}
    configure = bytes(encode(CONFIGURE)[0])
    cases = {
        "no frames": [],
        "an empty frame": [b""],
        "not msgpack": [b"\xc1"],
        "not a map": [msgpack.packb([1, 2])],
        "bytes after the map": [configure + b"\xc0"],
        "a map that is cut off": [configure[:-1]],
        "an extension type": [b"\x81\xa1t\xd4\x05\x00"],
        "a key that is a number": [b"\x81\x01\x02"],
        "a list that claims 4 billion entries": [b"\x81\xa1t\xdd\xff\xff\xff\xff"],
        "a header that is too long": [msgpack.packb({"t": "PING", "x": "x" * limits.HEADER_BYTES})],
        "lists in lists, 1000 deep": [b"\x82\xa1t\xa4PING\xa1x" + b"\x91" * 1000 + b"\xc0"],
        "no type": [msgpack.packb({"stamp": 1})],
        "an unknown type": [msgpack.packb({"t": "NOISE"})],
        "a missing field": [msgpack.packb({"t": "PING"})],
        "a number that is a float": [msgpack.packb({"t": "PING", "stamp": 1.0})],
        "a number that is a bool": [msgpack.packb({"t": "PING", "stamp": True})],
        "a negative number": [msgpack.packb({"t": "PING", "stamp": -1})],
        "a bool that is a number": [_changed(CONFIGURE, residual=1)],
        "a text that is binary": [_changed(CONFIGURE, model=b"spectral")],
        "a text that is not UTF-8": [
            b"\x83\xa1t\xa5HELLO\xa7version\x92\x01\x00\xa6client\xa1\xff"
        ],
        "a text with a control character": [_changed(CONFIGURE, model="a\nb")],
        "a text that is too long": [_changed(CONFIGURE, model="x" * (limits.TEXT_BYTES + 1))],
        "a word that is none of the choices": [_changed(CONFIGURE, precision="better")],
        "a rate out of range": [_changed(CONFIGURE, rate=limits.RATE_MAX + 1)],
        "a nil where a field may be left out": [_changed(CONFIGURE, saved=None)],
        "another major version": [
            msgpack.packb({"t": "HELLO", "version": [VERSION[0] + 1, 0], "client": "x"})
        ],
        "another major version without the fields of ours": [
            msgpack.packb({"t": "HELLO", "version": [VERSION[0] + 1, 0]})
        ],
        "samples without a payload": [header],
        "a payload where none belongs": [configure, samples],
        "a third frame": [header, samples, b""],
        "a payload that is too short": [header, samples[:-4]],
        "a payload that is too long": [header, samples + bytes(4)],
        "a shape without frames": [_changed(audio, shape=[2, 0]), b""],
        "a shape with too many channels": [_changed(audio, shape=[3, 2]), samples],
        "a shape with an axis too many": [_changed(audio, shape=[1, 2, 3]), samples],
        "a shape that overflows": [_changed(audio, shape=[2**32, 2**32]), b""],
        "a field missing beside a payload": [msgpack.packb(bare), samples],
        "a report with a float": [msgpack.packb({"t": "REPORT"}), msgpack.packb({"x": 0.5})],
    }
    return [
        {"why": why, "code": _code(frames), "frames": [bytes(frame).hex() for frame in frames]}
        for why, frames in cases.items()
    ]


def _code(frames):
    try:
        decode(frames)
    except RemoteProtocolError as error:
        return str(error.code)
    return None


def files():
    """Content of each file by its name."""
    lists = {"accepted.json": accepted(), "refused.json": refused()}
    return {
        name: "[\n"
        + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        + "\n]\n"
        for name, entries in lists.items()
    }


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content, "utf-8")
