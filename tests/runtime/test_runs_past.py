"""Runs whose stems nobody can hear any more are left out, but none that somebody waits for."""

import numpy as np
import pytest

from bridge.core.cost import Cost
from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.engine.base import Ensemble, Member
from bridge.engine.fake import FakeSeparator
from bridge.engine.live_model import live_model
from bridge.protocol.messages import Reset
from bridge.runtime.worker_session import Opened, WorkerSession

RATE, HOP, BLOCK, LATENCY = 48_000, 100, 64, 500


def session(*, realtime):
    model = live_model(Ensemble("fake", (Member(FakeSeparator(RATE, 400), (1.0,) * 4),)))
    plan = LivePlan(design(RATE, RATE), design(RATE, RATE), HOP, 0, 400)
    opened = Opened("k", model, plan, 2, True, realtime, BLOCK, 0, LATENCY, 1000, Cost(900, 1000))
    found = WorkerSession(1, {1: opened})
    found.begin(Reset(1, 1, 0, 0, 1), 0)
    return found


@pytest.mark.parametrize("backlog", [LATENCY, 5_000])
@pytest.mark.parametrize("realtime", [True, False])
def test_only_runs_that_are_past_are_left_out(realtime, backlog):
    one = session(realtime=realtime)
    one.push(1, 0, np.zeros((2, backlog), np.float32), 0)
    assert [epoch.number for epoch in one.due(0)] == [1]
    # The host may ask for what a block ago was due, so that a run is past a block later.
    past = max(0, backlog - LATENCY - BLOCK) // HOP if realtime else 0
    assert one.skipped == past
    assert one.epochs[0].stream.next_final().stop == (past + 1) * HOP
