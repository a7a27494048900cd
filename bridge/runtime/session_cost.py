"""What a session asks of its worker, from what its model was measured to take."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.cost import Cost
from bridge.core.demand import Task
from bridge.core.latency import MICROSECONDS
from bridge.core.traits import Traits
from bridge.protocol.messages import SavedPlan
from bridge.protocol.messages_worker import Loaded


def cost(model: Loaded) -> Cost:
    """What a run of this model takes."""
    return Cost(model.cost_us, model.worst_us, model.long_us)


def traits(model: Loaded) -> Traits:
    """What this model says of its windows."""
    return Traits(model.grid, model.lookahead, model.edge, model.window, model.past, model.fixed)


def run_us(plan: SavedPlan, model: Loaded) -> int:
    """What a run with this plan typically takes."""
    return traits(model).run_us(plan.hop, cost(model), model.model_rate)


def task(plan: SavedPlan, model: Loaded) -> Task:
    """What a live session with this plan asks of its worker.

    A plan that was made where runs took less counts as it did there: it keeps its latency, with a
    warning, wherever it is opened, and after every correction of what was measured.
    """
    period_us = plan.hop * MICROSECONDS // plan.model_rate
    most_us = max(1, min(period_us - period_us // 100, plan.compute_us))
    return Task(min(run_us(plan, model), most_us), period_us, plan.compute_us)


def stall_us(plan: SavedPlan, model: Loaded) -> int:
    """By how much the longest run may exceed what `task` says, as far as the plan allows for it."""
    return min(cost(model).stall_us, plan.compute_us - task(plan, model).cost_us)


def slower(plan: SavedPlan, model: Loaded) -> tuple[str, ...]:
    """A warning where this machine takes longer than the plan allows, even without a margin."""
    worst_us, typical_us = model.worst_us * 4 // 5, model.cost_us * 4 // 5
    period_us = plan.hop * MICROSECONDS // plan.model_rate
    if worst_us <= plan.compute_us and typical_us <= period_us:
        return ()
    text = (
        f"a run takes up to {-(-worst_us // 1000)} ms on this machine, and the saved latency "
        f"leaves {min(plan.compute_us, period_us) // 1000}: stems may come late; ask for another"
    )
    return (text,)


def at_most(tasks: Sequence[Task]) -> Task:
    """What a session asks at most that may go over to another of these at any time."""
    return Task(
        max(task.cost_us for task in tasks),
        min(task.period_us for task in tasks),
        min(task.deadline_us for task in tasks),
    )
