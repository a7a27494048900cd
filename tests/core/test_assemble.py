"""The assembler against a dictionary from frame to sample."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bridge.core.assemble import Assembler
from bridge.core.timeline import Span

OFFSETS = st.integers(-10, 40)  # from the oldest frame that is kept
LENGTHS = st.integers(0, 20)


class AssemblerAgainstDictionary(RuleBasedStateMachine):
    """Any pushes, reads and forgettings; every sample ever pushed is different."""

    @initialize(start=st.integers(-5, 5), capacity=st.integers(1, 60))
    def begin(self, start, capacity):
        self.assembler = Assembler(2, capacity, start)
        self.start, self.capacity = start, capacity
        self.frames: dict[int, float] = {}
        self.fresh = 1.0

    def block(self, length):
        numbers = self.fresh + np.arange(length, dtype=np.float32)
        self.fresh += length
        return np.stack([numbers, -numbers])

    @rule(offset=OFFSETS, length=LENGTHS)
    def push(self, offset, length):
        start = self.start + offset
        block = self.block(length)
        given = [f for f in range(start, start + length) if f >= self.start]
        if given and given[-1] >= self.start + self.capacity:
            with pytest.raises(ValueError, match="do not fit"):
                self.assembler.push(start, block)
            return
        if not given and start - self.start > self.capacity:
            return  # an empty block far away: either answer is right
        self.assembler.push(start, block)
        for frame in given:
            self.frames.setdefault(frame, float(block[0, frame - start]))

    @rule(count=st.integers(-2, 15))
    def forget(self, count):
        before = self.start + count
        self.assembler.forget(before)
        self.start = max(self.start, before)
        self.frames = {f: value for f, value in self.frames.items() if f >= self.start}

    @rule(offset=OFFSETS, length=LENGTHS)
    def read(self, offset, length):
        start = self.start + offset
        out = self.assembler.read(Span(start, length))
        expected = np.array([self.frames.get(start + i, 0.0) for i in range(length)], np.float32)
        assert out.dtype == np.float32
        np.testing.assert_array_equal(out, np.stack([expected, -expected]))

    @rule(offset=OFFSETS, length=LENGTHS)
    def ask_what_is_missing(self, offset, length):
        start = self.start + offset
        missing = self.assembler.missing(Span(start, length))
        frames = [f for span in missing for f in range(span.start, span.stop)]
        assert frames == [f for f in range(start, start + length) if f not in self.frames]

    @invariant()
    def start_and_stop_are_those_of_the_frames_held(self):
        assert self.assembler.start == self.start
        assert self.assembler.stop == max(self.frames, default=self.start - 1) + 1


TestAssembler = AssemblerAgainstDictionary.TestCase
TestAssembler.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_refused_block_leaves_what_was_there():
    assembler = Assembler(1, capacity=4)
    assembler.push(0, np.ones((1, 2), np.float32))
    with pytest.raises(ValueError, match="frames up to 5 do not fit 4 frames from 0"):
        assembler.push(1, np.ones((1, 4), np.float32))
    assert assembler.stop == 2
    assert assembler.read(Span(0, 5)).tolist() == [[1, 1, 0, 0, 0]]


def test_what_was_read_is_not_changed_by_later_pushes():
    assembler = Assembler(1, capacity=4)
    early = assembler.read(Span(0, 2))
    assembler.push(0, np.ones((1, 2), np.float32))
    assert early.tolist() == [[0, 0]]


def test_forgetting_makes_room_within_the_capacity():
    assembler = Assembler(1, capacity=4)
    for start in range(0, 40, 2):
        assembler.forget(start - 2)
        assembler.push(start, np.full((1, 2), start, np.float32))
    assert assembler.read(Span(36, 4)).tolist() == [[36, 36, 38, 38]]


def test_what_is_forgotten_is_missing_and_reads_as_silence():
    assembler = Assembler(1, capacity=4)
    assembler.push(0, np.ones((1, 4), np.float32))
    assembler.forget(2)
    assert assembler.missing(Span(0, 6)) == [Span(0, 2), Span(4, 2)]
    assert assembler.read(Span(0, 6)).tolist() == [[0, 0, 1, 1, 0, 0]]
