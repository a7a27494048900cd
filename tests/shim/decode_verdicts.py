"""What the Python codec says to hostile frames, for the C++ one to say the same.

`python -m tests.shim.decode_verdicts` writes the file that is kept beside the C++ tests; with a
path, a count and a seed it writes another, with longer frames too, for `STEMBRIDGE_VERDICTS`.

An entry has `frames` in hexadecimal, and `code` of the refusal, or `again`: the frames that the
message is encoded to.
"""

import json
import sys
from itertools import islice
from pathlib import Path
from random import Random

import msgpack  # type: ignore[import-untyped]

from bridge.errors import RemoteProtocolError
from bridge.protocol.codec import decode, encode
from bridge.protocol.messages import (
    AUDIO_TO_CLIENT,
    AUDIO_TO_SERVER,
    CONTROL_TO_CLIENT,
    CONTROL_TO_SERVER,
)
from tests.protocol.hostile import hostile

FILE = Path(__file__).parents[2] / "shim" / "tests" / "protocol" / "verdicts.json"
COUNT, SEED, BYTES = 1500, 1, 300
MOST_BYTES = 40_000
TYPES = CONTROL_TO_SERVER | CONTROL_TO_CLIENT | AUDIO_TO_SERVER | AUDIO_TO_CLIENT


class _StricterError(Exception):
    """docs/PROTOCOL.md refuses what msgpack for Python lets pass."""


def _refuse(*_arguments):
    raise _StricterError


def _refuse_keys(pairs):
    names = [name for name, _value in pairs]
    if any(type(name) is not str for name in names) or len(set(names)) < len(names):
        raise _StricterError
    return dict(pairs)


def is_clear(frames):
    """False where Python is laxer than the page: bytes as keys, empty extensions, and what a
    report says twice."""
    for place, frame in enumerate(frames[:2]):
        try:
            hook = _refuse_keys if place else _refuse_bytes
            msgpack.unpackb(frame, object_pairs_hook=hook, ext_hook=_refuse)
        except _StricterError:
            return False
        except Exception:  # noqa: BLE001, S112 - whatever it is, it is no map to both
            continue
    return True


def _refuse_bytes(pairs):
    if any(type(name) is not str for name, _value in pairs):
        raise _StricterError
    return dict(pairs)


def verdict(frames):
    """The entry of these frames."""
    entry = {"frames": [frame.hex() for frame in frames]}
    try:
        message = decode(frames, TYPES)
    except RemoteProtocolError as error:
        return {**entry, "code": str(error.code)}
    again = [bytes(frame) for frame in encode(message)]
    if message.wire_name == "REPORT":
        again[1] = frames[1]  # the C++ side keeps the map as it came
    return {**entry, "again": [frame.hex() for frame in again]}


def text(count=COUNT, seed=SEED, most=BYTES):
    """The content of a file with so many entries, of frames of at most so many bytes."""
    cases = hostile(Random(seed), [1])  # noqa: S311 - it is no secret
    fit = (case for case in cases if sum(map(len, case)) <= most and is_clear(case))
    return "[\n" + ",\n".join(json.dumps(verdict(case)) for case in islice(fit, count)) + "\n]\n"


if __name__ == "__main__":
    match sys.argv[1:]:
        case [path, cases, seed]:
            Path(path).write_text(text(int(cases), int(seed), MOST_BYTES), "utf-8")
        case _:
            FILE.write_text(text(), "utf-8")
