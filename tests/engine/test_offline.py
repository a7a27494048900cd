"""The offline engine against running every window over the whole array at once."""

import time
import tracemalloc
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.timeline import Span
from bridge.engine.base import Audio, Ensemble, Member
from bridge.engine.fake import GAINS, FakeSeparator
from bridge.engine.offline import Chunk, OfflineRun, Settings
from bridge.errors import BridgeError, ModelError
from tests.engine.separators import Broken, Limited, Uneven, alone, separate_at_once

STEMS = ("left", "right")
UNEVEN = st.builds(
    Uneven,
    segment=st.integers(1, 40),
    context=st.integers(0, 30),
    ahead=st.integers(0, 20),
    overlap=st.sampled_from([0, 0.25, 0.5, 0.95]),
    streams=st.integers(1, 3),
)
WEIGHTS = st.sampled_from([0.0, 0.25, 1.0, 3.0])


def noise(length, seed=0):
    return np.random.default_rng(seed).standard_normal((2, length)).astype(np.float32)


def cut(mix, sizes=(7,), start=0):
    """Blocks of `mix` from `start` on, of the given sizes over and over."""
    number = 0
    while start < mix.shape[1]:
        yield mix[:, start : start + sizes[number % len(sizes)]]
        start += sizes[number % len(sizes)]
        number += 1


def joined(chunks):
    return np.concatenate([chunk.stems for chunk in chunks], axis=-1)


@st.composite
def ensembles(draw):
    separators = draw(st.lists(UNEVEN, min_size=1, max_size=3))
    rows = [draw(st.tuples(WEIGHTS, WEIGHTS)) for _ in separators]
    rows[-1] = tuple(weight or 1.0 for weight in rows[-1])
    members = [Member(*pair) for pair in zip(separators, rows, strict=True)]
    return Ensemble("several", tuple(draw(st.permutations(members))))


@given(
    ensembles(),
    st.integers(1, 120),
    st.builds(
        Settings,
        stems=st.sampled_from([STEMS, ("right", "left"), ("left",), ("right",)]),
        overlap=st.sampled_from([None, 0, 0.4, 0.9]),
        shifts=st.integers(0, 3),
        seed=st.integers(0, 9),
        batch=st.integers(1, 5),
    ),
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
)
def test_the_stems_are_those_of_the_whole_array(ensemble, length, wanted, sizes):
    mix = noise(length)
    run = OfflineRun(ensemble, length, wanted)
    chunks = list(run.run(cut(mix, sizes)))
    expected = separate_at_once(
        ensemble, mix, wanted.stems, wanted.overlap, wanted.shifts, wanted.seed
    )
    np.testing.assert_allclose(joined(chunks), expected, atol=2e-5)
    position = computed = 0
    for chunk in chunks:
        position, computed = position + chunk.span.length, computed + chunk.windows
        assert chunk.span.stop == chunk.state.released == position
        assert run.windows_in(chunk.state.groups_done) == computed
    assert computed == run.windows


@pytest.mark.slow
@settings(max_examples=40)
@given(ensembles(), st.integers(1, 100), st.integers(0, 2), st.integers(1, 4), st.data())
def test_a_run_goes_on_from_every_saved_state_with_the_same_bits(
    ensemble, length, shifts, batch, data
):
    mix = noise(length)
    run = OfflineRun(ensemble, length, Settings(STEMS, shifts=shifts, batch=batch))
    chunks = list(run.run(cut(mix, [11])))
    for number in data.draw(st.sets(st.integers(0, len(chunks) - 1), max_size=3)):
        chunk = chunks[number]
        again = OfflineRun(ensemble, length, Settings(STEMS, shifts=shifts, batch=batch))
        first = again.first_read(chunk.state)
        sizes = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=2))
        rest = list(again.run(cut(mix, sizes, first), first, chunk.state))
        assert len(rest) == len(chunks) - number - 1
        for new, old in zip(rest, chunks[number + 1 :], strict=True):
            assert (new.span, new.windows) == (old.span, old.windows)
            np.testing.assert_array_equal(new.stems, old.stems)


@given(st.integers(1, 50), st.integers(0, 30), st.integers(1, 200), st.integers(1, 5))
def test_the_fake_gives_the_mix_times_its_gains_bit_for_bit(segment, delay, length, batch):
    mix = noise(length)
    fake = FakeSeparator(rate=50, segment=segment, delay=delay)
    run = OfflineRun(alone(fake), length, Settings(fake.sources, batch=batch))
    gains = np.array([GAINS[name] for name in fake.sources], np.float32)
    np.testing.assert_array_equal(joined(run.run(cut(mix))), mix * gains[:, None, None])


@pytest.mark.parametrize("stems", [("left",), ("right",), STEMS])
def test_members_without_weight_for_what_is_wanted_are_never_run(stems):
    separators = [Uneven(20), Uneven(20), Uneven(20)]
    weights = [(1.0, 0.0), (0.0, 2.0), (0.0, 0.0)]
    members = tuple(Member(*pair) for pair in zip(separators, weights, strict=True))
    list(OfflineRun(Ensemble("bag", members), 90, Settings(stems)).run(cut(noise(90))))
    assert [bool(separator.batches) for separator in separators] == [
        "left" in stems,
        "right" in stems,
        False,
    ]


def test_shifts_depend_on_the_seed_alone():
    mix = noise(200)
    outs = [
        joined(OfflineRun(alone(Uneven(30)), 200, Settings(STEMS, shifts=2, seed=s)).run(cut(mix)))
        for s in (1, 1, 2)
    ]
    np.testing.assert_array_equal(outs[0], outs[1])
    assert np.abs(outs[0] - outs[2]).max() > 0.01


def test_no_more_windows_than_asked_for_run_at_once():
    separator = Uneven(10, overlap=0)
    list(OfflineRun(alone(separator), 95, Settings(STEMS, batch=4)).run(cut(noise(95))))
    assert separator.batches == [4, 4, 1, 1]  # the last window is shorter than the others


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"),
    ],
)
def test_out_of_memory_halves_the_batch_and_changes_no_bit(error):
    mix, wanted = noise(300), Settings(STEMS, batch=8)
    words: list[str] = []
    limited = Limited(10, context=5, overlap=0.5, most=3, error=error)
    run = OfflineRun(alone(limited), 300, wanted, words.append)
    out = joined(run.run(cut(mix)))
    unlimited = Uneven(10, context=5, overlap=0.5)
    np.testing.assert_array_equal(
        out, joined(OfflineRun(alone(unlimited), 300, wanted).run(cut(mix)))
    )
    assert words == [
        "out of memory with 8 windows at once; going on with 4",
        "out of memory with 4 windows at once; going on with 2",
    ]
    assert limited.batches[:3] == [8, 4, 2]
    assert max(limited.batches[2:]) == 2  # and it is not tried again


def test_out_of_memory_with_one_window_is_an_error_in_words():
    cause = RuntimeError("CUDA out of memory")
    separator = Limited(10, most=0, error=cause)
    run = OfflineRun(alone(separator), 100, Settings(STEMS, batch=2))
    with pytest.raises(BridgeError, match=r"a single window of uneven; use --device cpu") as caught:
        list(run.run(cut(noise(100))))
    assert caught.value.__cause__ is cause
    assert separator.batches == [2, 1]


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("no")])
def test_other_errors_of_a_separator_are_said_with_the_place(error):
    words: list[str] = []
    run = OfflineRun(alone(Limited(10, most=0, error=error)), 30, Settings(STEMS), words.append)
    with pytest.raises(ModelError, match=rf"uneven failed at 0.0 s .*{error}") as caught:
        list(run.run(cut(noise(30))))
    assert caught.value.__cause__ is error
    assert not words


def test_an_error_of_the_input_is_not_taken_for_the_device_s():
    def blocks():
        yield noise(15)
        raise MemoryError

    words: list[str] = []
    run = OfflineRun(alone(Uneven(10)), 60, Settings(STEMS, batch=4), words.append)
    with pytest.raises(MemoryError):
        list(run.run(blocks()))
    assert not words


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_output_that_is_not_finite_is_refused_with_its_place(value):
    mix = noise(400)
    mix[:, 210] = 9
    run = OfflineRun(alone(Broken(20, overlap=0, value=value)), 400, Settings(STEMS))
    done: list[Chunk] = []
    with pytest.raises(ModelError, match=r"uneven gave values that are not finite at 4\.0 s"):
        done.extend(run.run(cut(mix)))
    assert run.windows_in(len(done)) < run.windows


def test_only_the_input_of_a_window_and_the_next_is_read_before_its_stems_come_out():
    pulled = []

    def blocks():
        for block in cut(noise(500), [10]):
            pulled.append(block.shape[1])
            yield block

    separator = Uneven(50, context=30, ahead=20, overlap=0)
    run = OfflineRun(alone(separator), 500, Settings(STEMS)).run(blocks())
    assert next(run).span == Span(0, 50)
    assert sum(pulled) == 70 + 50


@dataclass
class Watched(Uneven):
    """Notes of each batch whether it may have the machine for itself, and that it has it then."""

    alone: list[bool] = field(default_factory=list)
    running: int = 0
    lock: Any = field(default_factory=Lock)

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:
        with self.lock:
            self.running += 1
            self.alone.append(alone)
        time.sleep(0.01)
        with self.lock:
            assert not alone or self.running == 1
            self.running -= 1
        return super().separate(batch)


@pytest.mark.parametrize("streams", [1, 2, 3])
@pytest.mark.parametrize("windows", range(1, 8))
@pytest.mark.parametrize("shares", [True, False])
def test_one_window_too_many_comes_first_and_has_the_machine_for_itself(windows, streams, shares):
    separator = Watched(20, overlap=0, streams=streams, shares=shares)
    mix = noise(20 * windows)
    chunks = list(OfflineRun(alone(separator), mix.shape[1], Settings(STEMS)).run(cut(mix)))
    too_many = shares and streams > 1 and windows % streams == 1
    assert separator.alone == [too_many] + (windows - 1) * [False]
    expected = separate_at_once(alone(separator), mix, STEMS)
    np.testing.assert_allclose(joined(chunks), expected, atol=1e-5)
    if windows > 1:  # one that goes on has no first window any more
        separator.alone.clear()
        rest = OfflineRun(alone(separator), mix.shape[1], Settings(STEMS))
        first = rest.first_read(chunks[0].state)
        list(rest.run(cut(mix, start=first), first, chunks[0].state))
        assert not any(separator.alone)


def test_memory_does_not_grow_with_the_signal():
    def peak(windows):
        fake = FakeSeparator(44100, segment=20_000, overlap=0.25, delay=5000)
        length = 20_000 * windows
        run = OfflineRun(alone(fake), length, Settings(fake.sources, batch=2))
        silence = np.zeros((2, 1000), np.float32)
        tracemalloc.start()
        for _ in run.run(silence for _ in range(length // 1000)):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(80) < 1.5 * peak(8)  # how much two threads hold at once differs from run to run
