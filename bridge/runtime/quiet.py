"""Keeps C libraries from talking to the user behind our back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def native_silence() -> Iterator[None]:
    """Discard what is written to the process's standard error while the context is open.

    libmpg123 comments there on every odd header and damaged frame of an mp3, beside the one line
    that we say about it, and cannot be told not to.
    """
    saved, null = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, _STDERR)
        yield
    finally:
        os.dup2(saved, _STDERR)
        os.close(saved)
        os.close(null)
