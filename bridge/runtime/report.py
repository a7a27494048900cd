"""What a server does, in figures for people and scripts; shares are per mille."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from bridge import __version__
from bridge.protocol.fields import clipped
from bridge.runtime.server_session import Session
from bridge.runtime.workers import Worker

NAME_BYTES = 64
"""Of a client's and a model's name, so that a report with every session fits its message."""


def report(
    sessions: Iterable[Session], workers: Mapping[str, Worker], up_us: int
) -> dict[str, Any]:
    """The REPORT of a server that has been up for `up_us`; docs/PROTOCOL.md lists the fields."""
    return {
        "server": {"version": __version__, "pid": os.getpid(), "up_us": up_us},
        "workers": {
            name: {
                "pid": worker.process.pid if worker.process else 0,
                "restarts": worker.restarts,
                **{k: v for k, v in worker.stats.items() if k != "sessions"},
            }
            for name, worker in workers.items()
            if worker.process is not None or worker.deaths
        },
        "sessions": [_session(session, workers) for session in sessions],
    }


def _session(session: Session, workers: Mapping[str, Worker]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": session.short,
        "client": clipped(session.name, NAME_BYTES),
        "late_frames": session.late,
        "unread_frames": session.unread,
        "losses": session.losses,
    }
    granted = session.current
    if granted is None:
        return {**found, "state": "configuring" if session.waiting else "new"}
    state = "recovering" if session.recovering else session.protocol.state.value
    figures = workers[granted.worker].stats.get("sessions", {})
    return {
        **found,
        "state": state,
        "model": clipped(granted.answer.model, NAME_BYTES),
        "rate": granted.wanted.rate,
        "block": granted.wanted.block,
        "channels": granted.wanted.channels,
        "realtime": granted.wanted.realtime,
        "latency_frames": granted.answer.latency,
        "worker": granted.worker,
        "cost_us": granted.model.cost_us,
        "worst_us": granted.model.worst_us,
        "hop": granted.answer.plan.hop,
        "model_rate": granted.answer.plan.model_rate,
        **(figures.get(str(session.token), {}) if isinstance(figures, dict) else {}),
    }
