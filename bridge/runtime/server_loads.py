"""Which model a worker loads next: one after the other, so that no client can pile them up.

What waits is kept with the sessions, one wish each, and goes with them; a worker is never told of
more than the one that it is at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from bridge.protocol.codec import encode
from bridge.protocol.messages import Configure
from bridge.protocol.messages_worker import Load
from bridge.runtime.server_session import Session, Sessions
from bridge.runtime.workers import Worker


class Loads:
    """Has workers load what sessions wait for or have lost. calibrate_us: as in LOAD."""

    def __init__(
        self, sessions: Sessions, workers: Mapping[str, Worker], calibrate_us: int
    ) -> None:
        self._sessions = sessions
        self._workers = workers
        self._calibrate_us = calibrate_us

    def of(self, wanted: Configure) -> Load:
        """The LOAD that a CONFIGURE asks for; those that ask for the same have the same key."""
        fields = (
            wanted.model,
            wanted.precision,
            wanted.rate,
            wanted.channels,
            wanted.context,
            wanted.lookahead,
            self._calibrate_us,
            wanted.preset,
        )
        # A digest, as the name of a model may be as long as a whole key.
        return Load(hashlib.sha256(repr(fields).encode()).hexdigest(), *fields)

    def end(self, worker: str, key: str) -> None:
        """Note that the worker has answered."""
        if self._workers[worker].loading == key:
            self._workers[worker].loading = ""

    def go_on(self, name: str) -> None:
        """Tell the worker of the next LOAD, if there is one and nothing else is under way."""
        worker = self._workers[name]
        load = next(self._wanted(name), None)
        if worker.process is not None and not worker.loading and load is not None:
            worker.loading = load.key
            worker.send(encode(load))

    def _wanted(self, worker: str) -> Iterator[Load]:
        """Who was playing goes first, then who has waited for longest."""
        for session in self._sessions:
            yield from session.lost.get(worker, {}).values()
        for session in sorted(self._sessions, key=_since):
            if session.waiting and session.waiting[0] == worker and session.answers > 0:
                yield session.waiting[1]


def _since(session: Session) -> int:
    return session.waiting_us
