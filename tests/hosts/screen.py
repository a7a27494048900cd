"""A screen of its own with a window manager, and what a user does and sees on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from tests.attempts import tried
from tests.server.sidecar import PATIENCE_SECONDS, wait_until

TOOLS = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "xprop": "x11-utils",
}
SIZE = "2000x1400x24"


def missing() -> str:
    """Packages that have to be installed for this, as Debian names them; "" for none."""
    return " ".join(package for tool, package in TOOLS.items() if shutil.which(tool) is None)


class Screen:
    """Xvfb and openbox, for as long as the context lasts. log: a file for what they say."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environment = dict(os.environ)

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(PATIENCE_SECONDS)

    def _open(self) -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading) as number:
            try:
                # Without -noreset it throws everybody out when a first client leaves.
                # Without -r a key repeats where its release is late.
                options = ("-noreset", "-r", "-screen", "0", SIZE, "-displayfd", str(writing))
                self._start("Xvfb", *options, pass_fd=writing)
            finally:
                os.close(writing)
            self.environment["DISPLAY"] = ":" + number.readline().strip()
        self._start("openbox")
        # JUCE asks the window manager at once, and dies of an X error where there is none yet.
        managed = b"_NET_SUPPORTING_WM_CHECK(WINDOW)"
        wait_until(lambda: managed in self.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"))

    def _start(self, *command: str, pass_fd: int | None = None) -> None:
        with self._log.open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                    pass_fds=() if pass_fd is None else (pass_fd,),
                )
            )

    def run(self, *command: str) -> bytes:
        """What a command on this screen prints."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, timeout=PATIENCE_SECONDS
        ).stdout

    def window(self, title: str) -> str:
        """The id of the window with this title, once it is there."""
        command = ("xdotool", "search", "--sync", "--onlyvisible", "--name", title)
        return self.run(*command).split()[0].decode()

    def press(self, *keys: str) -> None:
        """Press keys one after another, in the window that has the keyboard."""
        self.run("xdotool", "key", "--delay", "60", *keys)

    def click(self, window: str, x: int, y: int) -> None:
        """Click at a place of a window, which has the keyboard then."""
        self.run("xdotool", "mousemove", "--window", window, str(x), str(y), "click", "1")
        wait_until(lambda: self._focus() == window)

    def _focus(self) -> str:
        """The window that has the keyboard; "" for none."""
        with suppress(subprocess.CalledProcessError):
            return self.run("xdotool", "getwindowfocus").decode().strip()
        return ""

    def resize(self, window: str, width: int, height: int) -> None:
        """Give a window another size, and it the time to take it."""
        self.run("xdotool", "windowsize", "--sync", window, str(width), str(height))
        time.sleep(0.5)

    def capture(self, window: str) -> np.ndarray:
        """What a window shows: (height, width, 3) of 8 bits."""

        def taken() -> tuple[np.ndarray, tuple[int, int, int]]:
            lines = self.run("xdotool", "getwindowgeometry", "--shell", window).decode()
            size = dict(line.split("=") for line in lines.splitlines())
            pixels = self.run("import", "-window", window, "-depth", "8", "rgb:-")
            return np.frombuffer(pixels, np.uint8), (int(size["HEIGHT"]), int(size["WIDTH"]), 3)

        # It may have got another size in between.
        pixels, shape = tried(taken, lambda made: made[0].size == np.prod(made[1]))
        return pixels.reshape(shape)
