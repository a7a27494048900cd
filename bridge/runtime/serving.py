"""Serving from start to end: the lock, the sockets, the connection file and the loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from bridge import __version__
from bridge.protocol.fields import VERSION
from bridge.runtime.connection import Connection, ServingLock
from bridge.runtime.logs import log, start_logging
from bridge.runtime.server import Server
from bridge.runtime.transport import bind_server


def serve(
    bind: str,
    *,
    device: str,
    calibrate_seconds: float,
    idle_exit_seconds: float,
    verbose: bool = False,
    ready: Callable[[Connection], None] = lambda _: None,
) -> None:
    """Serve at `bind` (see `bind_server`) until a signal comes or nobody has been here.

    idle_exit_seconds: 0 to stay. `ready` is called once clients can come.
    Raises UsageError for a bind that must not be, and ServerError where another server serves.
    """
    start_logging(verbose=verbose)
    with ServingLock() as lock:
        sockets = bind_server(bind, lock.folder)
        try:
            server = Server(
                sockets,
                device=device,
                calibrate_us=round(calibrate_seconds * 1_000_000),
                idle_exit_us=round(idle_exit_seconds * 1_000_000),
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
            server.serve()
        finally:
            sockets.close()
