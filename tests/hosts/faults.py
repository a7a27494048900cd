"""Sidecars that are of no use, and what ends one while a host renders."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from bridge.errors import ServerError
from bridge.protocol.fields import VERSION
from bridge.runtime.asking import ask_status
from bridge.runtime.connection import Connection, read_connection
from tests.server.sidecar import COMMAND

# How long a render waits while nothing comes where there is no hope, as shim/link/patience.cpp has
# it, and a host in all for a sidecar that never says a word: two attempts of shim/link/channel.cpp
# and the pause between them.
HOPELESS_SECONDS = 2
DEAF_SECONDS = 2 * 3 + 0.1
# How long the instances of a process do not look again for what they may start, as
# shim/link/starter.cpp has it, and as long again.
PAUSE_SECONDS = 2
# An instance that an earlier test left behind has no more when it comes back; half of a render.
RUNS = 20


@contextmanager
def deaf_sidecar(runtime: Path) -> Iterator[list[socket.socket]]:
    """Sockets as a sidecar publishes them, which take every connection and say nothing."""
    runtime.mkdir(mode=0o700, exist_ok=True)
    taken: list[socket.socket] = []
    with ExitStack() as stack:
        names = [str(runtime / "deaf-control"), str(runtime / "deaf-audio")]
        for name in names:
            listening = stack.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(name)
            stack.callback(os.unlink, name)
            listening.listen()
            Thread(target=_accept, args=(listening, taken), daemon=True).start()
            stack.callback(listening.shutdown, socket.SHUT_RDWR)
        control, audio = (f"ipc://{name}" for name in names)
        published = Connection(control, audio, "", os.getpid(), 0, VERSION, "0")
        _write(runtime / "connection.json", asdict(published))
        stack.callback((runtime / "connection.json").unlink)
        yield taken
    for one in taken:
        one.close()


def _accept(listening: socket.socket, taken: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            taken.append(listening.accept()[0])


@contextmanager
def allowed_to_start(config: Path) -> Iterator[None]:
    """The plug-in may start `stembridge serve` itself; it ends seconds after its last host."""
    config.mkdir(mode=0o700, exist_ok=True)
    command = [COMMAND, "serve", "--calibrate", "1", "--idle-exit", "5"]
    _write(config / "plugin.json", {"command": command})
    time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        (config / "plugin.json").unlink()


def _write(path: Path, content: object) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))


@contextmanager
def amid(runtime: Path, model: str, strike: Callable[[int, int], None]) -> Iterator[Event]:
    """Has `strike` hit once a render with `model` is under way.

    It is told the process ids of the server and of the worker. Yields what says whether it did.
    """
    struck, ends = Event(), Event()

    def watch() -> None:
        while not ends.wait(0.02):
            with suppress(ServerError, OSError):
                server = read_connection(runtime / "connection.json")
                said = ask_status(server)
                for one in said["sessions"]:
                    if one.get("model") == model and one.get("runs", 0) >= RUNS:
                        strike(server.pid, said["workers"][one["worker"]]["pid"])
                        struck.set()
                        return

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield struck
    finally:
        ends.set()
        watcher.join()
