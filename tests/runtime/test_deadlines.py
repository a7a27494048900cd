"""When runs are due: promised by the latency, whatever hosts and clocks do."""

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

RATE, HOP, BURST, COMPUTE_US = 48_000, 480, 240, 3000
HOP_US, BURST_US = 10_000, 5_000


class Played:
    """A session whose host hands over a hop at a time, and whose runs take no time."""

    def __init__(self):
        model = live_model(Ensemble("fake", (Member(FakeSeparator(RATE, 2000), (1.0,) * 4),)))
        plan = LivePlan(design(RATE, RATE), design(RATE, RATE), HOP, 0, 2000)
        cost = Cost(900, 1000)
        opened = Opened("k", model, plan, 2, True, True, 64, BURST, 10**6, COMPUTE_US, cost)
        self.session = WorkerSession(1, {1: opened})
        self.position = 0
        self.number = 0
        self.reset(0)

    def reset(self, now_us):
        self.number += 1
        self.session.begin(Reset(1, self.number, self.position, self.position, 1), now_us)

    def hand_over(self, now_us, frames=HOP):
        block = np.zeros((2, frames), np.float32)
        self.session.push(self.number, self.position, block, now_us)
        self.position += frames

    def deadlines(self, now_us):
        """How long from now each run that is due has, oldest epoch first; they are run."""
        found = []
        for epoch in self.session.due(now_us):
            while epoch.stream.ready():
                found.append(epoch.deadline_us - now_us)
                context = epoch.stream.advance()
                epoch.stream.finish(epoch.opened.model.run([context])[0])
                epoch.is_done_with_one(now_us)
        return found


@pytest.fixture
def played():
    return Played()


def test_input_that_comes_ahead_of_the_clock_leaves_the_deadlines_where_they_are(played):
    played.hand_over(1_000_000)
    assert played.deadlines(1_000_000) == [COMPUTE_US]
    played.hand_over(1_006_000)  # 4 ms early
    assert played.deadlines(1_006_000) == [COMPUTE_US + 4000]
    played.hand_over(1_020_000)
    assert played.deadlines(1_020_000) == [COMPUTE_US]


def test_a_clock_that_is_fast_never_takes_deadlines_beyond_the_burst(played):
    for hop in range(2000):
        now_us = 1_000_000 + hop * (HOP_US - 10)
        played.hand_over(now_us)
        (left_us,) = played.deadlines(now_us)
        assert COMPUTE_US <= left_us <= COMPUTE_US + BURST_US


def test_a_host_that_stopped_and_catches_up_costs_nobody_for_good(played):
    played.hand_over(1_000_000)
    played.deadlines(1_000_000)
    played.hand_over(1_200_000, 20 * HOP)
    assert max(played.deadlines(1_200_000)) <= COMPUTE_US + BURST_US
    played.hand_over(1_210_000)
    (left_us,) = played.deadlines(1_210_000)
    assert left_us <= COMPUTE_US + BURST_US


def test_what_a_reset_makes_ready_is_due_from_then_on(played):
    played.hand_over(1_000_000, HOP // 2)
    assert played.deadlines(1_000_000) == []
    played.reset(1_004_000)
    assert played.deadlines(1_004_000) == [COMPUTE_US]


def test_what_a_drain_makes_ready_is_due_from_then_on(played):
    played.hand_over(1_000_000)
    played.deadlines(1_000_000)
    played.hand_over(1_004_000, 100)
    played.session.drain(1, played.position, 1_030_000)
    assert played.deadlines(1_030_000) == [COMPUTE_US]
