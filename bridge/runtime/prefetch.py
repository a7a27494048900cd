"""Runs an iterator ahead in a thread, so that reading goes on while the device computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def prefetched(items: Iterator[Item], depth: int) -> Iterator[Iterator[Item]]:
    """Give an iterator over `items` that is up to `depth` items ahead of who takes them.

    One more is in the thread's hands while it waits for a place. An exception of `items` is raised
    where the next item would be taken. The thread has ended when the context is left, also when
    not all items were taken.
    """
    slots: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()

    def offer(more: bool, value: Item | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                slots.put((more, value), timeout=0.1)
                return

    def work() -> None:
        try:
            for item in items:
                offer(more=True, value=item)
                if stopped.is_set():
                    return
            offer(more=False, value=None)
        except BaseException as error:  # noqa: BLE001 - handed over to the other thread
            offer(more=False, value=error)

    def take() -> Iterator[Item]:
        more, value = slots.get()
        while more:
            yield value  # type: ignore[misc]
            more, value = slots.get()
        if isinstance(value, BaseException):
            raise value

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        stopped.set()
        thread.join()
