"""The vectors for other languages say what the codec does."""

import json

import msgpack  # type: ignore[import-untyped]
import numpy as np
import pytest

from bridge.errors import RemoteProtocolError
from bridge.protocol.codec import decode, encode
from tests.protocol.vectors import FOLDER, files


def read(name):
    return json.loads((FOLDER / name).read_text("utf-8"))


def in_bytes(entry):
    return [bytes.fromhex(frame) for frame in entry["frames"]]


@pytest.mark.parametrize("name", files())
def test_files_are_up_to_date(name):
    assert (FOLDER / name).read_text("utf-8") == files()[name], "python -m tests.protocol.vectors"


@pytest.mark.parametrize("entry", read("accepted.json"), ids=lambda entry: entry["header"]["t"])
def test_what_is_to_be_accepted(entry):
    frames = in_bytes(entry)
    message = decode(frames)
    assert [bytes(frame) for frame in encode(message)] == frames
    header = {key: value for key, value in entry["header"].items() if key not in ("t", "shape")}
    for name, value in header.items():
        field = getattr(message, name)
        if hasattr(field, "kinds"):
            field = {inner: getattr(field, inner) for inner in field.kinds}
        assert field == (tuple(value) if isinstance(value, list) else value)
    if "samples" in entry:
        assert message.payload is not None
        shape = entry["header"]["shape"]
        expected = np.array(entry["samples"], "<f4").reshape(shape)
        np.testing.assert_array_equal(getattr(message, message.payload), expected)
    if "payload" in entry:
        assert msgpack.unpackb(frames[1]) == entry["payload"]


@pytest.mark.parametrize("entry", read("refused.json"), ids=lambda entry: entry["why"])
def test_what_is_to_be_refused(entry):
    with pytest.raises(RemoteProtocolError) as caught:
        decode(in_bytes(entry))
    assert caught.value.code == entry["code"]
