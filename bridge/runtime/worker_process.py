"""One worker as the server sees it: starting it, hearing from it, starting it again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from bridge.runtime.pipe import Pipe

SESSION_BYTES = 4 << 20
"""Bytes that may wait for a worker when their session opens an epoch. It comes with a credit, which
is less than this: a second of stereo at 384 kHz."""

WAITING_BYTES = 64 * 2 * SESSION_BYTES
"""What all sessions may have under way. Beyond it a worker has stopped reading, and is started
again."""

_ENVIRONMENT = {
    # Threads that spin between runs would take the cores from the host.
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    # glibc gives memory back after each run otherwise, and takes it again page by page; so it does
    # for large arrays outside its first arena, whatever the thresholds are.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
    "MALLOC_MMAP_MAX_": "0",
}


class WorkerProcess:
    """A running worker; `kind` is `spectral`, `fake` or `networks`."""

    def __init__(self, kind: str, device: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as undone:
            undone.callback(ours.close)
            self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own Python
                [sys.executable, "-m", "bridge.runtime.worker", str(theirs.fileno()), kind, device],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**_ENVIRONMENT, **os.environ},
                # Ctrl-C in the terminal is for the server, which then ends its workers.
                start_new_session=True,
            )
            undone.pop_all()
        self.kind = kind
        self.pipe = Pipe(ours, WAITING_BYTES)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message. Raises PipeClosed."""
        self.pipe.send(frames)

    def kill(self) -> int:
        """End it at once, whatever it does, and return its exit status."""
        self.pipe.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        return self._process.wait()
