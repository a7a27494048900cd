"""The child process that talks to the hub, as its parent sees it. See `hub_child` for its words."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import IO, Any, Self

# Between closing the child's input and killing it: enough to remove one unfinished file.
_GRACE_S = 0.4
_ENVIRONMENT = {
    # Its accelerated transfer shows no bytes on the way and has time limits of its own.
    "HF_HUB_DISABLE_XET": "1",
    # With it, a first request for a list of coding agents would come before ours, for up to 3 s.
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # Silence after which huggingface-hub connects again and goes on where it was. Less than half
    # of `hub.STALL_S`, so that one lost connection does not end a download.
    "HF_HUB_DOWNLOAD_TIMEOUT": "4",
}

Message = dict[str, Any]


class HubProcess:
    """Runs `bridge.runtime.hub_child` for as long as the `with` block lasts, and never longer.

    The child ends when its standard input closes, so it ends with this process too, even if that is
    killed. Leaving the block takes `_GRACE_S` at most.
    """

    def __init__(self, *arguments: str) -> None:
        # -P: a folder named `bridge` or `yaml` where the user happens to be must not be imported.
        command = [sys.executable, "-P", "-m", "bridge.runtime.hub_child", *arguments]
        self._process = subprocess.Popen(  # noqa: S603  # our own program, names from the catalog
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ENVIRONMENT,
        )
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _stream(self._process.stdin).close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also when a second Ctrl-C comes while waiting
            self._process.kill()
            self._process.wait()
            self._reader.join()
            _stream(self._process.stdout).close()

    def message(self, until: float) -> Message | None:
        """Return the next message, or None if none comes by `until` (seconds, `time.monotonic`).

        A child that ended without a word counts as an error message of its own.
        """
        try:
            return self._messages.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None

    def _read(self) -> None:
        for line in _stream(self._process.stdout):
            self._messages.put(json.loads(line))
        text = "the helper process ended without an answer; `stembridge doctor` checks the set-up"
        self._messages.put({"say": "error", "kind": "network", "text": text})


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("both pipes were asked for")
    return stream
