"""Runs one call at a time, in a thread of its own or at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
Result = Callable[[], T]
"""Returns what a call returned, or raises what it raised."""


class Slot:
    """A place for one call.

    `wake`: called from the thread when a call has ended, so that somebody calls `collect`; without
    it calls run at once in the thread that starts them.
    """

    def __init__(self, name: str, wake: Callable[[], object] | None = None) -> None:
        self._wake = wake
        self._thread = ThreadPoolExecutor(1, name) if wake else None
        self._under_way: tuple[Future[object], Callable[[Result[object]], None]] | None = None

    @property
    def busy(self) -> bool:
        """True from `start` until `collect` has handed out the result."""
        return self._under_way is not None

    def start(self, call: Callable[[], T], then: Callable[[Result[T]], None]) -> None:
        """Run `call`; `then` gets its result, from `collect` or before this returns."""
        if self._thread is None:
            then(call)  # whoever asks for the result has it made
            return
        future = self._thread.submit(call)
        self._under_way = (future, then)  # type: ignore[assignment]
        future.add_done_callback(lambda _: self._wake and self._wake())

    def collect(self) -> None:
        """Hand out the result if there is one."""
        if self._under_way is not None and self._under_way[0].done():
            future, then = self._under_way
            self._under_way = None
            then(future.result)
