"""Which worker a session goes to where several run its model.

The first is filled by a quarter before the next one is started; when all are, the least busy one
gets it. So a few tracks need one process, and many share the cores: what is ready at once, as hosts
hand over the blocks of all tracks together, waits half as long. Each worker keeps its promises if
it has a core to itself; so together they may not take those that server, clients and hosts need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bridge.core.admission import Task
from bridge.protocol.codes import Code
from bridge.runtime.planning import Refused
from bridge.runtime.server_session import Granted, Session
from bridge.runtime.session_cost import at_most

ROOMY = 0.25
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


def best_place(sessions: Iterable[Session], session: Session, workers: Mapping[str, bool]) -> str:
    """Which of `workers`, at least one, `session` should ask for room, beside all `sessions`.

    workers: by name, and whether each can run. Of equal ones it is that which the session has.
    """
    if len(workers) == 1:
        return next(iter(workers))
    everybody = list(sessions)
    own = session.current.worker if session.current else ""

    def order(worker: str) -> tuple[bool, float, bool]:
        plans = known(everybody, session, worker)
        # One that waits for its stems takes all the time that the others leave.
        waiting = sum(1 for granted in plans if granted and not any(g.task for g in granted))
        return (not workers[worker], max(ROOMY, _load(tasks(plans)) + waiting), worker != own)

    return min(workers, key=order)


def check_share(
    sessions: Iterable[Session],
    session: Session,
    granted: Granted,
    workers: Sequence[str],
    cores: int,
) -> None:
    """Raises Refused where `workers` cannot do what `session` is to be `granted` beside the rest.

    Half of the `cores` is theirs, and one at least: what server and clients do for many tracks
    takes about as long.
    """
    if len(workers) == 1 or granted.task is None:
        return
    most = max(1, cores / 2)
    plans = (
        [g for g in other.granted.values() if g.worker in workers]
        for other in sessions
        if other is not session
    )
    others = tasks(plans)
    used, needed = _load(others), _load([granted.task])
    if used + needed > most:
        who = (
            "1 session already needs"
            if len(others) == 1
            else f"{len(others)} sessions already need"
        )
        text = (
            f"{who} {used:.2f} cores for {granted.answer.model}, and "
            f"{used + needed:.2f} with this one, of {most:g} that it may have beside server and "
            "host; ask for a longer latency, with which it runs less often, or close a session"
        )
        raise Refused(Code.LOAD, text)


def _load(some: Iterable[Task]) -> float:
    return sum(task.cost_us / task.period_us for task in some)
