"""A thread in the background that looks after things now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable

SECONDS = 0.1
"""Between two looks: heartbeats take seconds, and stems queue meanwhile."""


class Ticker:
    """Calls `tick` ten times a second once started, and `finish` at the end, in its own thread.

    Where it never started, `finish` is called by `end`.
    """

    def __init__(self, tick: Callable[[], None], finish: Callable[[], None]) -> None:
        self._tick = tick
        self._finish = finish
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="stembridge")

    @property
    def is_over(self) -> bool:
        """Whether it was ended."""
        return self._over.is_set()

    def start(self) -> None:
        """Begin. Only once."""
        self._thread.start()

    def end(self) -> None:
        """End it and wait for that; not in its own thread, where a dropped object may call this."""
        self._over.set()
        if self._thread.ident is None:
            self._finish()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SECONDS):
            self._tick()
        self._finish()
