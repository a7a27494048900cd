"""Which worker a session goes to where several run its model.

The first is filled by half before the next one is started; when all are, the least busy one gets
it. So a few tracks need one process, and many share the cores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.core.admission import Task
from bridge.runtime.server_session import Granted, Session
from bridge.runtime.session_cost import at_most

ROOMY = 0.5
"""Share of its time for which a worker may be busy and still be the first that is asked."""


def known(sessions: Iterable[Session], session: Session, worker: str) -> list[list[Granted]]:
    """What each session but `session` was granted in `worker`: it may use any of it."""
    return [
        [granted for granted in other.granted.values() if granted.worker == worker]
        for other in sessions
        if other is not session
    ]


def tasks(plans: Iterable[Sequence[Granted]]) -> list[Task]:
    """What the live ones of these sessions ask of their worker at most, one task each."""
    # They may go over to what they were granted last without asking again.
    live = ([g.task for g in granted if g.task] for granted in plans)
    return [at_most(some) for some in live if some]


def best_place(sessions: Iterable[Session], session: Session, workers: Sequence[str]) -> str:
    """Which of `workers`, at least one, `session` should ask for room, beside all `sessions`."""
    everybody = list(sessions)

    def order(worker: str) -> tuple[float, int]:
        busy = sum(t.cost_us / t.period_us for t in tasks(known(everybody, session, worker)))
        return (max(ROOMY, busy), workers.index(worker))

    return min(workers, key=order)
