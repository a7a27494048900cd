"""Two ends of a session joined in memory: four queues, each in order, none waiting for another."""

from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from bridge.errors import RemoteProtocolError
from bridge.protocol import messages as wire
from bridge.protocol.codec import decode, encode
from bridge.protocol.fields import VERSION
from bridge.protocol.session import ClientSession, ServerSession
from bridge.protocol.states import Socket, State
from tests.protocol.examples import CONFIGURE, CONFIGURED

STEMS = len(CONFIGURED.sources)
HEARTBEAT_US = 1_000_000
Queues = dict[Socket, deque[list[bytes]]]


class Link:
    """`up` and `down`: what is on its way to the server and to the client, by socket."""

    def __init__(self):
        self.client = ClientSession()
        self.now_us = 0
        self.connect()

    def connect(self):
        """New sockets and, behind them, a server that knows nothing."""
        self.server = ServerSession()
        self.up: Queues = {socket: deque() for socket in Socket}
        self.down: Queues = {socket: deque() for socket in Socket}

    def ask(self, message, socket=Socket.CONTROL):
        """The client sends; raises what its session raises."""
        self.client.send(socket, message, self.now_us)
        self.up[socket].append([bytes(frame) for frame in encode(message)])

    def answer(self, message, socket=Socket.CONTROL):
        """The server sends, unless it is too late for that."""
        fresh = self.server.send(socket, message, self.now_us)
        if fresh:
            self.down[socket].append([bytes(frame) for frame in encode(message)])
        return fresh

    def to_server(self, socket=Socket.CONTROL):
        """Deliver one message; None when it was ignored, or came after the end of the session."""
        message = decode(self.up[socket].popleft())
        over = self.server.state is State.OFFLINE and not isinstance(message, wire.Hello)
        if over or not self.server.receive(socket, message, self.now_us):
            return None
        return message

    def to_client(self, socket=Socket.CONTROL):
        """Deliver one message; None when it was ignored."""
        message = decode(self.down[socket].popleft())
        return message if self.client.receive(socket, message, self.now_us) else None

    def deliver(self):
        """Deliver everything that is on its way; what was not ignored, in order of arrival."""
        arrived = []
        for socket in Socket:
            while self.up[socket]:
                arrived.append(self.to_server(socket))
            while self.down[socket]:
                arrived.append(self.to_client(socket))
        return [message for message in arrived if message is not None]

    def greet(self, token=7):
        self.ask(wire.Hello(VERSION, "test"))
        self.deliver()
        self.answer(wire.Welcome(VERSION, "test", token, HEARTBEAT_US, 16384, ()))
        self.deliver()

    def configure(self, **changes):
        """A CONFIGURE and its CONFIGURED; returns the request."""
        request = self.client.request + 1
        self.ask(replace(CONFIGURE, session=self.client.token, request=request))
        self.deliver()
        self.answer(configured(self.server.token, request, **changes))
        self.deliver()
        return request

    def attach(self):
        self.ask(wire.Attach(self.client.token), Socket.AUDIO)
        self.deliver()
        self.answer(wire.Attached(self.server.token), Socket.AUDIO)
        self.deliver()

    def reset(self, start=0, origin=None, request=None):
        """Opens the next epoch and returns its number."""
        epoch = self.client.epoch + 1
        token, request = self.client.token, request or self.client.request
        origin = start if origin is None else origin
        self.ask(wire.Reset(token, epoch, origin, start, request), Socket.AUDIO)
        return epoch

    def run(self, start=0, **changes):
        """From nothing to an epoch that takes input."""
        self.greet()
        self.configure(**changes)
        self.attach()
        epoch = self.reset(start)
        self.deliver()
        return epoch

    def audio(self, start, frames, epoch=None, got=0):
        block = np.zeros((2, frames), np.float32)
        message = wire.Audio(self.client.token, epoch or self.client.epoch, start, got, block)
        self.ask(message, Socket.AUDIO)

    def stems(self, start, frames, received, epoch=None):
        block = np.zeros((STEMS, 2, frames), np.float32)
        message = wire.Stems(self.server.token, epoch or self.server.epoch, start, received, block)
        return self.answer(message, Socket.AUDIO)


def configured(token, request, **changes):
    return replace(CONFIGURED, session=token, request=request, **changes)


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
