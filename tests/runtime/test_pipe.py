"""The pipe between server and worker against a plain list of what was sent."""

import socket
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.runtime.pipe import Pipe, PipeClosed

LIMIT = 64 << 20
BIG = 2 << 20

payloads = st.one_of(st.none(), st.integers(1, 40), st.integers(1, 300_000), st.just(BIG))
messages = st.lists(st.tuples(st.integers(1, 9000), payloads), min_size=1, max_size=12)


def ends(limit=LIMIT):
    ours, theirs = socket.socketpair()
    return Pipe(ours, limit), Pipe(theirs, limit)


@pytest.fixture
def pipes():
    both = ends()
    yield both
    for pipe in both:
        pipe.close()


def frames(sizes, seed=0):
    header, payload = sizes
    made = [bytes([seed % 251]) * header]
    return made if payload is None else [*made, bytes([(seed + 7) % 251]) * payload]


def send_much(pipe):
    for _ in range(100):
        pipe.send([b"x", bytes(BIG)])


def receive(pipe, count):
    found: list[list[bytes]] = []
    while len(found) < count:
        found += pipe.receive()
    return found


@settings(max_examples=60)
@given(messages, st.lists(st.booleans(), max_size=40))
def test_every_message_comes_whole_and_in_order(sizes, reads):
    sender, reader = ends()
    wanted = [frames(size, number) for number, size in enumerate(sizes)]
    found: list[list[bytes]] = []
    turns = iter(reads)
    for message in wanted:
        sender.send(message)
        if next(turns, False):  # a slow reader comes only now and then
            found += reader.receive()
        if next(turns, False):
            sender.flush()
    while sender.waiting:
        sender.flush()
        found += reader.receive()
    found += receive(reader, len(wanted) - len(found))
    assert found == wanted
    assert reader.receive() == []
    sender.close()
    reader.close()


@settings(max_examples=40)
@given(messages, st.integers(1, 5000))
def test_bytes_may_come_in_any_pieces(sizes, step):
    ours, theirs = socket.socketpair()
    recorder, reader = ends()
    wanted = [frames((header, min(payload or 1, 20_000))) for header, payload in sizes]
    for message in wanted:
        recorder.send(message)
    raw = b""
    reader._socket.setblocking(True)
    size = sum(8 + sum(map(len, message)) for message in wanted)
    while len(raw) < size:
        if recorder.waiting:
            recorder.flush()
        raw += reader._socket.recv(1 << 20)
    slow = Pipe(theirs, LIMIT)
    found: list[list[bytes]] = []
    for start in range(0, len(raw), max(step, len(raw) // 200)):
        ours.sendall(raw[start : start + max(step, len(raw) // 200)])
        found += slow.receive()
    assert found == wanted
    for each in (recorder, reader, slow):
        each.close()
    ours.close()


def test_memory_of_the_sender_may_be_used_again_at_once(pipes):
    sender, reader = pipes
    payload = bytearray(b"a" * BIG)
    sender.send([b"first", memoryview(payload)])
    assert sender.waiting
    payload[:] = b"b" * BIG
    found: list[list[bytes]] = []
    while not found:
        sender.flush()
        found = reader.receive()
    assert found == [[b"first", b"a" * BIG]]


def test_payloads_of_other_items_than_bytes_are_counted_in_bytes(pipes):
    sender, reader = pipes
    sender.send([b"h", memoryview(bytes(range(16))).cast("f")])
    assert receive(reader, 1) == [[b"h", bytes(range(16))]]


def test_what_was_sent_before_the_end_still_comes(pipes):
    sender, reader = pipes
    sent = [[b"%d" % number] for number in range(100)]
    for message in sent:
        sender.send(message)
    sender.close()
    assert receive(reader, 100) == sent
    with pytest.raises(PipeClosed, match="closed"):
        reader.receive()


def test_half_a_message_before_the_end_is_none():
    ours, theirs = socket.socketpair()
    reader = Pipe(theirs, LIMIT)
    ours.sendall(bytes([5, 0, 0, 0, 0, 0, 0, 0]) + b"abc")
    assert reader.receive() == []
    ours.close()
    with pytest.raises(PipeClosed):
        reader.receive()
    reader.close()


def test_sending_to_an_end_that_is_gone(pipes):
    sender, reader = pipes
    reader.close()
    with pytest.raises(PipeClosed):
        send_much(sender)


def test_who_does_not_read_is_gone_at_the_limit():
    sender, reader = ends(limit=3 * BIG)
    with pytest.raises(PipeClosed, match="wait to be read"):
        send_much(sender)
    assert sender.waiting <= 3 * BIG
    assert "wait to be read" in sender.broken
    reader.send([b"still here"])
    for use in (lambda: sender.send([b"x"]), sender.receive):  # it hears that, too
        with pytest.raises(PipeClosed, match="wait to be read"):
            use()
    assert sender.waiting <= 3 * BIG
    sender.close()
    reader.close()


def test_memory_stays_while_much_goes_through(pipes):
    sender, reader = pipes
    payload = bytes(300_000)
    tracemalloc.start()
    for number in range(400):
        sender.send([b"x" * 50, payload])
        for _ in range(3):
            sender.flush()
            reader.receive()
        if number == 50:
            before = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1 << 20, grown
