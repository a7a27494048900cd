"""Live streams against the whole-array oracle: every rate, every block, every kind of plan."""

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine.base import Ensemble, Member
from bridge.engine.fake import FakeSeparator
from bridge.engine.live import LOUDEST
from bridge.engine.live_model import live_model
from bridge.engine.spectral import SpectralSeparator
from tests.engine import oracle
from tests.engine.playing import (
    BLOCKS,
    FOUR,
    RATES,
    Placed,
    Player,
    everything,
    fake,
    noise,
    placed,
    plan_for,
    spectral,
)
from tests.engine.trust import Trust

CLOSE = 1e-6
OTHER = FOUR.index("other")
DELAYED = FakeSeparator(44_100, 8000, delay=100)


def one(separator):
    return lambda window: separator.separate(window[None])[0]


def check(player, expected, *, close=CLOSE):
    """Everything was given once, and is what was expected."""
    assert player.given() == set(range(expected.shape[2]))
    assert player.worst(expected) <= close


@lru_cache
def expected_of(kind, rate):
    """Model, plan, signal and the stems that it has to give, residual included."""
    if kind == "spectral":
        model = spectral(rate)
        plan = plan_for(model, rate, 2 * model.traits.grid)
        signal = noise(rate // 3)
        expected = oracle.live(one(SpectralSeparator(rate)), plan, signal, rest=OTHER, whole=True)
        return model, plan, signal, expected
    model, separator = (fake(), DELAYED) if kind == "fake" else (placed(), Placed())
    plan = plan_for(model, rate, 1000, lookahead=700, window=3001)
    signal = noise(rate // 12)
    return model, plan, signal, oracle.live(one(separator), plan, signal, rest=OTHER)


@lru_cache
def at_once(kind, rate):
    model, plan, signal, _ = expected_of(kind, rate)
    return everything(Player(model, plan, signal).play(signal.shape[1]).end())


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", ["fake", "placed", "spectral"])
def test_blocks_of_any_length_give_what_the_oracle_gives(kind, rate, block):
    model, plan, signal, expected = expected_of(kind, rate)
    player = Player(model, plan, signal).play(block).end()
    check(player, expected)
    # Their sum is the input: at most -120 dB of full scale.
    assert np.abs(everything(player).sum(axis=0) - signal).max() <= 1e-6
    np.testing.assert_array_equal(everything(player), at_once(kind, rate))


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize(
    ("hop", "lookahead", "fade", "window"),
    [
        (500, 700, 500, 1200),  # no past at all; the fade is the whole hop
        (500, 700, 0, 2000),
        (777, 0, 0, 2000),  # nothing to look ahead at
        (41, 100, 41, 500),  # shorter than the filters reach
        (1, 3, 1, 64),
        (3000, 1, 1, 9000),
        (500, 700, 700, 2000),  # hops that fade over more than the next one
        (300, 1000, 1000, 2000),
        (250, 2000, 1999, 2250),
        (7, 100, 100, 500),
    ],
)
def test_plans_of_any_shape_give_what_the_oracle_gives(rate, hop, lookahead, fade, window):
    model = placed()
    plan = plan_for(model, rate, hop, lookahead=lookahead, fade=fade, window=window)
    signal = noise(rate // 12 if hop > 1 else 400)
    expected = oracle.live(one(Placed()), plan, signal, rest=OTHER)
    check(Player(model, plan, signal).play("random").end(), expected)


@pytest.mark.slow
@settings(max_examples=20)
@given(st.data())
def test_any_plan_gives_what_the_oracle_gives(data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    model = placed(rate=data.draw(st.sampled_from([8000, 11_025, 44_100])))
    hop, lookahead = draw(1, 300), draw(0, 200)
    plan = plan_for(
        model,
        data.draw(st.sampled_from([8000, 22_050, 44_100, 48_000])),
        hop,
        lookahead=lookahead,
        window=hop + lookahead + draw(0, 500),
        fade=draw(0, lookahead),
    )
    signal = noise(draw(1, 900), channels=draw(1, 2))
    expected = oracle.live(one(Placed()), plan, signal)
    origin = draw(0, 2**62)
    player = Player(model, plan, signal, origin=origin, residual=False)
    check(player.play(draw(1, 300)).end(), expected)


@pytest.mark.parametrize("block", [1, 512, "random"])
@pytest.mark.parametrize("rate", RATES)
def test_a_phase_of_whole_steps_changes_no_sample_of_spectral(rate, block):
    model = spectral(rate)
    grid = model.traits.grid
    signal = noise(rate // 5)
    plan = plan_for(model, rate, 5 * grid)
    expected = everything(Player(model, plan, signal).play(512).end())
    for phase in range(grid, 5 * grid, grid):
        player = Player(model, plan, signal, origin=1000, phase=phase).play(block).end()
        np.testing.assert_array_equal(everything(player), expected)


def test_an_epoch_that_ends_where_it_starts_is_done_without_a_run():
    model = spectral(48_000)
    grid = model.traits.grid
    for phase in (0, 2 * grid):
        player = Player(model, plan_for(model, 48_000, 3 * grid), noise(9000), phase=phase)
        player.stream.drain(0)
        assert player.stream.done
        assert not player.stream.ready()


@settings(max_examples=40)
@given(st.data())
def test_a_phase_is_as_much_silence_in_front(data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    model = placed(rate=data.draw(st.sampled_from([8000, 44_100])))
    rate = data.draw(st.sampled_from([8000, 22_050, 48_000]))
    hop, lookahead = draw(1, 300), draw(0, 200)
    shape = {"lookahead": lookahead, "window": hop + lookahead + draw(0, 500)}
    plan = plan_for(model, rate, hop, fade=draw(0, lookahead), **shape)
    phase, start = draw(0, hop * rate // model.rate), draw(0, 900) * draw(0, 1)
    signal = noise(start + draw(1, 900))
    front = np.pad(signal, ((0, 0), (phase, 0)))
    expected = everything(Player(model, plan, front).play(512).end())[..., phase:]
    player = Player(model, plan, signal, origin=7, start=start, phase=phase)
    player.play(draw(1, 300)).end()
    assert player.worst(expected) <= CLOSE
    known = Trust(plan, start + phase if start else 0).frames(front.shape[1])
    assert player.given() == {frame - phase for frame in known if frame >= start + phase}


@pytest.mark.parametrize("rate", RATES)
def test_an_impulse_comes_back_at_its_own_frame(rate):
    model = fake()
    plan = plan_for(model, rate, 997)
    signal = np.zeros((2, rate // 5), np.float32)
    places = [0, 1001, rate // 10, rate // 5 - 600]
    signal[:, places] = 1
    stems = everything(Player(model, plan, signal, residual=False).play(512).end())
    for stem, gain in zip(stems, (0.5, 0.25, 0.0625, 0.125), strict=True):
        for at in places:
            near = slice(max(0, at - 200), at + 200)
            assert stem[0, near].argmax() + near.start == at
            # What the model's rate cannot hold is gone: all above 20 kHz of a host above it.
            assert stem[0, at] == pytest.approx(gain * min(1, 44_100 / rate), rel=0.06)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("delay", [0, 300])
def test_a_separator_that_looks_ahead_is_given_what_it_needs_and_no_less(rate, delay):
    model = fake(delay)
    signal = noise(8000)
    plan = plan_for(model, rate, 900, lookahead=delay)
    separator = FakeSeparator(44_100, 8000, delay=delay)
    expected = oracle.live(one(separator), plan, signal, rest=OTHER)
    check(Player(model, plan, signal).play(512).end(), expected)
    gains = np.array([0.5, 0.25, 0.125])[:, None, None]
    if rate == 44_100:
        np.testing.assert_allclose(expected[[0, 1, 3]], gains * signal, atol=1e-7)


@pytest.mark.parametrize("kind", ["placed", "spectral"])
def test_one_channel_is_heard_on_both_sides_and_averaged(kind):
    rate = 48_000
    whole = kind == "spectral"
    model = spectral(rate) if whole else placed()
    separator = SpectralSeparator(rate) if whole else Placed()
    plan = plan_for(model, rate, 3 * model.traits.grid if whole else 1000)
    signal = noise(12_000, channels=1)
    expected = oracle.live(one(separator), plan, signal, rest=OTHER, whole=whole)
    player = Player(model, plan, signal).play(441).end()
    check(player, expected)
    assert everything(player).shape == (4, 1, 12_000)


@pytest.mark.parametrize("model", [fake(), placed(), spectral(48_000)])
def test_silence_stays_silence(model):
    plan = plan_for(model, 48_000, 4 * model.traits.grid + 4 * (model.traits.grid == 1))
    signal = np.zeros((2, 5000), np.float32)
    player = Player(model, plan, signal).play(512).end()
    assert player.given() == set(range(5000))
    assert not everything(player).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -2e6])
@pytest.mark.parametrize("model", [fake(), spectral(48_000)])
def test_what_is_no_audio_counts_as_silence(model, value):
    plan = plan_for(model, 48_000, 2 * model.traits.grid if model.traits.fixed else 500)
    clean = noise(9000)
    clean[0, 1000], clean[1, 4000:4100] = 0, 0
    spoilt = clean.copy()
    spoilt[0, 1000], spoilt[1, 4000:4100] = value, value
    played = [everything(Player(model, plan, s).play(512).end()) for s in (clean, spoilt)]
    np.testing.assert_array_equal(played[0], played[1])
    assert spoilt[0, 1000] != 0  # the caller's own array stays as it is


def test_the_loudest_audio_there_is_passes_without_overflow():
    model = spectral(44_100)
    plan = plan_for(model, 44_100, model.traits.grid)
    signal = np.sign(noise(20_000)) * LOUDEST
    stems = everything(Player(model, plan, signal.astype(np.float32)).play(512).end())
    assert np.isfinite(stems).all()
    assert np.abs(stems.sum(axis=0) - signal).max() <= 1e-6 * LOUDEST


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(
    "sources",
    [
        ("vocals", "instruments"),
        ("other", "vocals"),
        ("drums", "bass", "vocals", "guitar", "piano", "other"),
        ("all",),
    ],
)
def test_what_stems_leave_goes_to_other_where_there_is_one_and_it_is_wished(sources, residual):
    model = placed(sources=sources)
    plan = plan_for(model, 48_000, 800, window=3000, lookahead=400)
    signal = noise(9000)
    rest = sources.index("other") if residual and "other" in sources else None
    expected = oracle.live(one(Placed(sources=sources)), plan, signal, rest=rest)
    player = Player(model, plan, signal, residual=residual).play(700).end()
    check(player, expected)
    left = np.abs(everything(player).sum(axis=0) - signal).max()
    assert left <= 1e-6 if rest is not None else left > 0.1


def test_an_ensemble_is_the_average_by_the_weights_of_each_source():
    separators: list[Any] = [Placed(), Placed(scale=-0.5), FakeSeparator(44_100, 9000)]
    weights = np.array([[1, 0, 3, 0.5], [1, 2, 0, 0.5], [2, 0, 0, 1]])
    members = zip(separators, weights, strict=True)
    model = live_model(Ensemble("bag", tuple(Member(s, tuple(w)) for s, w in members)))

    def separate(window):
        stems = np.stack([one(separator)(window) for separator in separators])
        shares = (weights / weights.sum(axis=0))[:, :, None, None]
        return (stems * shares).sum(axis=0)

    plan = plan_for(model, 48_000, 800, window=3000, lookahead=400)
    signal = noise(9000)
    expected = oracle.live(separate, plan, signal, rest=OTHER)
    check(Player(model, plan, signal).play(512).end(), expected)


def test_memory_does_not_grow_with_the_stream():
    model = fake()
    plan = plan_for(model, 48_000, 1000, window=4000)
    player = Player(model, plan, noise(200_000))
    sizes = []
    while player.place < 200_000:
        player.push(512)
        player.work()
        lines = (player.stream._input, player.stream._resampled)
        held = [line._memory for line in lines] + [player.stream._incoming._memory]
        sizes.append(sum(memory.nbytes for memory in held))
    # A hop and the look-ahead at 48 kHz, both filters, and a block: twice, in three places.
    assert max(sizes) <= 2 * 3 * 2 * 4 * (1088 + 388 + 2 * 49 + 512)
