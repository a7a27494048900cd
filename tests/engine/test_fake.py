"""The separator of known output."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.timeline import Span
from bridge.engine.fake import GAINS, FakeSeparator
from bridge.errors import UsageError


def test_each_stem_is_the_window_times_its_gain():
    batch = np.random.default_rng(0).standard_normal((3, 2, 50)).astype(np.float32)
    stems = FakeSeparator(44100, 50).separate(batch)
    assert stems.shape == (3, 4, 2, 50)
    assert stems.dtype == np.float32
    for index, name in enumerate(FakeSeparator(44100, 50).sources):
        np.testing.assert_array_equal(stems[:, index], batch * np.float32(GAINS[name]))


def test_the_stems_leave_a_residual():
    assert sum(GAINS.values()) < 1
    assert set(GAINS) == {"drums", "bass", "other", "vocals"}


@given(st.integers(0, 30), st.integers(-50, 50), st.integers(0, 50))
def test_the_frames_without_look_ahead_are_silent_and_no_others(delay, start, length):
    fake = FakeSeparator(44100, 50, delay=delay)
    emit = Span(start, length)
    read = fake.read_span(emit)
    stems = fake.separate(np.ones((1, 2, read.length), np.float32))
    assert stems[..., emit.slice_in(read)].all()
    assert not stems[..., length:].any()


def test_the_input_is_not_changed():
    batch = np.ones((1, 2, 20), np.float32)
    FakeSeparator(44100, 10, delay=5).separate(batch)
    assert batch.all()


def test_computing_takes_the_cost_of_every_window():
    began = time.perf_counter()
    FakeSeparator(44100, 10, cost=0.01).separate(np.zeros((3, 2, 10), np.float32))
    assert time.perf_counter() - began >= 0.03


@pytest.mark.parametrize("text", ["fake", "fake:"])
def test_without_settings_a_window_is_one_second(text):
    assert FakeSeparator.from_text(text, 48000) == FakeSeparator(48000, 48000)


def test_every_setting_can_be_named():
    text = "fake:rate=22050,segment=4410,cost=0.5,delay=99"
    assert FakeSeparator.from_text(text, 48000) == FakeSeparator(22050, 4410, 0.5, 99)
    assert FakeSeparator.from_text("fake:rate=8000", 48000) == FakeSeparator(8000, 8000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fake:cost", "'cost' is not NAME=NUMBER"),
        ("fake:cost=much", "'cost=much' is not NAME=NUMBER"),
        ("fake:speed=3", "no setting 'speed'; it has rate, segment, cost, delay"),
        ("fake:rate=0", "out of range"),
        ("fake:segment=0.5", "out of range"),
        ("fake:cost=-1", "out of range"),
        ("fake:cost=3601", "out of range"),
        ("fake:delay=-1", "out of range"),
        *((f"fake:{name}=nan", "no number") for name in ("rate", "segment", "cost", "delay")),
        *((f"fake:{name}=inf", "no number") for name in ("rate", "segment", "cost", "delay")),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(text, words):
    with pytest.raises(UsageError, match=words):
        FakeSeparator.from_text(text, 44100)
