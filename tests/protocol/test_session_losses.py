"""What is lost, over or never was: workers and servers that die, late messages, heartbeats."""

import pytest

from bridge.errors import LocalProtocolError
from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol.codes import Code
from bridge.protocol.fields import VERSION
from bridge.protocol.session import ClientSession, ServerSession
from bridge.protocol.states import Socket, State
from tests.protocol.examples import INPUT, OUTPUT
from tests.protocol.link import HEARTBEAT_US, refuse, states

CONTROL, AUDIO = Socket.CONTROL, Socket.AUDIO


def test_after_lost_input_is_ignored_until_the_next_reset(link):
    epoch = link.run()
    link.audio(0, 10)
    link.deliver()
    link.answer(wire.Lost(7, epoch), AUDIO)
    link.audio(10, 10)
    link.ask(wire.Drain(7, epoch, 20), AUDIO)  # both have crossed with LOST
    assert [type(message) for message in link.deliver()] == [wire.Lost]
    assert states(link) == (State.LOST, State.LOST)
    with pytest.raises(LocalProtocolError, match="RESET opens the next"):
        link.audio(20, 10)
    assert not link.stems(0, 10, received=10)
    link.reset(start=0)
    link.audio(0, 20)
    assert len(link.deliver()) == 2
    assert states(link) == (State.RUNNING, State.RUNNING)


def test_lost_and_reset_may_cross(link):
    epoch = link.run()
    link.answer(wire.Lost(7, epoch), AUDIO)
    link.reset(start=0)
    assert [type(message) for message in link.deliver()] == [wire.Reset]
    assert states(link) == (State.RUNNING, State.RUNNING)


def test_attaching_again_ends_open_epochs(link):
    epoch = link.run()
    link.audio(0, 10)
    link.deliver()
    link.stems(0, 10, received=10)
    link.attach()
    assert states(link) == (State.CONFIGURED, State.CONFIGURED)
    assert not link.stems(10, 10, received=20, epoch=epoch)


def test_an_epoch_that_is_over_cannot_be_lost(link):
    epoch = link.run()
    link.audio(0, 10)
    link.ask(wire.Drain(7, epoch, 10), AUDIO)
    link.deliver()
    link.answer(wire.Drained(7, epoch, 10), AUDIO)
    assert not link.answer(wire.Lost(7, epoch), AUDIO)
    assert link.server.state is State.CONFIGURED
    refuse(link, wire.Audio(7, epoch, 0, 0, INPUT), AUDIO, Code.ORDER)


def test_attaching_again_after_lost(link):
    epoch = link.run()
    link.answer(wire.Lost(7, epoch), AUDIO)
    link.deliver()
    link.attach()
    assert states(link) == (State.CONFIGURED, State.CONFIGURED)


def test_a_client_begins_again_after_its_server_died(link):
    before = link.run()
    link.audio(0, 10)
    link.client.disconnect()
    assert link.client.state is State.OFFLINE
    assert link.client.credit_left == 0
    link.connect()
    after = link.run(start=0)
    assert after > before
    assert states(link) == (State.RUNNING, State.RUNNING)


def test_messages_of_an_earlier_session_are_ignored(link):
    link.run()
    stale = wire.Stems(7, 1, 0, 0, OUTPUT)
    link.client.disconnect()
    assert not link.client.receive(AUDIO, stale, 0)
    link.connect()
    link.greet(token=8)
    assert not link.client.receive(AUDIO, stale, 0)
    assert not link.client.receive(CONTROL, wire.Bye(7), 0)
    assert link.client.state is State.NEW


def test_heartbeats_are_due_over_each_silent_socket(link):
    link.greet()
    assert link.client.pings(HEARTBEAT_US // 2 - 1) == []
    assert link.client.pings(HEARTBEAT_US // 2) == [CONTROL]
    link.configure()
    link.now_us = 300_000
    link.attach()
    link.reset()
    link.now_us = 900_000
    link.audio(0, 10)
    link.deliver()
    assert link.client.pings(link.now_us) == [CONTROL]
    assert link.server.pings(link.now_us) == [CONTROL, AUDIO]
    link.ask(wire.Ping(1))
    assert link.client.pings(link.now_us) == []


def test_a_silent_peer_is_gone_after_four_heartbeats(link):
    link.run()
    most = limits.MISSED_HEARTBEATS * HEARTBEAT_US
    assert not link.client.is_gone(most)
    assert not link.server.is_gone(most)
    assert link.client.is_gone(most + 1)
    assert link.server.is_gone(most + 1)
    link.now_us = most
    link.ask(wire.Ping(1))
    link.deliver()
    link.answer(wire.Pong(1))
    link.deliver()
    assert link.client.is_gone(most + 1)  # as its audio socket is silent
    assert not link.server.is_gone(most + 1)


def test_who_is_offline_waits_for_nobody():
    for session in (ClientSession(), ServerSession()):
        assert session.pings(10**12) == []
        assert not session.is_gone(10**12)


def test_after_the_end_nobody_is_waited_for(link):
    link.run()
    link.ask(wire.Bye(7))
    link.deliver()
    for session in (link.client, link.server):
        assert session.pings(10**12) == []
        assert not session.is_gone(10**12)


def test_a_greeting_that_is_never_answered_is_given_up(link):
    link.ask(wire.Hello(VERSION, "test"))
    assert not link.client.is_gone(limits.MISSED_HEARTBEATS * limits.GREETING_US)
    assert link.client.is_gone(limits.MISSED_HEARTBEATS * limits.GREETING_US + 1)
