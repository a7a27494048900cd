"""The host of shim/tests/hosts: a process that plays the VST3 by the clock, as it is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Self

import numpy as np

from tests.hosts.plugin import BUILD, bundle
from tests.hosts.preset import preset

HOST = BUILD / "tests" / "hosts" / "plugin_host"
CHANNELS = 14


class NativeHost:
    """A process with instances of the plug-in, which finds a sidecar as `environment` says.

    As a context it ends with all that it loaded; its end must be a clean one.
    """

    def __init__(self, folder: Path, environment: dict[str, str], instances: int = 1) -> None:
        self.instances = instances
        self._song, self._heard = folder / "host-in", folder / "host-out"
        self._preset = folder / "host.vstpreset"
        self._frames = 0
        self._process = subprocess.Popen(
            [str(HOST)],
            env=environment | {"DISPLAY": "/nonexistent"},  # JUCE would try :0 without any
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        self.load()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate('{"do": "end"}\n', timeout=60)
        finally:
            self._process.kill()
            self._process.wait()
        assert self._process.returncode == 0

    def load(self) -> None:
        """All instances."""
        said = self.tell("load", bundle=str(bundle()), count=self.instances)
        assert said["problem"] == ""

    def tell(self, what: str, **more: Any) -> dict[str, Any]:
        """Have it do something, and return what it says then."""
        self.ask(what, **more)
        return self.answer()

    def ask(self, what: str, **more: Any) -> None:
        """Have it do something, and wait for nothing."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """To what was asked first of all that was not answered yet."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the host ended with {self._process.wait()}"
        said: dict[str, Any] = json.loads(line)
        return said

    def take(self, state: dict[str, Any]) -> None:
        """All instances take this state."""
        self._preset.write_bytes(preset(state))
        for number in range(self.instances):
            said = self.tell("set preset", instance=number, file=str(self._preset))
            assert said["taken"]

    def state(self, number: int = 0) -> bytes:
        """What a project would keep of an instance: a .vstpreset."""
        self.tell("get preset", instance=number, file=str(self._preset))
        return self._preset.read_bytes()

    def begin(self, song: np.ndarray, *, more: int = 0, blocks: int = 1, keep: bool = True) -> None:
        """Begin to play the song and `more` frames of silence; see rack.h for `blocks`."""
        np.asarray(song, np.float32).tofile(self._song)
        self._frames = song.shape[1] + more
        output = str(self._heard) if keep else ""
        self.ask("play", input=str(self._song), output=output, frames=self._frames, blocks=blocks)

    def heard(self) -> np.ndarray:
        """What was played last: (instances, CHANNELS, frames)."""
        found = np.fromfile(self._heard, np.float32)
        return found.reshape(self.instances, CHANNELS, self._frames)

    def open_files(self) -> dict[str, list[str]]:
        """What it holds: its threads, its sockets, and its child processes."""
        while True:
            try:
                return self._look()
            except (FileNotFoundError, ProcessLookupError):  # a thread or child ended: look again
                if self._process.poll() is not None:
                    raise

    def _look(self) -> dict[str, list[str]]:
        process = Path(f"/proc/{self._process.pid}")
        tasks = list((process / "task").iterdir())
        links = [str(one.readlink()) for one in (process / "fd").iterdir()]
        return {
            "threads": [(task / "comm").read_text().strip() for task in tasks],
            "sockets": [one for one in links if one.startswith(("socket:", "anon_inode:"))],
            "children": [pid for task in tasks for pid in (task / "children").read_text().split()],
        }
