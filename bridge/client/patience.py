"""How long to wait for a server that may have gone."""

from __future__ import annotations

from bridge.core.latency import MICROSECONDS
from bridge.errors import ServerError


class Patience:
    """Runs out `timeout` seconds after it was last renewed; times in microseconds of one clock."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._renewed_us = 0

    def renew(self, now_us: int) -> None:
        """There was progress."""
        self._renewed_us = now_us

    def check(self, now_us: int, problem: str) -> None:
        """Raise ServerError, with the last `problem` if there was one, when it has run out."""
        if now_us - self._renewed_us > self._timeout * MICROSECONDS:
            why = f" ({problem})" if problem else ""
            raise ServerError(
                f"the sidecar made no progress for {self._timeout:g} s{why}; see `stembridge "
                "status` and its log, or allow for a longer timeout"
            )
