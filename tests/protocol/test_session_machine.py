"""Both ends over a link in memory, whatever is sent and in whatever order the sockets deliver.

Each end does what its session lets it do. The property is that this never surprises the other one:
no message that one end may send is an offence where it arrives, however much has crossed with it.
"""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.errors import LocalProtocolError
from bridge.protocol import limits
from bridge.protocol import messages as wire
from bridge.protocol.codes import Code
from bridge.protocol.fields import VERSION
from bridge.protocol.states import Socket, State
from tests.protocol.examples import CONFIGURE
from tests.protocol.link import HEARTBEAT_US, Link, configured

# A few rules with many choices each, since hypothesis leaves out some rules of every machine.
BY_CLIENT = ["audio"] * 6 + ["reset", "reset", "configure", "drain", "attach", "ping", "leave"]
BY_SERVER = ["stems"] * 5 + ["credit", "credit", "drained", "drained", "grant", "grant", "refuse"]
BY_SERVER += ["progress", "lose", "attached", "ping", "bye", "fail"]
SMALL = st.integers(-2, 30)


class Ends(RuleBasedStateMachine):
    """A client and a server that try everything, and the test's own account of it.

    sent, told: end of the newest epoch's input as the client sent it, and as it was acknowledged.
    heard, given: by epoch, the input that came to the server, and how far stems were sent.
    got: by epoch, how far stems came to the client.
    """

    def __init__(self):
        super().__init__()
        self.link = Link()
        self.tokens = 0
        self.credits = {}
        self.sent = self.told = self.credit = 0
        self.opened = []
        self.heard, self.given, self.got = {}, {}, {}

    def attempt(self, act, *arguments, **named):
        """Do what may be done; what may not be is refused here, and never sent. Whether it was."""
        try:
            act(*arguments, **named)
        except LocalProtocolError:
            return False
        return True

    @initialize()
    def begin(self):
        self.start(credit=200)

    @rule(credit=st.integers(1, 300))
    @precondition(lambda self: self.link.client.state is State.OFFLINE)
    def start(self, credit):
        """All the way to an epoch that takes input, without anything unusual."""
        self.link.connect()
        self.tokens += 1
        self.link.greet(self.tokens)
        self.credits[self.tokens, self.link.configure(credit=credit)] = credit
        self.link.attach()
        self.client_reset(0, 0)
        self.settle()

    @rule(accept=st.booleans())
    @precondition(lambda self: self.link.client.state is State.OFFLINE)
    def greet(self, accept):
        self.link.connect()
        self.link.ask(wire.Hello(VERSION, "test"))
        self.link.to_server()
        self.tokens += 1
        welcome = wire.Welcome(VERSION, "test", self.tokens, HEARTBEAT_US, 16384, ())
        self.link.answer(welcome if accept else wire.Error(Code.FULL, "full", ""))

    @rule(what=st.sampled_from(BY_CLIENT), one=SMALL, two=SMALL)
    @precondition(lambda self: self.link.client.token)
    def client_speaks(self, what, one, two):
        getattr(self, f"client_{what}")(one, two)

    @rule(what=st.sampled_from(BY_SERVER), one=SMALL, two=SMALL, older=st.booleans())
    @precondition(lambda self: self.link.server.token)
    def server_speaks(self, what, one, two, older):
        epoch = max(1, self.link.server.epoch - older)
        getattr(self, f"server_{what}")(epoch, one, two)

    @rule(which=st.integers(0, 3), count=st.integers(1, 5))
    def arrive(self, which, count):
        link = self.link
        ways = [(link.to_server, link.up, socket) for socket in Socket]
        ways += [(link.to_client, link.down, socket) for socket in Socket]
        waiting = [way for way in ways if way[1][way[2]]]
        if waiting:
            deliver, queues, socket = waiting[which % len(waiting)]
            for _ in range(min(count, len(queues[socket]))):
                self.note(deliver(socket))

    @rule()
    def settle(self):
        """Once nothing is on its way, both ends agree."""
        for message in self.link.deliver():
            self.note(message)
        client, server = self.link.client, self.link.server
        if client.token and client.token == server.token:
            assert client.pending == server.pending
            assert client.epoch == server.epoch or not server.epoch
            # A plan that came too late for the client is one that only the server knows of.
            if State.NEW not in (client.state, server.state):
                assert client.state == server.state

    @rule()
    @precondition(lambda self: len(self.opened) % 4 == 3)  # else nothing would ever get far
    def cut(self):
        self.link.client.disconnect()

    def client_audio(self, one, two):
        start = max(0, self.sent + min(0, 10 - one) if one >= 0 else self.sent - one)
        frames, got = max(1, two), max(self.got.values(), default=0)
        if self.attempt(self.link.audio, start, frames, got=got):
            self.sent = max(self.sent, start + frames)

    def client_reset(self, one, two):
        # As many CONFIGUREs as a server remembers must not overtake it.
        if len(self.link.up[Socket.CONTROL]) + len(self.link.up[Socket.AUDIO]) > 2 * limits.PLANS:
            return
        client = self.link.client
        request = max(1, client.request - max(0, two) % 3)
        origin = max(0, self.sent + min(one, 5))
        if self.attempt(self.link.reset, origin + max(0, two), origin, request):
            self.credit = self.credits[client.token, request]
            self.sent = self.told = origin + max(0, two)
            self.opened.append(client.epoch)

    def client_configure(self, _one, _two):
        client = self.link.client
        if not self.link.up[Socket.AUDIO]:
            wish = replace(CONFIGURE, session=client.token, request=client.request + 1)
            self.attempt(self.link.ask, wish)

    def client_drain(self, one, _two):
        client = self.link.client
        drain = wire.Drain(client.token, max(1, client.epoch), max(0, self.sent - one))
        self.attempt(self.link.ask, drain, Socket.AUDIO)

    def client_attach(self, _one, _two):
        self.attempt(self.link.ask, wire.Attach(self.link.client.token), Socket.AUDIO)

    def client_ping(self, one, _two):
        self.attempt(self.link.ask, wire.Ping(0), Socket.AUDIO if one % 2 else Socket.CONTROL)

    def client_leave(self, one, _two):
        if one == 0:
            self.attempt(self.link.ask, wire.Bye(self.link.client.token))

    def server_stems(self, epoch, one, two):
        begin, end = self.heard.get(epoch, (0, 0))
        start = self.given.get(epoch, begin) + max(-1, one // 5)
        frames = max(1, min(two, end - start))
        if start >= 0 and self.attempt(self.link.stems, start, frames, max(0, end - one), epoch):
            self.given[epoch] = start + frames

    def server_credit(self, epoch, one, _two):
        received = max(0, self.heard.get(epoch, (0, 0))[1] - one)
        credit = wire.Credit(self.link.server.token, epoch, received)
        self.attempt(self.link.answer, credit, Socket.AUDIO)

    def server_drained(self, epoch, _one, _two):
        drained = wire.Drained(self.link.server.token, epoch, 0)
        self.attempt(self.link.answer, drained, Socket.AUDIO)

    def server_lose(self, epoch, _one, _two):
        self.attempt(self.link.answer, wire.Lost(self.link.server.token, epoch), Socket.AUDIO)

    def server_grant(self, _epoch, one, _two):
        token, request, credit = self.link.server.token, self.link.server.pending, 20 + one
        if request:
            self.credits[token, request] = credit
            assert self.link.answer(configured(token, request, credit=credit))

    def server_refuse(self, _epoch, _one, _two):
        token, request = self.link.server.token, self.link.server.pending
        if request:
            assert self.link.answer(wire.Error(Code.LOAD, "no", "", token, request))

    def server_progress(self, _epoch, _one, _two):
        token, request = self.link.server.token, self.link.server.request
        if request:
            self.link.answer(wire.Progress(token, request, "loading", 1, 2))

    def server_attached(self, _epoch, _one, _two):
        self.attempt(self.link.answer, wire.Attached(self.link.server.token), Socket.AUDIO)

    def server_ping(self, _epoch, one, _two):
        self.attempt(self.link.answer, wire.Ping(0), Socket.AUDIO if one % 2 else Socket.CONTROL)

    def server_bye(self, _epoch, one, _two):
        if one == 0:
            self.link.answer(wire.Bye(0))

    def server_fail(self, _epoch, one, _two):
        if one == 0:
            self.link.answer(wire.Error(Code.WORKER, "gone", "", self.link.server.token))

    def note(self, message):
        """Keep the books of what arrived."""
        match message:
            case wire.Reset():
                self.heard[message.epoch] = message.start, message.start
            case wire.Audio():
                begin, end = self.heard[message.epoch]
                end = max(end, message.start + message.audio.shape[1])
                self.heard[message.epoch] = begin, end
            case wire.Stems():
                assert message.start >= self.got.get(message.epoch, 0)
                self.got[message.epoch] = message.start + message.audio.shape[2]
                self.note_told(message)
            case wire.Credit():
                self.note_told(message)

    def note_told(self, message):
        assert message.epoch in self.opened
        if message.epoch == self.opened[-1]:
            assert message.received >= self.told
            self.told = message.received

    @invariant()
    def epochs_only_count_up(self):
        assert self.opened == sorted(set(self.opened))

    @invariant()
    def credit_is_what_the_messages_say(self):
        if self.link.client.state is State.RUNNING:
            assert self.told + self.credit - self.sent == self.link.client.credit_left >= 0


Ends.TestCase.settings = settings(max_examples=30, stateful_step_count=50, deadline=None)
TestEnds = Ends.TestCase


@pytest.mark.parametrize("steps", [8000, pytest.param(80_000, marks=pytest.mark.slow)])
def test_the_same_for_a_long_time(steps):
    random = Random(steps)  # noqa: S311 - it is no secret
    ends = Ends()
    ends.begin()
    for _ in range(steps):
        one, two = random.randint(-2, 30), random.randint(-2, 30)
        if ends.link.client.state is State.OFFLINE:
            ends.start(credit=random.randint(1, 300))
        if ends.link.client.token:
            ends.client_speaks(what=random.choice(BY_CLIENT), one=one, two=two)
        if ends.link.server.token:
            older = random.random() < 0.3
            ends.server_speaks(what=random.choice(BY_SERVER), one=one, two=two, older=older)
        for _ in range(3):
            ends.arrive(which=random.randrange(4), count=random.randint(1, 5))
        ends.epochs_only_count_up()
        ends.credit_is_what_the_messages_say()
        if random.random() < 0.05:
            ends.settle()
        if random.random() < 0.005:
            ends.link.client.disconnect()
