"""What the C library does with memory that is free; nothing happens where it is not glibc."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # of malloc.h
_NOT_GLIBC = (OSError, AttributeError, TypeError)


def give_memory_back() -> None:
    """Return memory that is free to the system, where settings of a worker keep it."""
    with suppress(*_NOT_GLIBC):
        ctypes.CDLL(None).malloc_trim(0)


def share_memory() -> None:
    """Have all threads of this program take memory from one place, before they are started.

    Each would keep what it has freed: 200 MB more where two run a network.
    """
    with suppress(*_NOT_GLIBC):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
