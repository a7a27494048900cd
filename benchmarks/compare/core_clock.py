"""For how long a network is being computed: the time during which at least one call of one runs.

The network is what stands between the STFT and its inverse: from the return of demucs' `_magnitude`
to the call of its `_mask`, whatever engine runs in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, get_ident
from typing import Any, Self


class CoreClock:
    """A context manager; `seconds` says afterwards for how long a network was computed inside.

    now: the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = 0.0
        self._now = now
        self._lock = Lock()
        self._threads = set[int]()  # that compute one
        self._since = 0.0

    def begin(self) -> None:
        """Count from now on: the calling thread computes a network, and others may as well."""
        with self._lock:
            if not self._threads:
                self._since = self._now()
            self._threads.add(get_ident())

    def end(self) -> None:
        """It is done, or was before: spectrograms are inverted one by one."""
        with self._lock:
            if self._threads == {get_ident()}:
                self.seconds += self._now() - self._since
            self._threads.discard(get_ident())

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
