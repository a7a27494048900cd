"""Who gets an answer from a server's sockets, who gets nothing, and what either costs."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import closing, suppress
from pathlib import Path
from typing import NoReturn

import pytest
import zmq

from bridge.errors import ServerError, UsageError
from bridge.protocol import limits
from bridge.runtime import keys, transport
from bridge.runtime.addresses import Address
from bridge.runtime.connection import Connection
from bridge.runtime.private import make_private_folder
from bridge.runtime.transport import Context, Socket, bind_server, connect_client
from tests.attempts import tried
from tests.runtime.echo_server import EchoServer
from tests.runtime.zmtp import connect, frame, settled

ANSWER_MS = 60_000  # for an answer that has to come
SILENCE_MS = 150  # for one that must not; the attempt itself has ended by then
LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="counts in /proc")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("STEMBRIDGE_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture
def runtime(home):
    make_private_folder(home / "run")
    return home / "run"


@pytest.fixture
def context():
    with zmq.Context() as context:
        yield context
        context.destroy(linger=0)


@pytest.fixture
def curve():
    """A server that takes its loopback address for one that others can reach."""
    keys.allow("me", keys.client_keys().public)
    with EchoServer("tcp://127.0.0.1:*", curve=True) as server:
        yield server


def echoed(client: Socket, *frames: bytes) -> bool:
    if not client.poll(ANSWER_MS, zmq.POLLOUT):
        return False
    client.send_multipart(frames)
    return bool(client.poll(ANSWER_MS)) and client.recv_multipart() == list(frames)


def assert_served(context: Context, connection: Connection) -> None:
    block = bytes(limits.FRAMES * limits.CHANNELS * 4)
    clients = connect_client(context, connection)
    try:
        assert echoed(clients[0], b"x" * limits.HEADER_BYTES)
        assert echoed(clients[1], b"header", block)
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize("bind", ["ipc", "tcp://127.0.0.1", "tcp://localhost:*", "tcp://[::1]"])
def test_messages_of_every_allowed_size_pass_where_no_keys_are_needed(bind, context):
    if "::1" in bind and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with EchoServer(bind) as server:
        assert server.connection.server_key == ""
        assert_served(context, server.connection)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1", "ipc://"])
def test_a_client_is_told_what_it_cannot_connect_to(endpoint, context):
    connection = Connection("ipc:///tmp/x", endpoint, "", 1, 1, (1, 0), "")
    with pytest.raises(ServerError, match=f"{endpoint} is nothing to connect to"):
        connect_client(context, connection)


def test_two_ports_follow_the_one_that_was_named(runtime):
    assert any(is_served_twice(port, runtime) for port in range(20_000, 20_100, 2))


def is_served_twice(port: int, runtime: Path) -> bool:
    """Whether a server takes this port and the next, and leaves them to another one at its end.

    False where somebody else has them.
    """
    bind = f"tcp://127.0.0.1:{port}"
    try:
        with closing(bind_server(bind, runtime)) as server:
            assert server.endpoints == tuple(f"tcp://127.0.0.1:{port + n}" for n in (0, 1))
            with pytest.raises(ServerError, match="Address already in use; give --bind another"):
                bind_server(bind, runtime)
        bind_server(bind, runtime).close()
    except ServerError as error:
        assert "bound: Address already in use" in str(error)  # noqa: PT017
        return False
    return True


def test_socket_files_are_for_their_owner_alone_and_gone_afterwards(runtime):
    (runtime / "control.ipc").write_text("left by a server that was killed")
    before = os.umask(0)
    try:
        server = bind_server("ipc", runtime)
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    for name in ("control.ipc", "audio.ipc"):
        found = (runtime / name).stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
    server.close()
    assert list(runtime.iterdir()) == []


def test_a_folder_too_long_for_sockets_is_refused_in_words(runtime):
    with pytest.raises(ServerError, match=r"107 bytes .* set STEMBRIDGE_RUNTIME_DIR to a shorter"):
        bind_server("ipc", runtime / ("x" * 100))


def test_a_peer_that_is_gone_or_reads_nothing_is_an_error_and_not_silence(runtime):
    with closing(bind_server("ipc", runtime)) as server:
        with pytest.raises(zmq.ZMQError, match="unreachable"):
            server.control.send_multipart([b"nobody", b"x"], zmq.NOBLOCK)
        with connect(server.endpoints[0]) as client:
            client.sendall(frame(b"x"))
            assert server.control.poll(ANSWER_MS)
            message = server.receive(server.control)
            assert message is not None
            assert message[1] == [b"x"]
            with pytest.raises(zmq.Again):
                send_for_ever(server.control, message[0])


def send_for_ever(socket: Socket, peer: bytes) -> NoReturn:
    while True:
        socket.send_multipart([peer, bytes(limits.HEADER_BYTES)], zmq.NOBLOCK)


@pytest.mark.parametrize("number", [0, 1])
def test_a_frame_above_the_limit_ends_its_connection(number, runtime):
    largest = [limits.HEADER_BYTES, limits.FRAMES * limits.CHANNELS * 4][number]
    with (
        closing(bind_server("ipc", runtime)) as server,
        connect(server.endpoints[number]) as client,
    ):
        client.sendall(b"\x02" + (largest + 65).to_bytes(8, "big"))
        client.settimeout(ANSWER_MS / 1000)
        while client.recv(1000):
            pass


# Keys


@pytest.mark.parametrize("host", ["0.0.0.0", "*", "[::]", "0", "192.0.2.1"])  # noqa: S104
def test_listening_to_others_without_allowed_keys_is_refused_in_words(host, runtime):
    bind = f"tcp://{host}"
    with pytest.raises(UsageError) as caught:
        bind_server(bind, runtime)
    assert f"--bind {bind} would let anyone in" in str(caught.value)
    assert "`stembridge keys allow NAME KEY`" in str(caught.value)


def test_a_known_key_is_served_until_it_is_removed(curve, context):
    assert len(curve.connection.server_key) == 64
    assert_served(context, curve.connection)
    stays, audio = connect_client(context, curve.connection)
    assert echoed(stays, b"before")
    keys.remove("me")
    assert get_nothing(context, curve.connection, "known", 3)
    assert echoed(stays, b"after")
    keys.allow("again", keys.client_keys().public)
    assert_served(context, curve.connection)
    stays.close()
    audio.close()


def get_nothing(context: Context, connection: Connection, kind: str, count: int) -> bool:
    """Whether each of `count` clients is turned away, and no answer comes to any of them."""
    clients = [stranger(context, connection, kind) for _ in range(count)]
    news = [client.get_monitor_socket(zmq.EVENT_DISCONNECTED) for client in clients]
    for client in clients:
        client.connect(connection.control)
        with suppress(zmq.Again):  # it may have been turned away by now
            client.send(b"hello", zmq.NOBLOCK)
    turned_away = [one.poll(ANSWER_MS) for one in news]
    answered = [client.poll(SILENCE_MS // count) for client in clients]
    for client, one in zip(clients, news, strict=True):
        client.disable_monitor()
        one.close()
        client.close()
    return all(turned_away) and not any(answered)


def stranger(context: Context, connection: Connection, kind: str) -> Socket:
    """A client that is right in all but the one thing that `kind` says."""
    client = context.socket(zmq.DEALER)
    client.linger = 0
    if kind == "plain":
        client.plain_username, client.plain_password = b"me", b"secret"
    elif kind != "null":
        others, known = zmq.curve_keypair(), keys.client_keys()
        client.curve_publickey = others[0] if kind == "unknown" else known.public
        client.curve_secretkey = others[1] if kind == "unknown" else known.secret
        right = bytes.fromhex(connection.server_key)
        client.curve_serverkey = others[0] if kind == "wrong server" else right
    return client


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unknown", "wrong server", "null", "plain"])
def test_without_the_right_keys_a_client_gets_nothing_and_costs_nothing(kind, curve, context):
    assert_served(context, curve.connection)
    for _ in range(20):  # what is allocated only once
        assert get_nothing(context, curve.connection, kind, 30)
    assert_served(context, curve.connection)

    def growth():
        files, megabytes = curve.files, curve.megabytes
        for _ in range(20):
            assert get_nothing(context, curve.connection, kind, 30)
        assert settled(lambda: curve.files <= files)
        return curve.megabytes - megabytes

    assert tried(growth, lambda more: more < 0.5, times=5) < 0.5
    assert_served(context, curve.connection)


def test_with_nobody_to_answer_for_the_keys_nobody_comes_in(runtime, context, monkeypatch):
    keys.allow("me", keys.client_keys().public)
    monkeypatch.setattr(Address, "loopback", False)
    monkeypatch.setattr(transport, "is_allowed", None)
    with closing(bind_server("tcp://127.0.0.1:*", runtime)) as server:
        connection = Connection(*server.endpoints, server.server_key, 1, 1, (1, 0), "")
        client, audio = connect_client(context, connection)
        assert not client.poll(500, zmq.POLLOUT)
        client.close()
        audio.close()
