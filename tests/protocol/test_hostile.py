"""Whatever comes in, RemoteProtocolError is all that comes out, and memory stays bounded."""

import os
import tracemalloc
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol.codec import decode, encode
from bridge.protocol.codes import Code
from tests.protocol.hostile import NESTS, hostile
from tests.protocol.strategies import messages

MANY = 1_000_000 if os.environ.get("STEMBRIDGE_FULL") else 200_000
HEADER_PEAK = 1_000_000
REPORT_PEAK = 6_000_000


def answer(frames):
    """Code of the ERROR that frames deserve; None for a message."""
    try:
        decode(frames)
    except RemoteProtocolError as error:
        encode(wire.Error(error.code, str(error), error.hint))  # can be told as it is
        return error.code
    return None


@given(st.lists(st.binary(max_size=300), max_size=4))
def test_random_bytes_are_refused_in_words(frames):
    answer(frames)


@given(messages, st.data())
def test_flipped_bits_are_refused_or_read(message, data):
    frames = [bytearray(frame) for frame in encode(message)]
    for _ in range(data.draw(st.integers(1, 4))):
        frame = data.draw(st.sampled_from([frame for frame in frames if frame]))
        frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    answer([bytes(frame) for frame in frames])


@pytest.mark.slow
@given(messages, st.data())
def test_whatever_is_cut_off_is_refused(message, data):
    frames = [bytes(frame) for frame in encode(message)]
    at = data.draw(st.integers(0, len(frames) - 1))
    frames[at] = frames[at][: data.draw(st.integers(0, len(frames[at]) - 1))]
    assert answer(frames) == Code.MALFORMED


@given(messages, st.binary(min_size=1, max_size=9))
def test_whatever_is_added_is_refused(message, tail):
    *frames, last = (bytes(frame) for frame in encode(message))
    assert answer([*frames, last + tail]) == Code.MALFORMED


def test_long_frames_are_refused_before_they_are_read():
    assert answer([b"\x81\xa1x\xc5\xff\xff" + bytes(65535)]) == Code.MALFORMED
    assert answer([b"\x80" * (limits.HEADER_BYTES + 1)]) == Code.MALFORMED


@pytest.mark.parametrize("count", [40_000, pytest.param(MANY, marks=pytest.mark.slow)])
def test_hostile_messages_are_refused_and_leave_nothing(count):
    stream = hostile(Random(count), [7, 8])  # noqa: S311 - it is no secret
    codes = {answer(frames) for frames in islice(stream, count)}
    assert codes == {None, Code.MALFORMED, Code.TYPE, Code.VERSION}
    tracemalloc.start()
    try:
        for frames in islice(stream, 1000):
            answer(frames)
        before, _ = tracemalloc.get_traced_memory()
        for frames in islice(stream, count // 20):
            answer(frames)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert abs(after - before) < 200_000


@pytest.mark.parametrize(
    ("frames", "most"),
    [
        *(([nest], HEADER_PEAK) for nest in NESTS),
        *(([b"\x81\xa1t\xa6REPORT", nest], REPORT_PEAK) for nest in NESTS),
        ([b"\x81\xa1t\xa6REPORT", b"\x81\xa1x" + b"\xdc\x04\x00" * 500], REPORT_PEAK),
        (
            [
                b"\x81\xa1t\xa6REPORT",
                b"\x81\xa1x\xdc\x00\x3f" + (b"\xdc\x04\x00" + b"\x80" * 1024) * 63,
            ],
            REPORT_PEAK,
        ),
        ([b"\x82\xa1t\xa5AUDIO\xa5shape\xdd\xff\xff\xff\xff", b""], HEADER_PEAK),
        ([b"\x81\xa1t\xdb\xff\xff\xff\xff"], HEADER_PEAK),
        ([b"\x81\xa1t\xc6\xff\xff\xff\xff"], HEADER_PEAK),
    ],
)
def test_no_message_takes_more_memory_than_is_documented(frames, most):
    tracemalloc.start()
    try:
        answer(frames)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


def test_the_same_seed_gives_the_same_messages():
    first, second = (list(islice(hostile(Random(5), [1]), 500)) for _ in range(2))  # noqa: S311
    assert first == second
