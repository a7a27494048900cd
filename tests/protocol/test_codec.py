"""What is encoded comes back; what differs from the specification in one thing is refused."""

from collections.abc import Callable
from typing import Any

import msgpack  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol.codec import decode, encode
from bridge.protocol.codes import Code
from bridge.protocol.fields import (
    VERSION,
    Choice,
    Flag,
    Int,
    Ints,
    Samples,
    Text,
    Texts,
    Tree,
    VersionPair,
)
from bridge.protocol.record import MESSAGES, Nested
from tests.protocol.examples import CLIENT, WORKER
from tests.protocol.strategies import TYPES, messages

BLOCK = np.arange(8, dtype=np.float32).reshape(2, 4)
EXAMPLES = CLIENT + WORKER
# As many as a header has room for.
unknown = st.dictionaries(st.text(max_size=9).map("x-{}".format), st.integers(0, 9), max_size=20)


def name_of(value):
    return getattr(value, "wire_name", value)


def plain(value):
    """A message as plain values, so that any two can be compared."""
    if hasattr(value, "kinds"):
        fields = {name: plain(getattr(value, name)) for name in value.kinds}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        return {"shape": value.shape, "bits": value.tobytes()}
    return value


def sent(block):
    """A block after its way over the wire."""
    received = decode(encode(wire.Audio(1, 1, 0, 0, block)))
    assert isinstance(received, wire.Audio)
    return received.audio


def header(message):
    return msgpack.unpackb(encode(message)[0], use_list=False)


def refusal(frames, accepted=None):
    with pytest.raises(RemoteProtocolError) as caught:
        decode(frames, accepted)
    return caught.value


@pytest.mark.slow
@given(messages)
def test_every_message_comes_back(message):
    assert plain(decode(encode(message))) == plain(message)


@given(messages)
def test_frames_may_be_views(message):
    frames = [memoryview(frame) for frame in encode(message)]
    assert plain(decode(frames)) == plain(message)


@given(messages, unknown)
def test_unknown_fields_are_ignored(message, extra):
    first, *rest = encode(message)
    widened = msgpack.packb({**msgpack.unpackb(first, use_list=False), **extra})
    assert plain(decode([widened, *rest])) == plain(message)


@pytest.mark.parametrize("message", EXAMPLES, ids=name_of)
def test_a_missing_field_is_named_unless_it_has_a_default(message):
    rest = encode(message)[1:]
    for name in message.kinds.keys() & header(message).keys():
        fewer = {key: value for key, value in header(message).items() if key != name}
        frames = [msgpack.packb(fewer), *rest]
        if name in message.defaults:
            assert getattr(decode(frames), name) == message.defaults[name]
        else:
            error = refusal(frames)
            assert name in str(error)
            assert error.code == Code.MALFORMED


NEVER: list[Any] = [1.0, float("nan"), b"exact", {}, {"hop": 1}, (0,), ("x", 1), ((),)]
NO_TEXT: list[Any] = [None, 0, True, "x" * 5000, "é" * 501, "a\nb", "\x1b[2J", "\u202e", "\0"]


def wrong_values(kind):
    """Values that do not fit a kind, each as msgpack can carry it."""
    match kind:
        case Int(low, high):
            beyond = [v for v in (low - 1, high + 1) if -(2**63) <= v < 2**64]
            return [*NEVER, True, False, None, "1", (), *beyond]
        case Flag():
            return [*NEVER, None, 0, 1, "", "true", ()]
        case Text():
            return [*NEVER, *NO_TEXT, ()]
        case Choice():
            return [*NEVER, *NO_TEXT, (), "", "Exact", "exact "]
        case Texts():
            many = ("x",) * limits.HEADER_ITEMS
            return [*NEVER, *((value,) for value in NO_TEXT), None, 0, "x", many]
        case Ints():
            no_tuple = [value for value in NEVER if value != (0,)]
            return [*no_tuple, (None,), ("1",), (True,), (10**6,), None, 0, "x", (0,) * 17]
        case VersionPair():
            return [*NEVER, None, 1, "1.0", (1,), ("1", "0"), (1, -1), (True, 0), (1, 2, 3)]
        case Nested():
            return [*NEVER, None, 0, "", (), True]
    raise AssertionError(kind)


FIELDS = [
    (message, name)
    for message in EXAMPLES
    for name, kind in message.kinds.items()
    if not isinstance(kind, Samples | Tree)
]


@pytest.mark.parametrize(("message", "name"), FIELDS, ids=name_of)
def test_a_field_with_a_wrong_value_is_named(message, name):
    first, *rest = encode(message)
    for value in wrong_values(message.kinds[name]):
        fields = {**msgpack.unpackb(first, use_list=False), name: value}
        error = refusal([msgpack.packb(fields), *rest])
        assert f"{name} is" in str(error)
        assert len(str(error).encode()) <= limits.TEXT_BYTES
        assert str(error).isprintable()


@pytest.mark.parametrize(("message", "name"), FIELDS, ids=name_of)
def test_a_wrong_value_does_not_get_into_a_message_here_either(message, name):
    fields = {field: getattr(message, field) for field in message.kinds}
    for value in wrong_values(message.kinds[name]):
        if value is None and message.defaults.get(name, 0) is None:
            continue
        with pytest.raises(LocalProtocolError, match=name):
            type(message)(**{**fields, name: value})


def test_a_plan_is_left_out_but_never_null():
    bare = next(message for message in CLIENT if isinstance(message, wire.Configure))
    fields = msgpack.unpackb(encode(bare)[0])
    assert "saved" not in fields
    assert "saved is None" in str(refusal([msgpack.packb({**fields, "saved": None})]))


def test_a_wrong_value_in_a_plan_is_named():
    message = next(message for message in CLIENT if isinstance(message, wire.Configured))
    fields = msgpack.unpackb(encode(message)[0])
    fields["plan"]["hop"] = 0
    words = "CONFIGURED: plan is no SavedPlan: hop is 0, expected 1 to 23040000 model frames"
    assert str(refusal([msgpack.packb(fields)])) == words


def longest(kind):
    """The value of a kind that takes most bytes."""
    makers: dict[type, Callable[[Any], Any]] = {
        Int: lambda kind: kind.high,
        Ints: lambda kind: (kind.item.low,) * kind.most,
        Flag: lambda _: True,
        Text: lambda kind: "x" * kind.most,
        Choice: lambda kind: max(kind.words, key=len),
        Texts: lambda kind: ("x" * kind.item.most,) * kind.most,
        VersionPair: lambda _: (VERSION[0], limits.NUMBER),
        Nested: lambda kind: fullest(kind.type),
        Samples: lambda kind: np.ones([2] * len(kind.axes), np.float32),
        Tree: lambda _: {},
    }
    return makers[type(kind)](kind)


def fullest(kind):
    return kind(**{name: longest(field) for name, field in kind.kinds.items()})


@pytest.mark.parametrize("kind", TYPES, ids=name_of)
def test_the_longest_message_of_each_type_fits_its_header(kind):
    frames = encode(fullest(kind))
    assert len(frames[0]) <= limits.HEADER_BYTES
    assert plain(decode(frames)) == plain(fullest(kind))


def test_samples_are_not_copied_either_way():
    frames = encode(wire.Audio(1, 1, 0, 0, BLOCK))
    assert np.shares_memory(np.frombuffer(frames[1], np.float32), BLOCK)
    received = sent(BLOCK)
    assert np.shares_memory(received, BLOCK)
    assert not received.flags.writeable


@pytest.mark.parametrize(
    "block", [BLOCK[:, ::2], BLOCK[::-1], np.asfortranarray(BLOCK), BLOCK.T[:2, :2]]
)
def test_samples_that_are_not_contiguous_arrive_in_order(block):
    np.testing.assert_array_equal(sent(block), block)


def test_samples_are_planar_little_endian_float32():
    frames = encode(wire.Audio(1, 1, 0, 0, np.array([[1.0, -2.0], [0.5, 0.0]], np.float32)))
    assert bytes(frames[1]).hex() == "0000803f000000c00000003f00000000"


def test_samples_of_any_value_arrive_bit_for_bit():
    odd = np.array([[np.nan, np.inf, -np.inf, -0.0]], np.float32)
    assert sent(odd).tobytes() == odd.tobytes()


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((2, 4)),
        np.zeros(4, np.float32),
        np.zeros((1, 2, 4), np.float32),
        np.zeros((2, 0), np.float32),
        np.zeros((0, 4), np.float32),
        np.zeros((limits.CHANNELS + 1, 4), np.float32),
        np.zeros((1, limits.FRAMES + 1), np.float32),
        [[0.0]],
    ],
    ids=["float64", "1-d", "3-d", "no frames", "no channels", "channels", "frames", "a list"],
)
def test_other_samples_are_refused(samples):
    with pytest.raises(LocalProtocolError, match=r"Audio\.audio"):
        wire.Audio(1, 1, 0, 0, samples)


@pytest.mark.parametrize(
    "shape", [(2, 3), (2, 5), (4, 2), (1, 8), (8,), (2, 2, 2), (), (2, -4), (0, 4), (2**32, 2**32)]
)
def test_a_payload_has_the_size_of_its_shape(shape):
    first, samples = encode(wire.Audio(1, 1, 0, 0, BLOCK))
    fields = {**msgpack.unpackb(first, use_list=False), "shape": shape}
    if shape == (1, 8):
        assert plain(decode([msgpack.packb(fields), samples]))["audio"]["shape"] == shape
    else:
        refusal([msgpack.packb(fields), samples])


@pytest.mark.parametrize("shape", [None, 8, "2,4", [2.0, 4.0], [True, 4], [[2], [4]], {"2": 4}])
def test_a_shape_is_a_list_of_whole_numbers(shape):
    first, samples = encode(wire.Audio(1, 1, 0, 0, BLOCK))
    fields = {**msgpack.unpackb(first), "shape": shape}
    refusal([msgpack.packb(fields), samples])


def test_samples_in_the_header_are_none():
    first, samples = encode(wire.Audio(1, 1, 0, 0, BLOCK))
    fields = {**msgpack.unpackb(first), "audio": bytes(samples)}
    refusal([msgpack.packb(fields)])


@pytest.mark.parametrize("message", EXAMPLES, ids=name_of)
def test_the_number_of_frames_is_the_message_s(message):
    frames = encode(message)
    refusal([])
    refusal([*frames, b""])
    refusal([*frames, frames[-1], frames[-1]])
    if len(frames) == 2:
        refusal(frames[:1])


@given(messages)
def test_only_accepted_types_are_read(message):
    others = [kind for kind in TYPES if kind is not type(message)]
    assert refusal(encode(message), others).code == Code.TYPE
    assert type(decode(encode(message), [type(message)])) is type(message)


@pytest.mark.parametrize("name", [None, 1, "", "audio", "NOISE", b"AUDIO", ["AUDIO"], "x" * 1000])
def test_a_type_that_nobody_knows_is_refused(name):
    error = refusal([msgpack.packb({"t": name, "session": 1})])
    assert error.code == Code.TYPE
    assert len(str(error)) < 200


@pytest.mark.parametrize("fields", [{}, {"client": 3}, {"client": "a", "dialect": "b"}])
def test_another_major_version_is_told_whatever_else_it_says(fields):
    error = refusal([msgpack.packb({"t": "HELLO", "version": (2, 7), **fields})])
    assert error.code == Code.VERSION
    assert "2.7, expected 1.x" in str(error)
    assert error.hint


def test_another_minor_version_is_welcome():
    message = decode([msgpack.packb({"t": "HELLO", "version": (1, 99), "client": "later"})])
    assert message == wire.Hello((1, 99), "later")


def test_an_error_needs_only_what_every_version_has():
    words = {"t": "ERROR", "code": "strange", "text": "no", "hint": "go"}
    assert decode([msgpack.packb(words)]) == wire.Error("strange", "no", "go", 0, 0)


def test_a_report_that_is_too_large_is_not_sent():
    with pytest.raises(LocalProtocolError, match="at most 65536"):
        encode(wire.Report({"x": ["y" * 1000] * 100}))


@pytest.mark.parametrize(
    "report",
    [
        {"x": 1.0},
        {"x": b"1"},
        {1: 1},
        {"x": {2}},
        {"x": np.int64(3)},
        {"x": 2**64},
        {"x\n": 1},
        {"x": [0] * (limits.TREE_ITEMS + 1)},
        {"x": [[[[[[[[1]]]]]]]]},
        [("x", 1)],
    ],
)
def test_a_report_holds_only_plain_values(report):
    with pytest.raises(LocalProtocolError, match=r"Report\.report"):
        wire.Report(report)


def test_there_is_an_example_of_every_type():
    assert {type(message) for message in EXAMPLES} == set(MESSAGES.values())


def test_names_on_the_wire_are_the_classes_in_capitals():
    assert all(name == kind.__name__.upper() for name, kind in MESSAGES.items())
