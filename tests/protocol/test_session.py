"""The rules of a session one by one: who may say what when, and who is to blame."""

from dataclasses import replace

import numpy as np
import pytest

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol.codes import Code
from bridge.protocol.fields import VERSION
from bridge.protocol.states import Socket, State
from tests.protocol.examples import CONFIGURE, INPUT, OUTPUT
from tests.protocol.link import configured, refuse, states

CONTROL, AUDIO = Socket.CONTROL, Socket.AUDIO


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
