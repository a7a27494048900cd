"""What a session is granted beside the others: its plan, and what is told of it to whom."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from bridge.core.phase import phase
from bridge.engine.catalog import CATALOG, find
from bridge.errors import ModelError
from bridge.protocol import limits
from bridge.protocol.codes import Code
from bridge.protocol.messages import Configure, Configured, SavedPlan
from bridge.protocol.messages_worker import Load, Loaded, Open
from bridge.runtime.planning import Refused, credit, plan_session
from bridge.runtime.server_places import known, tasks
from bridge.runtime.server_session import Granted, Session
from bridge.runtime.session_cost import run_us, slower, stall_us


def no_model(model: str, *, local: bool) -> Refused | None:
    """Why this, where it is the name of no network, is not taken for a file's; else None.

    local: only this user can reach the server, who may name any file that they can read.
    """
    if model in CATALOG or (local and Path(model).is_absolute()):
        return None
    if not local:
        text = f"'{model}' is no name of a model, and files are only taken over ipc"
        return Refused(Code.FORBIDDEN, text, "name a model of `stembridge models list`")
    try:  # what lies in the server's own folder is none of a client's business
        find(model)
    except ModelError as error:
        return Refused(Code.MODEL, str(error), "name a file or folder by its absolute path")
    return None


def grant(
    sessions: Iterable[Session],
    session: Session,
    worker: str,
    load: Load,
    wanted: Configure,
    model: Loaded,
) -> Granted:
    """Plan what `session` of all the `sessions` has `wanted`. Raises Refused."""
    plans = known(sessions, session, worker)
    others = list(chain.from_iterable(plans))
    blocking_us = max((run_us(g.answer.plan, g.model) for g in others if not g.task), default=0)
    held = sum(other.held_bytes(worker) for other in sessions if other is not session)
    stalls_us = max((stall_us(g.answer.plan, g.model) for g in others), default=0)
    plan, latency = plan_session(wanted, model, tasks(plans), blocking_us, held, stalls_us)
    opened = Open(
        session.token,
        load.key,
        wanted.request,
        wanted.rate,
        wanted.channels,
        plan.hop,
        plan.lookahead,
        plan.window,
        plan.fade,
        wanted.residual,
        wanted.realtime,
        plan.compute_us,
        latency,
        wanted.block,
        plan.burst,
    )
    answer = Configured(
        session.token,
        wanted.request,
        latency,
        plan,
        model.sources,
        credit(wanted),
        model.name,
        model.preview,
        model.licence,
        (*slower(plan, model), *model.warnings)[: limits.WARNINGS],
        model.gains,
        _phase(sessions, session, worker, wanted.rate, plan, model),
    )
    return Granted(worker, wanted, load, model, opened, answer)


def _phase(
    sessions: Iterable[Session],
    session: Session,
    worker: str,
    rate: int,
    plan: SavedPlan,
    model: Loaded,
) -> int:
    """Where the hops of a session lie, in host frames, so that it takes turns with the others.

    Only where that changes no stem: with a model that always reads the same past, whose frames are
    the host's, and by whole steps of its grid.
    """
    if not model.fixed or plan.model_rate != rate:
        return 0
    phases: dict[bool, list[int]] = {True: [], False: []}
    for other in sessions:
        # What it goes on with; where all are configured anew they play what they had until then.
        newest = next(reversed(other.granted.values()), None)
        if other is not session and newest is not None and newest.answer.plan.hop == plan.hop:
            phases[newest.worker == worker].append(newest.answer.phase)
    return phase(plan.hop, model.grid, phases[True], phases[False])
