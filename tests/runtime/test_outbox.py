"""What waits for a client against what was added."""

import numpy as np
import pytest

from bridge.protocol.codec import encode
from bridge.protocol.messages import Credit, Drained, Stems
from bridge.runtime.outbox import BYTES, Outbox

FRAMES = 16_384


def add(outbox, message):
    outbox.add(message, encode(message))


def stems(epoch, start=0):
    return Stems(7, epoch, start, start, np.zeros((4, 2, FRAMES), np.float32))


def everything(outbox):
    sent = []

    def take(frames):
        sent.append(frames)
        return True

    outbox.send(take)
    assert not outbox
    return sent


def test_messages_leave_in_order_as_far_as_there_is_room():
    outbox, wanted = Outbox(), [stems(1), Credit(7, 1, 5), stems(1, FRAMES), Drained(7, 1, 9)]
    for message in wanted:
        add(outbox, message)
    room = iter([True, False])
    outbox.send(lambda _: next(room))
    assert outbox
    assert len(everything(outbox)) == 3


def test_it_is_full_by_bytes_and_not_for_good():
    outbox, count = Outbox(), 0
    while not outbox.is_full:
        add(outbox, stems(1))
        count += 1
    payload = stems(1).audio.nbytes
    assert BYTES - 2 * payload < count * payload <= BYTES
    outbox.send(lambda _: False)
    assert outbox.is_full
    everything(outbox)
    assert not outbox.is_full


def test_of_credit_only_the_last_waits():
    outbox = Outbox()
    for received in range(100_000):
        add(outbox, Credit(7, 1, received))
    assert not outbox.is_full
    add(outbox, Credit(7, 2, 1))
    sent = everything(outbox)
    assert [list(map(bytes, frames)) for frames in sent] == [
        list(map(bytes, encode(message))) for message in (Credit(7, 1, 99_999), Credit(7, 2, 1))
    ]


@pytest.mark.parametrize(("before", "left"), [(1, 4), (2, 3), (4, 1), (5, 0)])
def test_what_is_over_is_forgotten(before, left):
    outbox = Outbox()
    while not outbox.is_full:
        add(outbox, stems(1))
    everything(outbox)
    for epoch in (1, 2, 3, 4):
        add(outbox, stems(epoch))
    outbox.forget(before)
    assert len(everything(outbox)) == left
