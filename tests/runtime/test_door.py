"""What peers can do to a server on TCP that ZeroMQ alone would let them do."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol import limits
from bridge.runtime import keys
from bridge.runtime.door import CONNECTIONS
from bridge.runtime.transport import connect_client
from tests.attempts import tried
from tests.runtime.echo_server import EchoServer
from tests.runtime.zmtp import connect, frame, greeting, open_link, settled

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="counts in /proc")
ANSWER_MS = 60_000


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("STEMBRIDGE_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def server():
    with EchoServer("tcp://127.0.0.1") as server:
        yield server


@pytest.fixture
def client(server):
    with zmq.Context() as context:
        control, audio = connect_client(context, server.connection)
        assert echoed(control)
        yield control
        control.close()
        audio.close()


def echoed(client: zmq.Socket[bytes]) -> bool:
    if not client.poll(ANSWER_MS, zmq.POLLOUT):
        return False
    client.send(b"hello")
    return bool(client.poll(ANSWER_MS)) and client.recv() == b"hello"


class Flood:
    """Sends the same bytes over and over through one connection, as fast as they are taken."""

    def __init__(self, link: socket.socket, data: bytes) -> None:
        link.setblocking(False)
        self._link = link
        self._data = memoryview(data)
        self._at = 0

    def ended(self) -> bool:
        """Send some more; whether the other end has closed the connection."""
        try:
            while self._link.recv(4096):
                pass
        except BlockingIOError:
            pass
        except ConnectionError:
            return True
        else:
            return True
        select.select([], [self._link], [], 0.01)
        with suppress(BlockingIOError, ConnectionError):
            self._at = (self._at + self._link.send(self._data[self._at :])) % len(self._data)
        return False


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1, 200, limits.HEADER_BYTES])
def test_a_message_without_end_is_ended_before_it_fills_the_memory(size, server, client):
    before = server.megabytes
    parts = frame(bytes(size), more=True) * max(1, 60_000 // (size + 9))
    for _ in range(3):
        with connect(server.connection.control) as link:
            flood = Flood(link, parts)
            while not flood.ended():
                assert server.megabytes - before < 1000
        assert echoed(client)


@pytest.mark.slow
def test_many_unfinished_messages_are_ended_together(server, client):
    before = server.megabytes
    parts = frame(bytes(8000), more=True) * 15
    with ExitStack() as stack:
        links = [stack.enter_context(connect(server.connection.control)) for _ in range(50)]
        floods = [Flood(link, parts) for link in links]
        while floods:
            floods = [flood for flood in floods if not flood.ended()]
            assert server.megabytes - before < 1000
    assert echoed(client)


@pytest.mark.slow
def test_whoever_finishes_messages_may_send_for_ever(server):
    assert tried(lambda: stays_connected(server), bool, times=2)


def stays_connected(server: EchoServer) -> bool:
    """Whether a client does that sends much, also to a server that stops for a while."""
    with zmq.Context() as context:
        client, audio = connect_client(context, server.connection)
        news = client.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            assert echoed(client)
            return is_served(client, news, server.connection.pid)
        finally:
            client.disable_monitor()
            for one in (news, client, audio):
                one.close()


def is_served(client: zmq.Socket[bytes], news: zmq.Socket[bytes], server: int) -> bool:
    """Whether every message is answered before there are news."""
    poller = zmq.Poller()
    poller.register(client, zmq.POLLIN)
    poller.register(news, zmq.POLLIN)

    def is_answered() -> bool:
        came = dict(poller.poll(ANSWER_MS))
        assert came
        return news not in came and client.recv() != b""

    end = time.monotonic() + 2
    while time.monotonic() < end:
        client.send(bytes(limits.HEADER_BYTES))
        if not is_answered():
            return False
    os.kill(server, signal.SIGSTOP)
    for _ in range(500):
        client.send(bytes(limits.HEADER_BYTES), zmq.NOBLOCK)
    time.sleep(0.5)
    os.kill(server, signal.SIGCONT)
    return all(is_answered() for _ in range(500)) and not news.poll(0)


@pytest.mark.slow
def test_connections_that_say_nothing_take_no_place_from_those_that_do(server, client):
    files = server.files
    with ExitStack() as stack:
        for number in range(600):
            link = stack.enter_context(open_link(server.connection.control))
            with suppress(ConnectionError):
                link.sendall(greeting()[: number % 65])
        assert settled(lambda: server.files <= files + CONNECTIONS)
        with zmq.Context() as context:
            for late in connect_client(context, server.connection):
                assert echoed(late)
                late.close()
        assert echoed(client)
    assert settled(lambda: server.files <= files)


@pytest.mark.slow
def test_connections_that_say_nothing_end(server):
    files, links = server.files, []
    with ExitStack() as stack:
        for number in range(30):
            link = stack.enter_context(open_link(server.connection.audio))
            links.append(link)
            with suppress(ConnectionError):
                link.sendall(greeting()[: number % 65])
        for link in links:
            read_to_its_end(link)
        assert settled(lambda: server.files <= files)


def read_to_its_end(link: socket.socket) -> None:
    """Wait until the other end has closed the connection."""
    link.settimeout(ANSWER_MS / 1000)
    with suppress(ConnectionError):
        while link.recv(4096):
            pass


@pytest.mark.slow
@settings(max_examples=300)
@given(st.data())
def test_nothing_that_is_said_before_the_handshake_hurts(hostile, data):
    server, client = hostile
    said = data.draw(
        st.one_of(
            st.binary(max_size=300),
            st.binary(max_size=300).map(lambda rest: greeting(b"CURVE") + rest),
            st.binary(max_size=300).map(
                lambda rest: greeting(b"CURVE") + frame(b"\x05HELLO\1\0" + rest, command=True)
            ),
            # The keys of small order, for which a shared secret would be the same for everyone.
            st.sampled_from([bytes(32), b"\1" + bytes(31), b"\xff" * 32]).map(
                lambda key: (
                    greeting(b"CURVE")
                    + frame(b"\x05HELLO\1\0" + bytes(72) + key + bytes(88), command=True)
                )
            ),
        )
    )
    with open_link(server.connection.control) as link, suppress(ConnectionError):
        link.sendall(said)
        with suppress(OSError):  # ended by now
            link.shutdown(socket.SHUT_WR)
        read_to_its_end(link)
    assert echoed(client)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A server with keys, and a client that it knows; for many examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEMBRIDGE_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        patch.setenv("STEMBRIDGE_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        keys.allow("me", keys.client_keys().public)
        with EchoServer("tcp://127.0.0.1", curve=True) as server, zmq.Context() as context:
            control, audio = connect_client(context, server.connection)
            yield server, control
            control.close()
            audio.close()
