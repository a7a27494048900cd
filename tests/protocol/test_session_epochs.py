"""Epochs: what opens, feeds, drains and ends one, and what the credit allows."""

import numpy as np
import pytest

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol.codes import Code
from bridge.protocol.states import Socket, State
from tests.protocol.examples import INPUT
from tests.protocol.link import refuse, states

CONTROL, AUDIO = Socket.CONTROL, Socket.AUDIO


def test_audio_before_reset_is_refused(link):
    link.greet()
    link.configure()
    link.attach()
    refuse(link, wire.Audio(7, 1, 0, 0, INPUT), AUDIO, Code.ORDER)


def test_reset_before_attach_is_refused(link):
    link.greet()
    link.configure()
    refuse(link, wire.Reset(7, 1, 0, 0, 1), AUDIO, Code.ORDER)


@pytest.mark.parametrize(
    "reset", [(2, 0, 0, 9), (1, 0, 0, 1), (2, 10, 9, 1)], ids=["request", "epoch", "start"]
)
def test_a_reset_that_cannot_be(link, reset):
    link.run()
    refuse(link, wire.Reset(7, *reset), AUDIO, Code.ORDER)


def test_a_phase_is_what_was_agreed_or_none(link):
    link.greet()
    link.configure(phase=540)
    link.attach()
    for epoch, phase in ((1, 540), (2, 0)):
        link.ask(wire.Reset(7, epoch, 0, 0, 1, phase), AUDIO)
        link.deliver()
        assert states(link) == (State.RUNNING, State.RUNNING)
    refuse(link, wire.Reset(7, 3, 0, 0, 1, 1080), AUDIO, Code.ORDER)


def test_credit_is_what_lies_between_received_and_the_end_of_input(link):
    epoch = link.run(start=500, credit=100)
    assert link.client.credit_left == 100
    link.audio(500, 100)
    assert link.client.credit_left == 0
    link.deliver()
    with pytest.raises(LocalProtocolError, match="up to 601, expected at most 600"):
        link.audio(600, 1)
    one_more = wire.Audio(7, epoch, 600, 0, np.zeros((2, 1), np.float32))
    refuse(link, one_more, AUDIO, Code.CREDIT)
    link.answer(wire.Credit(7, epoch, 540), AUDIO)
    link.deliver()
    assert link.client.credit_left == 40
    link.audio(600, 40)
    link.stems(500, 10, received=600)
    link.deliver()
    assert link.client.credit_left == 60


def test_the_same_input_twice_costs_no_credit(link):
    link.run(credit=100)
    link.audio(0, 90)
    link.audio(40, 60)
    link.audio(10, 10)
    assert link.client.credit_left == 0
    assert len(link.deliver()) == 3


def test_input_leaves_no_gap(link):
    epoch = link.run(start=10)
    link.audio(10, 10)
    link.deliver()
    refuse(link, wire.Audio(7, epoch, 21, 0, INPUT), AUDIO, Code.ORDER)


def test_input_has_the_channels_that_were_configured(link):
    epoch = link.run()
    mono = wire.Audio(7, epoch, 0, 0, np.zeros((1, 4), np.float32))
    refuse(link, mono, AUDIO, Code.FORMAT)


def test_input_before_the_start_of_its_epoch_is_refused(link):
    epoch = link.run(start=100)
    link.audio(100, 10)
    link.deliver()
    refuse(link, wire.Audio(7, epoch, 99, 0, INPUT), AUDIO, Code.ORDER)


def test_input_of_an_epoch_that_was_never_opened_is_refused(link):
    epoch = link.run()
    refuse(link, wire.Audio(7, epoch + 1, 0, 0, INPUT), AUDIO, Code.ORDER)


def test_an_epoch_is_drained_once_and_takes_no_input_then(link):
    epoch = link.run()
    link.audio(0, 50)
    link.ask(wire.Drain(7, epoch, 50), AUDIO)
    link.deliver()
    refuse(link, wire.Drain(7, epoch, 50), AUDIO, Code.ORDER)
    refuse(link, wire.Audio(7, epoch, 0, 0, INPUT), AUDIO, Code.ORDER)
    assert link.client.credit_left == 0


@pytest.mark.parametrize("stop", [9, 61])
def test_an_epoch_ends_where_its_input_does(link, stop):
    epoch = link.run(start=10)
    link.audio(10, 50)
    link.deliver()
    refuse(link, wire.Drain(7, epoch, stop), AUDIO, Code.ORDER)


def test_a_reset_ends_the_epoch_before_whose_stems_still_come(link):
    first = link.run()
    link.audio(0, 100)
    link.deliver()
    second = link.reset(start=100)
    link.deliver()
    assert states(link) == (State.RUNNING, State.RUNNING)
    refuse(link, wire.Audio(7, first, 100, 0, INPUT), AUDIO, Code.ORDER)
    assert link.stems(0, 100, received=100, epoch=first)
    assert link.answer(wire.Drained(7, first, 100), AUDIO)
    assert [type(message) for message in link.deliver()] == [wire.Stems, wire.Drained]
    link.audio(100, 10, second)
    assert len(link.deliver()) == 1


def test_an_epoch_that_a_replay_begins_anew_is_over(link):
    first = link.run(start=100)
    link.audio(100, 50)
    link.deliver()
    link.reset(start=100)
    link.deliver()
    assert not link.stems(100, 50, received=150, epoch=first)
    assert not link.answer(wire.Drained(7, first, 150), AUDIO)


def test_of_more_epochs_than_may_be_open_the_oldest_is_over(link):
    epochs = [link.run()]
    for index in range(limits.EPOCHS):
        link.audio(10 * index, 10)
        epochs.append(link.reset(start=10 * index + 10))
        link.deliver()
    assert not link.stems(0, 10, received=10, epoch=epochs[0])
    assert all(link.stems(10 * index, 10, 10 * index + 10, epochs[index]) for index in (1,))


def test_stems_and_credit_never_go_back(link):
    epoch = link.run()
    link.audio(0, 50)
    link.deliver()
    link.stems(0, 20, received=30)
    link.deliver()
    for message in (
        wire.Stems(7, epoch, 19, 30, np.zeros((4, 2, 1), np.float32)),
        wire.Credit(7, epoch, 29),
    ):
        with pytest.raises(RemoteProtocolError):
            link.client.receive(AUDIO, message, 0)


def test_what_is_in_flight_is_what_the_client_has_not_got(link):
    epoch = link.run(start=1000, credit=20_000, latency=100)
    link.audio(1000, 16_000)
    link.deliver()
    assert link.server.in_flight == 0
    link.stems(1000, 16_000, received=17_000)
    assert link.server.in_flight == 16_000
    link.deliver()
    link.audio(17_000, 10, epoch, got=15_000)
    link.deliver()
    assert link.server.in_flight == 2000
    link.audio(17_010, 10, epoch, got=5000)  # an older message cannot take it back
    link.deliver()
    assert link.server.in_flight == 2000


def test_what_was_never_sent_cannot_have_been_got(link):
    link.run(start=1000, credit=20_000)
    link.audio(1000, 8000, got=limits.FRAME)
    link.deliver()
    link.stems(1000, 8000, received=9000)
    assert link.server.in_flight == 8000
    link.audio(9000, 10, got=limits.FRAME)
    link.reset(500)  # what was got of the epoch before is nothing of this one
    link.audio(500, 8000, got=9000)
    link.deliver()
    link.stems(500, 8000, received=8500)
    assert link.server.in_flight == 8000


def test_what_was_left_out_is_not_in_flight(link):
    """A replay brings much input before the first stems that are still wanted."""
    link.run(credit=400_000, latency=100)
    for start in range(0, 200_000, 10_000):
        link.audio(start, 10_000, got=190_000)
    link.deliver()
    link.stems(190_000, 500, received=200_000)
    assert link.server.in_flight == 500
    link.stems(190_600, 400, received=200_000)  # a gap behind what is on its way
    assert link.server.in_flight == 1000
    link.deliver()
    link.audio(200_000, 10, got=191_000)
    link.deliver()
    assert link.server.in_flight == 0


def test_a_client_that_reads_nothing_is_noticed(link):
    link.run(credit=16_000, latency=100)
    most = 16_000 + 100 + limits.FRAMES
    sent = 0
    while not link.server.is_unread:
        link.audio(sent, 1000, got=0)
        link.deliver()
        link.stems(sent, 1000, received=sent + 1000)
        link.deliver()
        sent += 1000
    assert most < sent <= most + 1000
