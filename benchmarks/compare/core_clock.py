"""For how long a network is being computed: the time during which at least one call of one runs.

The network is what stands between the STFT and its inverse: from the return of demucs' `_magnitude`
to the call of its `_mask`, whatever engine runs in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any, Self


class CoreClock:
    """A context manager; `seconds` says afterwards for how long a network was computed inside.

    now: the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = 0.0
        self._now = now
        self._lock = Lock()
        self._running = 0
        self._since = 0.0

    def begin(self) -> None:
        """A network is computed from now on; may overlap with others."""
        with self._lock:
            self._running += 1
            if self._running == 1:
                self._since = self._now()

    def end(self) -> None:
        """One of them is done."""
        with self._lock:
            self._running -= 1
            if self._running == 0:
                self.seconds += self._now() - self._since

    def __enter__(self) -> Self:
        self.seconds = 0.0
        self._patches = ExitStack()
        for patch in _patches(self):
            self._patches.enter_context(patch)
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()


def _patches(clock: CoreClock) -> Iterator[Any]:
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    for kind in (HDemucs, HTDemucs):
        yield _patched(kind, "_magnitude", after=clock.begin)
        yield _patched(kind, "_mask", before=clock.end)
    yield _patched(Demucs, "forward", before=clock.begin, after=clock.end)


@contextmanager
def _patched(
    kind: Any,
    name: str,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Calls of a method of a class with something before and after them."""
    method = getattr(kind, name)

    def timed(*arguments: Any, **named: Any) -> Any:
        before()
        try:
            return method(*arguments, **named)
        finally:
            after()

    setattr(kind, name, timed)
    try:
        yield
    finally:
        setattr(kind, name, method)
