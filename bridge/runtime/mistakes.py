"""Mistakes of our own that end nothing but what was being done."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.runtime.logs import log, place


def log_mistake(error: Exception) -> None:
    """Log an error that nobody expected."""
    log("server.mistake", level=logging.ERROR, reason=repr(error), where=place(error))


@contextmanager
def contained() -> Iterator[None]:
    """Log what goes wrong inside, whatever it is: the sessions that it is not about go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - others must not suffer
        log_mistake(error)
