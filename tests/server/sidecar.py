"""The real server in a process of its own, as a user starts it: `stembridge serve`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from bridge.errors import ServerError
from bridge.protocol.fields import VERSION
from bridge.protocol.messages import Bye, Hello, Welcome
from bridge.protocol.states import Socket
from bridge.runtime.asking import ask_status
from bridge.runtime.connection import read_connection
from tests.cli.helpers import Ended
from tests.server.raw import Raw

COMMAND = str(Path(sys.executable).with_name("stembridge"))
PATIENCE_SECONDS = 120.0
RUN_SECONDS = 300.0
MISTAKES = ("Traceback", "server.mistake", "Exception ignored", "ResourceWarning")


class Sidecar:
    """A server with its own folders below `folder`, which has to have a short path.

    options: of `stembridge serve`. As a context it runs from beginning to end, and its log must
    not tell of a mistake. answered_seconds: from starting the process to its WELCOME.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.runtime = folder / "r"
        self.connection = self.runtime / "connection.json"
        self.environment = {
            **os.environ,
            "STEMBRIDGE_RUNTIME_DIR": str(self.runtime),
            "STEMBRIDGE_CONFIG_DIR": str(folder / "c"),
            "HF_HOME": str(folder / "h"),  # without any model
        }
        self.answered_seconds = 0.0
        self._options = options
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: set[int] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            self.kill()
        for word in MISTAKES:
            assert word not in self.log, self.log

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server process, which may have ended."""
        assert self._process is not None, "it was not started"
        return self._process

    @property
    def log(self) -> str:
        """All that it has written."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start the process, and return when it has answered a HELLO."""
        began = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [COMMAND, "serve", *self._options],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_published, self._describe)
        with Raw(self.connection) as client:
            client.send(Socket.CONTROL, Hello(VERSION, "test"))
            token = client.receive(Socket.CONTROL, Welcome).session
            self.answered_seconds = time.perf_counter() - began
            client.send(Socket.CONTROL, Bye(token))
            client.receive(Socket.CONTROL, Bye)

    def status(self) -> dict[str, Any]:
        """What `stembridge status --json` shows. One that is busy is asked again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._ask()
            except ServerError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def workers(self) -> dict[str, int]:
        """Process ids of the workers that run, by name."""
        return {name: worker["pid"] for name, worker in self.status()["workers"].items()}

    def memory(self) -> dict[str, int]:
        """Resident bytes of the server and of each worker that runs."""
        pids = {"server": self.process.pid, **self.workers()}
        return {name: memory(pid) for name, pid in pids.items() if pid}

    def wait_for_sessions(self, count: int) -> float:
        """Return once so many sessions are open, and how many seconds that took."""
        began = time.monotonic()
        wait_until(lambda: len(self.status()["sessions"]) == count, self._describe)
        return time.monotonic() - began

    def run(self, *arguments: str) -> Ended:
        """Run `stembridge ARGUMENTS` with the folders of this server, to its end."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env=self.environment,
            capture_output=True,
            check=False,
            timeout=RUN_SECONDS,
        )
        ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ended.err, ended.err
        return ended

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it as a user does; it must say that all was well, and leave nothing."""
        workers = [pid for pid in self.workers().values() if pid]
        self.process.send_signal(number)
        self.wait(0)
        wait_until(lambda: not any(map(is_running, workers)), self._describe)

    def wait(self, status: int) -> None:
        """Return once it has ended by itself, with this exit status."""
        assert self.process.wait(PATIENCE_SECONDS) == status, self.log

    def kill(self) -> None:
        """End the process at once, and whatever is left of its workers."""
        with suppress(ServerError, OSError):
            self._ask()
        self.process.kill()
        self.process.wait()
        for pid in self._seen:
            if is_running(pid):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _ask(self) -> dict[str, Any]:
        found = ask_status(read_connection(self.connection))
        self._seen |= {worker["pid"] for worker in found["workers"].values() if worker["pid"]}
        return found

    def _is_published(self) -> bool:
        assert self.process.poll() is None, self._describe()
        with suppress(ServerError):
            return read_connection(self.connection).pid == self.process.pid
        return False

    def _describe(self) -> str:
        return f"the server's log:\n{self.log}"


def wait_until(true: Callable[[], bool], describe: Callable[[], str] = str) -> None:
    """Return once `true` is; fails with a description when it does not become so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended, waited for or not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has ended")
