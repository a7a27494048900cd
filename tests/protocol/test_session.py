"""The rules of a session one by one: who may say what when, and who is to blame."""

from dataclasses import replace

import numpy as np
import pytest

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol.codes import Code
from bridge.protocol.fields import VERSION
from bridge.protocol.session import ClientSession, ServerSession
from bridge.protocol.states import Socket, State
from tests.protocol.examples import CONFIGURE, INPUT, OUTPUT
from tests.protocol.link import HEARTBEAT_US, Link, configured

CONTROL, AUDIO = Socket.CONTROL, Socket.AUDIO


@pytest.fixture
def link():
    return Link()


def states(link):
    return link.client.state, link.server.state


def refuse(link, message, socket, code):
    """The server refuses `message` with `code`, and nothing changes."""
    before = link.server.state, link.server.epoch, link.server.request, link.server.in_flight
    with pytest.raises(RemoteProtocolError, match=message.wire_name) as caught:
        link.server.receive(socket, message, link.now_us)
    assert caught.value.code == code
    after = link.server.state, link.server.epoch, link.server.request, link.server.in_flight
    assert before == after


def test_a_session_from_hello_to_bye(link):
    assert states(link) == (State.OFFLINE, State.OFFLINE)
    link.greet(token=9)
    assert states(link) == (State.NEW, State.NEW)
    assert link.client.token == link.server.token == 9
    assert link.configure() == 1
    assert states(link) == (State.CONFIGURED, State.CONFIGURED)
    link.attach()
    epoch = link.reset(100)
    link.deliver()
    assert states(link) == (State.RUNNING, State.RUNNING)
    link.audio(100, 64)
    link.deliver()
    assert link.stems(100, 32, received=164)
    stems = link.deliver()[0]
    assert isinstance(stems, wire.Stems)
    link.ask(wire.Drain(9, epoch, 164), AUDIO)
    link.deliver()
    assert states(link) == (State.DRAINING, State.DRAINING)
    link.stems(132, 32, received=164)
    link.answer(wire.Drained(9, epoch, 164), AUDIO)
    assert len(link.deliver()) == 2
    assert states(link) == (State.CONFIGURED, State.CONFIGURED)
    link.ask(wire.Bye(9))
    link.deliver()
    assert states(link) == (State.OFFLINE, State.OFFLINE)


EARLY = [
    (wire.Welcome(VERSION, "me", 7, 1000, 1, ()), CONTROL, Code.TYPE),
    (wire.Audio(7, 1, 0, 0, INPUT), AUDIO, Code.ORDER),
    (wire.Audio(7, 1, 0, 0, INPUT), CONTROL, Code.TYPE),
    (wire.Reset(7, 1, 0, 0, 1), AUDIO, Code.ORDER),
    (wire.Drain(7, 1, 0), AUDIO, Code.ORDER),
    (wire.Stems(7, 1, 0, 0, OUTPUT), AUDIO, Code.TYPE),
    (wire.Lost(7, 1), AUDIO, Code.TYPE),
    (replace(CONFIGURE, session=8), CONTROL, Code.SESSION),
    (wire.Attach(8), AUDIO, Code.SESSION),
    (wire.Bye(8), CONTROL, Code.SESSION),
]


@pytest.mark.parametrize(("message", "socket", "code"), EARLY)
def test_what_a_new_session_refuses(link, message, socket, code):
    link.greet(token=7)
    refuse(link, message, socket, code)
    with pytest.raises(LocalProtocolError, match=message.wire_name):
        link.client.send(socket, message, 0)


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


def test_an_epoch_keeps_its_plan_when_another_is_configured(link):
    epoch = link.run(credit=100)
    assert link.configure(credit=7) == 2
    assert states(link) == (State.RUNNING, State.RUNNING)
    link.audio(0, 100, epoch)
    assert link.client.credit_left == 0
    link.reset(start=100, request=1)
    assert link.client.credit_left == 100
    link.reset(start=100, request=2)
    assert link.client.credit_left == 7
    assert len(link.deliver()) == 3


def test_a_reset_names_the_newest_plan_or_that_of_the_epoch_before(link):
    link.run()
    for _ in range(limits.PLANS + 2):
        link.configure()
    newest = link.client.request
    with pytest.raises(LocalProtocolError, match=f"expected \\({newest}, 1\\)"):
        link.reset(request=newest - 1)
    link.reset(request=1)
    link.reset(request=newest)
    assert len(link.deliver()) == 2


def test_requests_may_overtake_a_reset(link):
    link.greet()
    link.attach()
    link.configure()
    link.reset(request=1)
    for request in range(2, limits.PLANS + 1):
        link.ask(replace(CONFIGURE, session=7, request=request))
        link.to_server()
        link.answer(configured(7, request))
    assert [type(message) for message in link.deliver()][-1] is wire.Reset


def test_the_server_forgets_plans_that_are_long_out_of_date(link):
    link.greet()
    link.attach()
    for _ in range(limits.PLANS + 1):
        link.configure()
    refuse(link, wire.Reset(7, 1, 0, 0, 1), AUDIO, Code.ORDER)


def test_a_newer_request_replaces_one_that_is_not_answered(link):
    link.greet()
    link.ask(replace(CONFIGURE, session=7, request=1))
    link.deliver()
    link.answer(wire.Progress(7, 1, "loading", 0, 0))
    link.answer(configured(7, 1))
    link.ask(replace(CONFIGURE, session=7, request=2))
    assert [type(message) for message in link.deliver()] == [wire.Configure]  # both came too late
    assert states(link) == (State.NEW, State.CONFIGURED)
    assert not link.answer(configured(7, 1))
    assert link.answer(configured(7, 2))
    link.deliver()
    assert states(link) == (State.CONFIGURED, State.CONFIGURED)


def test_requests_count_up(link):
    link.greet()
    link.configure()
    refuse(link, replace(CONFIGURE, session=7, request=1), CONTROL, Code.ORDER)


def test_a_refused_request_leaves_everything_as_it_was(link):
    link.run()
    link.ask(replace(CONFIGURE, session=7, request=2))
    link.deliver()
    assert link.client.pending == link.server.pending == 2
    link.answer(wire.Error(Code.LATENCY, "too short", "ask for more", 7, 2))
    assert [type(message) for message in link.deliver()] == [wire.Error]
    assert link.client.pending == link.server.pending == 0
    assert states(link) == (State.RUNNING, State.RUNNING)


def test_an_error_about_the_session_ends_it(link):
    link.run()
    link.answer(wire.Error(Code.WORKER, "it died", "", 7))
    link.audio(0, 10)
    link.deliver()
    assert states(link) == (State.OFFLINE, State.OFFLINE)


def test_an_error_about_nothing_changes_nothing(link):
    link.run()
    link.answer(wire.Error(Code.MALFORMED, "what?", ""))
    link.deliver()
    assert states(link) == (State.RUNNING, State.RUNNING)


def test_a_refused_hello_ends_the_greeting(link):
    link.ask(wire.Hello(VERSION, "test"))
    link.deliver()
    link.answer(wire.Error(Code.FULL, "64 sessions are open", ""))
    link.deliver()
    assert states(link) == (State.OFFLINE, State.OFFLINE)


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


IMPOSSIBLE = [
    (wire.Stems(7, 1, 0, 51, np.zeros((4, 2, 10), np.float32)), "received up to 51"),
    (wire.Stems(7, 1, 45, 50, np.zeros((4, 2, 10), np.float32)), "from 45 to 55"),
    (wire.Stems(7, 1, 0, 50, np.zeros((3, 2, 10), np.float32)), "of shape"),
    (wire.Stems(7, 1, 0, 50, np.zeros((4, 1, 10), np.float32)), "of shape"),
    (wire.Stems(7, 2, 0, 50, np.zeros((4, 2, 10), np.float32)), "epoch 2"),
    (wire.Credit(7, 1, 51), "received up to 51"),
    (wire.Credit(7, 9, 1), "epoch 9"),
    (wire.Drained(7, 1, 50), "not been drained"),
    (wire.Lost(7, 2), "never opened"),
]


@pytest.mark.parametrize(("message", "words"), IMPOSSIBLE)
def test_what_no_server_may_say(link, message, words):
    link.run()
    link.audio(0, 50)
    link.deliver()
    with pytest.raises(LocalProtocolError, match=words):
        link.server.send(AUDIO, message, 0)
    with pytest.raises(RemoteProtocolError, match=words):
        link.client.receive(AUDIO, message, 0)


def test_a_running_session_is_not_welcomed_again(link):
    link.run()
    welcome = wire.Welcome(VERSION, "again", 8, 1000, 1, ())
    with pytest.raises(LocalProtocolError, match="running"):
        link.server.send(CONTROL, welcome, 0)
    with pytest.raises(RemoteProtocolError, match="running"):
        link.client.receive(CONTROL, welcome, 0)


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


def test_other_answers_that_nobody_asked_for(link):
    link.greet()
    for message, socket in (
        (configured(7, 1), CONTROL),
        (wire.Attached(7), AUDIO),
        (wire.Welcome(VERSION, "again", 8, 1000, 1, ()), CONTROL),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            link.client.receive(socket, message, 0)
        assert caught.value.code == Code.ORDER


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
