"""Serving from start to end: the lock, the sockets, the connection file and the loop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from bridge import __version__
from bridge.config import ServeSettings
from bridge.protocol.fields import VERSION
from bridge.runtime.connection import Connection, ServingLock
from bridge.runtime.logs import log, start_logging
from bridge.runtime.server import Server
from bridge.runtime.transport import bind_server


def serve(
    bind: str,
    settings: ServeSettings,
    *,
    verbose: bool = False,
    ready: Callable[[Connection], None] = lambda _: None,
) -> None:
    """Serve at `bind` (see `bind_server`) until a signal comes or nobody has been here.

    `ready` is called once clients can come.
    Raises UsageError for a bind that must not be, and ServerError where another server serves.
    """
    start_logging(verbose=verbose)
    with ServingLock() as lock:
        sockets = bind_server(bind, lock.folder)
        try:
            server = Server(
                sockets,
                device=settings.device,
                calibrate_us=round(settings.calibrate * 1_000_000),
                idle_exit_us=round(settings.idle_exit * 1_000_000),
            )
            control, audio = sockets.endpoints
            connection = Connection(
                control,
                audio,
                sockets.server_key,
                os.getpid(),
                int(time.time()),
                VERSION,
                __version__,
            )
            lock.publish(connection)
            log("server.started", pid=os.getpid(), control=control, audio=audio)
            ready(connection)
            _end_with_the_terminal()
            server.serve()
        finally:
            sockets.close()


def _end_with_the_terminal() -> None:
    """Have the closing of the terminal end the server as SIGTERM does, unless it is to stay."""
    closed = getattr(signal, "SIGHUP", None)  # not on Windows
    if closed is None or signal.getsignal(closed) is signal.SIG_IGN:  # as `nohup` has it
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(closed, signal.SIG_IGN)  # it comes from the system, and from the shell too
        signal.raise_signal(signal.SIGTERM)

    signal.signal(closed, end)
