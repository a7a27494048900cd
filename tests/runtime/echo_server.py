"""A server in a process of its own that sends every message back, so that it can be weighed.

As a program: `echo_server.py BIND`. It writes one line of JSON, what a connection file would hold,
and ends with its standard input. With `curve`, 127.0.0.1 counts as reachable by others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import zmq

from bridge.runtime.addresses import Address
from bridge.runtime.connection import Connection
from bridge.runtime.folders import user_folder
from bridge.runtime.private import make_private_folder
from bridge.runtime.transport import bind_server


class EchoServer:
    """The process; `connection` says where it is."""

    def __init__(self, bind: str, *, curve: bool = False) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, bind, *(["curve"] if curve else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        assert self._process.stdout is not None
        control, audio, key = json.loads(self._process.stdout.readline())
        self.connection = Connection(control, audio, key, self._process.pid, 1, (1, 0), "test")
        return self

    def __exit__(self, *_):
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE") / 1e6

    @property
    def files(self) -> int:
        """Open files, sockets among them."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))


def _main(bind: str, *, curve: bool) -> None:
    if curve:
        Address.loopback = False  # type: ignore[assignment,method-assign]
    folder = user_folder("runtime")
    make_private_folder(folder)
    sockets = bind_server(bind, folder)
    print(json.dumps([*sockets.endpoints, sockets.server_key]), flush=True)  # noqa: T201
    poller = zmq.Poller()
    for source in (sys.stdin.fileno(), sockets.control, sockets.audio):
        poller.register(source, zmq.POLLIN)
    while True:
        for source, _ in poller.poll():
            if source == sys.stdin.fileno():
                sockets.close()
                return
            message = sockets.receive(source)
            if message is not None:
                with suppress(zmq.ZMQError):  # it is gone, or reads nothing
                    source.send_multipart([message[0], *message[1]], zmq.NOBLOCK)


if __name__ == "__main__":
    _main(sys.argv[1], curve="curve" in sys.argv)
