"""The scripted session behind real sockets, in a thread: it answers, works, and dies, as told."""

import dataclasses
import itertools
import json
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any

import zmq

from bridge.protocol.codec import decode, encode
from bridge.protocol.codes import Code
from bridge.protocol.messages import (
    AUDIO_TO_SERVER,
    CONTROL_TO_SERVER,
    Attach,
    Error,
    Hello,
    Ping,
    Pong,
)
from bridge.protocol.states import Socket
from bridge.runtime.connection import Connection
from bridge.runtime.private import make_private_folder, write_private
from bridge.runtime.transport import bind_server
from tests.client.scripted import ScriptedSession, live_plan, saved_plan

_ACCEPTED = {Socket.CONTROL: CONTROL_TO_SERVER, Socket.AUDIO: AUDIO_TO_SERVER}
_tokens = itertools.count(100)


class ScriptedServer:
    """Serves from `folder` between `start` and `kill`; may be started again.

    working: whether runs are done. refusal: (code, text) for every CONFIGURE. session: the newest.
    """

    def __init__(self, folder, *, block, credit=4000, plan=None, **session):
        self.folder = folder
        self.file = folder / "connection.json"
        self.plan = plan or live_plan()
        self.saved = saved_plan(self.plan, block=block, polling_us=1000)
        self.options = {"credit": credit, **session}
        self.refusal = None
        self.working = True
        self.session: Any = None
        self.sessions = []
        self.lock = threading.Lock()
        make_private_folder(folder)

    def start(self):
        self.ending = False
        self.sockets = bind_server("ipc", self.folder)
        connection = Connection(*self.sockets.endpoints, "", 1, 1, (1, 0), "1")
        write_private(self.file, json.dumps(dataclasses.asdict(connection)).encode())
        self.peers = {}
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def kill(self):
        """Go away without a word."""
        self.ending = True
        self.thread.join()
        self.sockets.close()

    def answers(self, **plan):
        """Give this plan to whoever asks from now on."""
        with self.lock:
            self.plan = live_plan(**plan)
            self.saved = saved_plan(self.plan, block=self.saved.block)
            if self.session is not None:
                self.session.plan, self.session.saved = self.plan, self.saved

    def lose(self):
        """The worker dies and is back."""
        with self.lock:
            self.send(self.session.lose())

    def say(self, *messages):
        """Send (socket, message) pairs, whether they make sense or not."""
        with self.lock:
            self.send(messages)

    def serve(self):
        sockets = {Socket.CONTROL: self.sockets.control, Socket.AUDIO: self.sockets.audio}
        while not self.ending:
            time.sleep(0.002)  # no poll: others may use the sockets meanwhile
            with self.lock:
                for name, socket in sockets.items():
                    while (received := self.sockets.receive(socket)) is not None:
                        self.take(name, *received)
                if self.session is not None and self.session.book.token and self.working:
                    self.send(self.session.work(1))

    def take(self, socket, peer, frames):
        message = decode(frames, _ACCEPTED[socket])
        if isinstance(message, Hello):
            options = {**self.options, "refusal": self.refusal}
            self.session = ScriptedSession(next(_tokens), self.plan, self.saved, **options)
            self.sessions.append(self.session)
            self.peers = {Socket.CONTROL: peer}
        elif isinstance(message, Attach):
            self.peers[Socket.AUDIO] = peer
        known = self.session is not None and (isinstance(message, Hello) or self.session.book.token)
        if known and self.peers.get(socket) == peer:
            self.send(self.session.handle(socket, message))
        elif isinstance(message, Ping):
            self.send_to(socket, peer, Pong(message.stamp))
        else:
            self.send_to(socket, peer, Error(Code.SESSION, "no session", "say HELLO first"))

    def send(self, messages):
        for socket, message in messages:
            if socket in self.peers:
                self.send_to(socket, self.peers[socket], message)

    def send_to(self, socket, peer, message):
        outlet = self.sockets.control if socket is Socket.CONTROL else self.sockets.audio
        with suppress(zmq.ZMQError):  # when the client is gone
            outlet.send_multipart([peer, *encode(message)], zmq.NOBLOCK)


@contextmanager
def serving(folder, **options):
    """A server in a folder of its own, ended at the end."""
    server = ScriptedServer(folder, **options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def eventually(condition, seconds=20):
    """Wait until `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
