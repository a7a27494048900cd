"""How much of the input makes a stem frame what it is: what a lost worker has to be given again."""

from __future__ import annotations

from bridge.core.live_plan import LivePlan


def memory(plan: LivePlan) -> int:
    """Host frames before a stem frame that it can depend on; at most two too many.

    The filter from the model's rate reaches back `outgoing.half` frames. The earliest run that has
    a part in a frame there reads from `window - lookahead - 1 + fade` frames before it: the fade
    of a run lies behind its hop. The filter to the model's rate reaches back `incoming.half` more.
    """
    frames = plan.outgoing.half + plan.window - plan.lookahead - 1 + plan.fade
    return -(-frames * plan.incoming.source // plan.incoming.target) + plan.incoming.half


def run_for(plan: LivePlan, frame: int) -> int:
    """The run that makes host frame `frame` of the stems final."""
    return -(-plan.outgoing.needed(frame + 1) // plan.hop) - 1
