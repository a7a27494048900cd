"""The time line against a scripted server, with real sessions between them and no sockets.

Whatever is lost, reset or drained on the way, stems are those of the whole signal.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from bridge.client.figures import Figures
from bridge.client.settings import Settings
from bridge.client.timeline import Timeline
from bridge.protocol.messages import Attach, Configured, Credit, Drained, Hello, Lost, Stems
from bridge.protocol.session import ClientSession
from bridge.protocol.states import Socket
from tests.client.scripted import (
    RATE,
    SOURCES,
    ScriptedSession,
    latency_of,
    live_plan,
    saved_plan,
    separate,
)

BLOCK = 50
BLOCKS = st.integers(1, BLOCK)


class Played:
    """A time line, the signal that went in, and the stems that must come out."""

    def __init__(self, *, realtime, credit, origin=0, late="dry"):
        self.plan = live_plan()
        self.saved = saved_plan(self.plan, block=BLOCK)
        self.latency = latency_of(self.plan, self.saved)
        self.settings = Settings(RATE, BLOCK, realtime=realtime, late=late)
        self.figures = Figures()
        self.client = ClientSession()
        self.credit, self.sessions = credit, 0
        self.timeline: Any = None
        self.connect(None)
        self.timeline = Timeline(self.settings, self.configured, origin, self.figures)
        self.random = np.random.default_rng(1)
        self.signal = np.zeros((2, 0), np.float32)
        self.first, self.epochs = origin, [(origin, origin)]  # (start, origin of the grid)

    def connect(self, saved):
        self.sessions += 1
        self.client.disconnect()
        self.server = ScriptedSession(self.sessions, self.plan, self.saved, self.credit)
        self.to_client = []
        self.live = True
        self.say(Socket.CONTROL, Hello((1, 0), "test"))
        self.receive(all_of=True)
        self.say(Socket.AUDIO, Attach(self.client.token))
        request = self.client.request + 1
        ask = self.settings.configure(0, None, saved, self.client.token, request)
        self.say(Socket.CONTROL, ask)
        self.receive(all_of=True)

    def say(self, socket, message):
        self.client.send(socket, message, 0)
        self.to_client += self.server.handle(socket, message)

    def receive(self, count=1, *, all_of=False):
        for _ in range(len(self.to_client) if all_of else min(count, len(self.to_client))):
            socket, message = self.to_client.pop(0)
            if not self.client.receive(socket, message, 0) and not isinstance(message, Lost):
                continue
            match message:
                case Configured() if self.timeline is None:
                    self.configured = message
                case Configured():
                    self.timeline.agree(message)
                case Stems() | Credit() | Drained():
                    self.timeline.take(message, 0)
                case Lost():
                    self.timeline.lose(message.epoch)

    def pump(self, *, whole=True):
        while self.live:
            number, token = self.client.epoch + 1, self.client.token
            most = self.server.most_frames
            message = self.timeline.next_message(token, number, most, 0, whole=whole)
            if message is None:
                return
            self.say(Socket.AUDIO, message)

    def disconnect(self):
        self.live = False
        self.timeline.lose()

    def append(self, length):
        block = self.random.integers(-8, 9, (2, length)).astype(np.float32)
        self.signal = np.concatenate([self.signal, block], axis=1)
        self.timeline.append(block)

    def wait(self, length):
        for _ in range(10_000):
            self.pump()
            if self.timeline.is_complete(length):
                return
            if not self.live:
                self.connect(self.timeline.configured.plan)
            self.to_client += self.server.work()
            self.receive(all_of=True)
        pytest.fail("stems that are waited for never come")

    def begin(self, origin):
        position = self.timeline.position
        self.timeline.begin(origin)
        if self.epochs[-1][0] == position:
            self.epochs.pop()
        self.epochs.append((position, origin))

    def expected(self, start, stop):
        """The stems of absolute frames, as the whole signal of each epoch gives them."""
        out = np.zeros((len(SOURCES), 2, stop - start), np.float32)
        ends = [epoch[0] for epoch in self.epochs[1:]] + [self.timeline.position]
        for (first, origin), end in zip(self.epochs, ends, strict=True):
            audio = self.signal[:, first - self.first : end - self.first]
            audio = np.pad(audio, ((0, 0), (first - origin, 0)))
            stems = separate(self.plan, audio)
            low, high = max(start, first), min(stop, end)
            if low < high:
                out[:, :, low - start : high - start] = stems[:, :, low - origin : high - origin]
        return out

    def dry(self, start, stop):
        padded = np.pad(self.signal, ((0, 0), (self.latency, 0)))
        begin = start - self.first + self.latency
        return padded[:, begin : begin + stop - start]


class WaitingTimeline(RuleBasedStateMachine):
    """A caller who waits: every stem is right, and none is late."""

    @initialize(credit=st.integers(60, 400))
    def begin(self, credit):
        options = {"credit": credit, "origin": 7}
        self.played = Played(realtime=False, **options)

    @rule(length=BLOCKS, whole=st.booleans())
    def play(self, length, whole):
        played = self.played
        played.append(length)
        played.pump(whole=whole)
        played.wait(length)
        stop = played.timeline.position - played.latency
        stems = played.timeline.read(length)
        np.testing.assert_array_equal(stems, played.expected(stop - length, stop))

    @rule(blocks=st.integers(1, 30))
    def play_on(self, blocks):
        for _ in range(blocks):
            self.play(BLOCK, whole=False)

    @rule(back=st.integers(0, 100))
    def reset(self, back):
        position = self.played.timeline.position
        self.played.begin(max(0, position - back))

    @rule(runs=st.integers(0, 3))
    def work(self, runs):
        self.played.to_client += self.played.server.work(runs)

    @rule(count=st.integers(0, 4))
    def receive(self, count):
        self.played.receive(count)

    @rule()
    def lose_the_worker(self):
        self.played.to_client += self.played.server.lose()

    @rule()
    def lose_the_server(self):
        self.played.disconnect()

    @rule()
    def drain(self):
        played = self.played
        played.timeline.end()
        played.wait(played.latency)
        stop = played.timeline.position
        expected = played.expected(stop - played.latency, stop)
        np.testing.assert_array_equal(played.timeline.read_rest(), expected)
        played.timeline = Timeline(
            played.settings, played.timeline.configured, stop, played.figures
        )
        played.signal = np.zeros((2, 0), np.float32)
        played.first, played.epochs = stop, [(stop, stop)]

    @invariant()
    def nothing_is_late(self):
        assert self.played.figures.late_frames == 0


class RealtimeTimeline(RuleBasedStateMachine):
    """A caller who never waits: the sum is always the mix, and what is not late is right."""

    @initialize(credit=st.integers(60, 400), late=st.sampled_from(["dry", "silence"]))
    def begin(self, credit, late):
        self.played = Played(realtime=True, credit=credit, late=late)
        self.heard = []

    @rule(length=BLOCKS)
    def play(self, length):
        self.played.append(length)
        self.played.pump(whole=False)
        self.heard.append(self.played.timeline.read(length))

    @rule(blocks=st.integers(1, 40), runs=st.integers(0, 2))
    def play_on(self, blocks, runs):
        for _ in range(blocks):
            self.work(runs)
            self.play(BLOCK)

    @rule(runs=st.integers(0, 5))
    def work(self, runs):
        if self.played.live:
            self.played.to_client += self.played.server.work(runs)
            self.played.receive(all_of=True)

    @rule()
    def reset(self):
        self.played.begin(self.played.timeline.position)

    @rule()
    def lose_the_worker(self):
        self.played.to_client += self.played.server.lose()

    @rule()
    def lose_the_server(self):
        self.played.disconnect()

    @precondition(lambda self: not self.played.live)
    @rule()
    def find_a_server(self):
        self.played.connect(self.played.timeline.configured.plan)

    @rule()
    def catch_up(self):
        """With a server that keeps up, nothing is late any more once all is replayed."""
        if not self.played.live:
            self.find_a_server()
        for rest in (False, True):
            late = self.played.figures.late_frames
            for _ in range(10):
                for _ in range(20):
                    self.work(20)
                    self.played.pump(whole=True)
                self.play(BLOCK)
            assert not rest or self.played.figures.late_frames == late

    def teardown(self):
        played = self.played
        start = played.first - played.latency
        heard = np.concatenate([np.zeros((3, 2, 0), np.float32), *self.heard], axis=2)
        stop = start + heard.shape[2]
        if played.settings.late == "dry":
            np.testing.assert_allclose(heard.sum(axis=0), played.dry(start, stop), atol=1e-5)
        if start == stop:
            return
        perhaps_late = (heard[[0, 2]] == 0).all(axis=(0, 1))
        assert perhaps_late.sum() >= played.figures.late_frames
        # Fades lie within the guard of a late frame, which may be one that is yet to be heard.
        guard = played.saved.guard
        marks = np.append(perhaps_late, np.ones(guard, bool))
        sure = ~np.convolve(marks, np.ones(2 * guard + 1, bool))[guard:][: stop - start]
        np.testing.assert_array_equal(heard[:, :, sure], played.expected(start, stop)[:, :, sure])


class WaitingLonger(WaitingTimeline):
    """The same, over more and longer histories."""


class RealtimeLonger(RealtimeTimeline):
    """The same, over more and longer histories."""


TestWaiting = WaitingTimeline.TestCase
TestRealtime = RealtimeTimeline.TestCase
TestWaitingLonger = pytest.mark.slow(WaitingLonger.TestCase)
TestRealtimeLonger = pytest.mark.slow(RealtimeLonger.TestCase)
TestWaiting.settings = TestRealtime.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None
)
TestWaitingLonger.settings = TestRealtimeLonger.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None
)


@pytest.mark.parametrize("phase", [0, 1, 29, 59])
@pytest.mark.parametrize("run", [1, 2, 3])
def test_round_trips_count_from_the_message_that_completes_a_run(phase, run):
    plan = live_plan()
    saved = saved_plan(plan, block=BLOCK)
    agreed = (7, 1, latency_of(plan, saved), saved, SOURCES, 10_000, "m", False, "none", (), ())
    figures = Figures()
    settings = Settings(RATE, BLOCK, realtime=True)
    timeline = Timeline(settings, Configured(*agreed, phase), 0, figures)
    for frame in range(plan.host_needed(run + 1)):
        timeline.append(np.ones((2, 1), np.float32))
        while timeline.next_message(7, 1, 100, 1000 * frame, whole=True) is not None:
            pass
    span = plan.host_emit(run).shift(-phase)
    stems = np.zeros((len(SOURCES), 2, span.length), np.float32)
    timeline.take(Stems(7, 1, span.start, timeline.position, stems), 10**6)
    assert figures.round_trips.count == 1
    assert figures.round_trips.max == 10**6 - 1000 * (plan.host_needed(run) - phase - 1)
