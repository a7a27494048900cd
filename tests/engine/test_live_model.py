"""What live models say of themselves, and the windows that they keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.choose import Conditions, Wish, choose
from bridge.core.cost import Cost
from bridge.core.line import Line
from bridge.core.polyphase import design
from bridge.engine.live_model import HOPS
from bridge.engine.live_windows import Window
from bridge.engine.spectral import SpectralSeparator
from tests.engine.playing import Placed, Player, alone, everything, fake, noise, plan_for, spectral


@given(st.integers(1, 60), st.lists(st.integers(0, 150), max_size=20))
def test_a_window_holds_the_newest_frames_after_any_pushes(length, counts):
    plan = plan_for(fake(0), 44_100, 1, lookahead=0, window=length)
    window = Window(plan, 2, lambda *shape: np.zeros(shape, np.float32), lambda audio: audio)
    line = Line(2, -length)
    line.append(np.zeros((2, length), np.float32))
    for seed, count in enumerate(counts):
        frames = noise(count, seed=seed)
        window.push(frames)
        line.append(frames)
        np.testing.assert_array_equal(window.view(), line.view(line.stop - length, line.stop))


def test_the_fake_leaves_room_for_a_fade_over_what_it_can_give():
    for delay in (0, 100, 20_000):
        traits = fake(delay).traits
        assert (traits.grid, traits.edge, traits.past, traits.fixed) == (1, delay, 0, False)
        assert traits.window >= traits.lookahead + 1 > delay + 1


def test_the_traits_of_spectral_are_those_of_its_stream():
    separator = SpectralSeparator(48_000)
    traits = spectral(48_000).traits
    assert (traits.grid, traits.past) == (separator.hop, separator.context)
    assert traits.lookahead == traits.edge == separator.lookahead
    assert traits.fixed
    assert traits.longest_hop(traits.window, traits.lookahead) == HOPS * separator.hop


@pytest.mark.parametrize("segment", [8, 100, 5000, 343_980])
def test_networks_of_any_segment_have_a_look_ahead_and_some_past(segment):
    traits = alone(Placed(segment=segment)).traits
    assert (traits.window, traits.past) == (segment, segment // 8)
    assert traits.lookahead == min(4096, segment // 2)


@pytest.mark.parametrize("model", [fake(), alone(Placed()), spectral(48_000)])
@pytest.mark.parametrize("latency_us", [0, 400_000])
def test_a_chosen_plan_can_be_played(model, latency_us):
    there, back = design(48_000, model.rate), design(model.rate, 48_000)
    conditions = Conditions(512, 1024, 72, 1000, 4000, 1000)
    plan, *_ = choose(there, back, model.traits, Cost(5000, 5000), conditions, Wish(latency_us))
    signal = noise(30_000)
    stems = everything(Player(model, plan, signal).play(512).end())
    assert np.abs(stems.sum(axis=0) - signal).max() <= 1e-6


def test_a_model_tells_what_its_separator_tells():
    model = fake()
    separator = model._ensemble.first
    for name in ("name", "sources", "rate", "channels", "licence", "preview"):
        assert getattr(model, name) == getattr(separator, name)
    assert model.batch == 1
