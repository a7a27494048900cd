"""The end of a command that ran networks, whose memory goes with the process."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn

_kept: list[object] = []
_status: list[int] = []


def keep_to_the_end(thing: object) -> None:
    """Have the process end by `leave` without freeing `thing`, nor what is loaded from now on.

    To take a network, torch and OpenVINO apart piece by piece takes a second of a core, and the
    system has their memory back in a fifth of it. Threads, and what was registered with `atexit`
    since this was called, end as ever before that.
    """
    if not _kept:
        atexit.register(_end)
    _kept.append(thing)


def leave(status: int) -> NoReturn:
    """Exit from Python with `status`; for the function that a program consists of."""
    _status[:] = [status]
    sys.exit(status)


def _end() -> None:
    if not _status:  # or an error that nobody expected: Python shows it, and sets the status
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(_status[0])
