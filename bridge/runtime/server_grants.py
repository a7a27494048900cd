"""What a session is granted beside the others: its plan, and what is told of it to whom."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from bridge.protocol import limits
from bridge.protocol.messages import Configure, Configured
from bridge.protocol.messages_worker import Load, Loaded, Open
from bridge.runtime.planning import credit, plan_session
from bridge.runtime.server_session import Granted, Session
from bridge.runtime.session_cost import at_most, run_us, slower, stall_us


def grant(
    sessions: Iterable[Session],
    session: Session,
    kind: str,
    load: Load,
    wanted: Configure,
    model: Loaded,
) -> Granted:
    """Plan what `session` of all the `sessions` has `wanted`. Raises Refused."""
    # Others may go over to what they were granted last without asking again.
    known = [
        [granted for granted in other.granted.values() if granted.kind == kind]
        for other in sessions
        if other is not session
    ]
    others = list(chain.from_iterable(known))
    tasks = [at_most(live) for plans in known if (live := [g.task for g in plans if g.task])]
    blocking_us = max((run_us(g.answer.plan, g.model) for g in others if not g.task), default=0)
    held = sum(other.held_bytes(kind) for other in sessions if other is not session)
    stalls_us = max((stall_us(g.answer.plan, g.model) for g in others), default=0)
    plan, latency = plan_session(wanted, model, tasks, blocking_us, held, stalls_us)
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
    )
    return Granted(kind, wanted, load, model, opened, answer)
