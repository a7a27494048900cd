"""The connection file: who may have written it, what it may say, and one server a folder."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import ServerError
from bridge.runtime.connection import Connection, ServingLock, connection_path, read_connection

GOOD = Connection(
    control="ipc:///run/user/1000/stembridge/control.ipc",
    audio="tcp://127.0.0.1:5556",
    server_key="",
    pid=os.getpid(),
    started=1_790_000_000,
    protocol=(1, 0),
    version="0.3.0",
)
REMOTE = dataclasses.replace(
    GOOD, control="tcp://192.168.1.5:5", audio="tcp://studio.local:6", server_key="0f" * 32
)
ANOTHER = "import sys; from bridge.runtime.connection import ServingLock; "


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMBRIDGE_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path / "run"


def gone_pid():
    """The number of a process that has ended."""
    return int(subprocess.check_output([sys.executable, "-c", "import os; print(os.getpid())"]))


@pytest.mark.parametrize("connection", [GOOD, REMOTE])
def test_what_is_published_is_read_and_goes_with_the_server(connection, folder):
    with ServingLock() as lock:
        assert lock.folder == folder
        lock.publish(connection)
        assert read_connection() == connection
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(connection_path().stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "server.lock").stat().st_mode) == 0o600
    with pytest.raises(ServerError, match="no sidecar is running; start one by `stembridge serve`"):
        read_connection()


def test_a_file_of_a_server_that_was_killed_is_seen_through_and_removed():
    with ServingLock() as lock:
        lock.publish(dataclasses.replace(GOOD, pid=gone_pid()))
        with pytest.raises(ServerError, match="no sidecar is running any more"):
            read_connection()
    assert connection_path().exists()  # not ours to remove
    with ServingLock():
        assert not connection_path().exists()


def test_what_another_wrote_meanwhile_stays():
    with ServingLock() as lock:
        lock.publish(dataclasses.replace(GOOD, pid=os.getppid()))
    assert read_connection(connection_path()).pid == os.getppid()


def test_a_file_whose_process_is_another_one_by_now_is_no_server():
    with ServingLock() as lock:
        lock.publish(dataclasses.replace(GOOD, pid=os.getppid()))
    with pytest.raises(ServerError, match="no sidecar is running any more"):
        read_connection()


def test_a_second_server_is_told_which_is_the_first():
    with ServingLock() as lock:
        lock.publish(GOOD)
        with (
            pytest.raises(ServerError, match=rf"\(process {os.getpid()}\) serves .* already; stop"),
            ServingLock(),
        ):
            pass
        assert read_connection() == GOOD
        ended = subprocess.run(
            [sys.executable, "-c", ANOTHER + "ServingLock().__enter__()"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"another sidecar (process {os.getpid()}) serves" in ended.stderr


def test_a_server_that_is_killed_leaves_no_lock():
    program = ANOTHER + "lock = ServingLock(); lock.__enter__(); print('locked'); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-uc", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"locked\n"
        with pytest.raises(ServerError, match="another sidecar serves"), ServingLock():
            pass
        first.kill()
    with ServingLock():
        pass


def test_a_runtime_folder_that_is_open_to_others_is_refused(folder):
    folder.mkdir(0o700)
    folder.chmod(0o755)
    with pytest.raises(ServerError, match="open to other users"), ServingLock():
        pass


def test_a_copy_is_read_without_looking_for_its_process(tmp_path):
    copy = tmp_path / "studio.json"
    copy.write_text(json.dumps(dataclasses.asdict(REMOTE) | {"pid": gone_pid(), "later": 1}))
    copy.chmod(0o644)
    assert dataclasses.replace(read_connection(copy), pid=REMOTE.pid) == REMOTE
    copy.chmod(0o666)
    with pytest.raises(ServerError, match="open to other users"):
        read_connection(copy)
    with pytest.raises(ServerError, match=r"there is no .*; copy the server's connection file"):
        read_connection(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "change",
    [
        {"control": "ftp://127.0.0.1:5"},
        {"control": "inproc://x"},
        {"control": ""},
        {"control": None},
        {"audio": "tcp://127.0.0.1:5\nx"},
        {"audio": "ipc://" + "x" * 300},
        {"audio": "tcp://192.168.1.5:5"},  # without a key
        {"audio": "tcp://localhost:5"},
        {"audio": "tcp://0.0.0.0:5"},
        {"server_key": "x"},
        {"server_key": "0F" * 32},
        {"server_key": "0f" * 33},
        {"server_key": None},
        {"pid": "1"},
        {"pid": -1},
        {"pid": True},
        {"pid": 1e3},
        {"pid": 2**60},
        {"started": None},
        {"protocol": (1,)},
        {"protocol": ("1", "0")},
        {"protocol": (-1, 0)},
        {"protocol": 1},
        {"version": 1},
        {"version": "\x1b[2J"},
        {"version": "x" * 65},
    ],
)
def test_what_no_server_writes_is_refused_in_one_line(change, tmp_path):
    file = tmp_path / "file.json"
    file.write_text(json.dumps(dataclasses.asdict(GOOD) | change))
    with pytest.raises(ServerError) as caught:
        read_connection(file)
    message = str(caught.value)
    assert str(file) in message
    assert message.isprintable()
    assert len(message) < 600


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ).map(lambda tree: json.dumps(tree).encode()),
        st.dictionaries(
            st.sampled_from([field.name for field in dataclasses.fields(Connection)]),
            st.none() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
        ).map(lambda change: json.dumps(dataclasses.asdict(GOOD) | change).encode()),
        st.integers(1, 4000).map(lambda depth: b"[" * depth),
    )
)
def test_a_damaged_file_is_one_line(content, tmp_path):
    file = tmp_path / "file.json"
    file.write_bytes(content)
    try:
        found = read_connection(file)
    except ServerError as error:
        assert str(error).isprintable()  # noqa: PT017 - it need not raise
    else:
        assert Connection(**dataclasses.asdict(found)) == found


def test_a_file_of_any_size_costs_little(tmp_path):
    file = tmp_path / "file.json"
    with file.open("wb") as large:
        large.truncate(1 << 40)
    with pytest.raises(ServerError, match="more than 4096 bytes"):
        read_connection(file)
