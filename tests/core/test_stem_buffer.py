"""The stem buffer against a slow one that looks at one frame after another."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bridge.core.stem_buffer import StemBuffer
from bridge.core.timeline import Span

SOURCES, CHANNELS = 3, 2


def stems_of(frames):
    """Stems that differ in every sample; fixed by the absolute frame."""
    frames = np.array([frame % 1009 for frame in frames], np.float32)
    return np.stack([[frames * 8 + s * 2 + c + 1 for c in range(CHANNELS)] for s in range(SOURCES)])


def dry_of(frames):
    return stems_of(frames).sum(axis=0)


class SlowBuffer:
    """What `StemBuffer` documents, one frame at a time, with whole numbers and fractions."""

    def __init__(self, capacity, guard, dry, position):
        self.capacity, self.guard, self.dry = capacity, guard, dry
        self.position, self.written, self.late = position, {}, {}

    def write(self, start, stems):
        for offset in range(stems.shape[-1]):
            frame = start + offset
            if frame not in self.late and self.position <= frame < self.position + self.capacity:
                self.written[frame] = stems[..., offset]

    def read(self, dry):
        start, stop = self.position, self.position + dry.shape[-1]
        for frame in range(start, stop + self.guard):
            self.late.setdefault(frame, frame not in self.written)
        out = [self.frame(frame, dry[:, frame - start]) for frame in range(start, stop)]
        self.position = stop
        return out, sum(self.late[frame] for frame in range(start, stop))

    def frame(self, frame, dry):
        reach = range(frame - self.guard, frame + self.guard + 1)
        nearest = min((abs(f - frame) for f in reach if self.late.get(f)), default=self.guard + 1)
        weight = Fraction(nearest, self.guard + 1)
        out = self.written[frame] * float(weight) if weight else np.zeros((SOURCES, CHANNELS))
        if self.dry is not None:
            out[self.dry] += dry * float(1 - weight)
        return out


class BufferAgainstSlowBuffer(RuleBasedStateMachine):
    """Any writes and reads. Frames that are decided already keep what was decided."""

    @initialize(
        guard=st.integers(0, 6),
        room=st.integers(1, 40),
        dry=st.sampled_from([None, 0, 2]),
        position=st.sampled_from([-3, 0, 5, 2**40]),
    )
    def begin(self, guard, room, dry, position):
        settings_ = {"guard": guard, "dry": dry, "position": position}
        self.room = room
        self.buffer = StemBuffer(SOURCES, CHANNELS, room + guard, **settings_)
        self.slow = SlowBuffer(room + guard, **settings_)

    @rule(offset=st.integers(-10, 50), length=st.integers(0, 30), other=st.booleans())
    def write(self, offset, length, other):
        start = self.slow.position + offset
        stems = stems_of(range(start, start + length)) * (2 if other else 1)
        already = dict(self.slow.late)
        self.slow.write(start, stems)
        taken = self.buffer.write(start, stems)
        due = range(self.slow.position, self.slow.position + self.slow.capacity)
        assert taken == sum(f in due and f not in already for f in range(start, start + length))

    @rule(offset=st.integers(0, 10), length=st.integers(0, 10))
    def write_silence(self, offset, length):
        start = self.slow.position + offset
        self.slow.write(start, np.zeros((SOURCES, CHANNELS, length)))
        self.buffer.write_silence(Span(start, length))

    @rule(length=st.integers(0, 40))
    def read(self, length):
        length = min(length, self.room)
        start = self.slow.position
        dry = dry_of(range(start, start + length))
        span = Span(start, length)
        held = all(frame in self.slow.written for frame in range(start, span.stop))
        assert self.buffer.holds(span) == held
        expected, late = self.slow.read(dry)
        stems, counted = self.buffer.read(dry)
        assert stems.dtype == np.float32
        assert stems.shape == (SOURCES, CHANNELS, length)
        assert (counted, self.buffer.position) == (late, start + length)
        for frame in range(length):
            np.testing.assert_allclose(stems[..., frame], expected[frame], rtol=1e-6)


TestBuffer = BufferAgainstSlowBuffer.TestCase
TestBuffer.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


@pytest.mark.slow
@given(
    guard=st.integers(0, 8),
    gaps=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 30)), max_size=5),
    blocks=st.lists(st.integers(1, 30), min_size=10, max_size=30),
)
def test_stems_sum_to_the_dry_signal_whatever_is_missing(guard, gaps, blocks):
    buffer = StemBuffer(SOURCES, CHANNELS, 1200, guard=guard, dry=1)
    missing = {f for start, length in gaps for f in range(start, start + length)}
    for frame in range(1000):
        if frame not in missing:
            buffer.write(frame, stems_of([frame]))
    at = 0
    for block in blocks:
        dry = dry_of(range(at, at + block))
        stems, late = buffer.read(dry)
        assert late == len(missing & set(range(at, at + block)))
        np.testing.assert_allclose(stems.sum(axis=0), dry, rtol=1e-6)
        at += block


def test_how_blocks_are_cut_changes_nothing_when_the_same_frames_are_missing():
    def played(blocks):
        buffer = StemBuffer(SOURCES, CHANNELS, 200, guard=5, dry=0)
        buffer.write(0, stems_of(range(40)))
        buffer.write(43, stems_of(range(43, 48)))
        buffer.write(60, stems_of(range(60, 120)))
        at, heard = 0, []
        for block in blocks:
            heard.append(buffer.read(dry_of(range(at, at + block)))[0])
            at += block
        return np.concatenate(heard, axis=-1)

    whole = played([100])
    np.testing.assert_array_equal(played([1] * 100), whole)
    np.testing.assert_array_equal(played([7, 31, 2, 60]), whole)


def test_fades_are_linear_and_lie_beside_the_gap():
    buffer = StemBuffer(1, 1, 20, guard=3, dry=None)
    buffer.write(0, np.ones((1, 1, 6), np.float32))
    buffer.write(8, np.ones((1, 1, 12), np.float32))
    stems, late = buffer.read(np.zeros((1, 14), np.float32))
    assert stems[0, 0].tolist() == [1, 1, 1, 0.75, 0.5, 0.25, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert late == 2


def test_what_was_heard_fading_out_does_not_come_back_at_once():
    # Frame 4 comes after frame 2 was heard fading towards its absence.
    buffer = StemBuffer(1, 1, 20, guard=2, dry=None)
    ones = np.ones((1, 1, 20), np.float32)
    buffer.write(0, ones[..., :4])
    first, _ = buffer.read(np.zeros((1, 3), np.float32))
    assert buffer.write(4, ones[..., :16]) == 15
    second, late = buffer.read(np.zeros((1, 5), np.float32))
    heard = np.concatenate([first, second], axis=-1)[0, 0] * 3
    assert heard.tolist() == pytest.approx([3, 3, 2, 1, 0, 1, 2, 3])
    assert late == 1


def test_stems_that_are_not_numbers_are_not_heard_once_they_are_late():
    buffer = StemBuffer(1, 1, 4, dry=0)
    buffer.write(0, np.full((1, 1, 4), np.nan, np.float32))
    buffer.read(np.zeros((1, 4), np.float32))
    stems, late = buffer.read(np.ones((1, 4), np.float32))
    assert (stems.tolist(), late) == ([[[1, 1, 1, 1]]], 4)


def test_more_than_there_is_room_for_is_refused():
    buffer = StemBuffer(1, 1, 10, guard=4)
    buffer.read(np.zeros((1, 6), np.float32))
    with pytest.raises(ValueError, match="7 frames and a guard of 4 were asked of 10"):
        buffer.read(np.zeros((1, 7), np.float32))
