"""Epochs that begin late, lose runs or end at odd places give what the undisturbed one gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import oracle
from tests.engine.playing import Placed, Player, everything, fake, noise, placed, plan_for, spectral
from tests.engine.trust import Trust

CLOSE = 1e-6
ORIGIN = 987_654_321
RATE = 48_000


def separate(window):
    return Placed().separate(window[None])[0]


def expected_of(plan, signal):
    return oracle.live(separate, plan, signal, rest=2)


def hops(rate, **values):
    """A plan of short windows, so that a stream that begins late soon gives something."""
    shape = {"lookahead": 300, "window": 2000, "fade": 200, **values}
    model = placed()
    return model, plan_for(model, rate, shape.pop("hop", 700), **shape)


@pytest.mark.parametrize("start", [1, 999, 3001])
@pytest.mark.parametrize(("hop", "fade"), [(700, 0), (700, 200), (300, 300), (110, 300)])
@pytest.mark.parametrize("rate", [44_100, 192_000])
def test_a_late_start_gives_the_undisturbed_stems_as_early_as_can_be(rate, hop, fade, start):
    model, plan = hops(rate, fade=fade, hop=hop)
    signal = noise(start + rate // 12)
    undisturbed = Player(model, plan, signal).play("random").end()
    player = Player(model, plan, signal, origin=ORIGIN, start=start)
    assert player.stream.received == ORIGIN + start
    player.play("random").end()
    assert player.given() == Trust(plan, start).frames(signal.shape[1])
    assert player.worst(expected_of(plan, signal)) <= CLOSE
    assert player.worst(everything(undisturbed)) <= 1e-7


@pytest.mark.slow
@settings(max_examples=20)
@given(st.data())
def test_any_late_start_with_any_runs_skipped_gives_all_that_can_be_trusted(data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    model = placed(rate=data.draw(st.sampled_from([8000, 11_025, 44_100])))
    hop, lookahead = draw(1, 150), draw(0, 100)
    plan = plan_for(
        model,
        data.draw(st.sampled_from([8000, 44_100, 48_000])),
        hop,
        lookahead=lookahead,
        window=hop + lookahead + draw(0, 200),
        fade=draw(0, lookahead),
    )
    signal = noise(draw(1, 1500))
    start = draw(0, signal.shape[1] - 1) * draw(0, 1)
    player = Player(model, plan, signal, start=start)
    skipped = []
    stop = draw(start, signal.shape[1])
    player.place = start
    while player.place < stop or player.stream.stop is None:
        if player.place < stop:
            player.push(min(draw(1, 400), stop - player.place))
        else:
            player.stream.drain(stop)
        while player.stream.ready():
            if draw(0, 3):
                player.step()
            else:
                skipped.append(player.run)
                player.skip()
    assert player.stream.done
    assert player.given() == Trust(plan, start, skipped).frames(stop) - set(range(start))
    signal[:, stop:] = 0
    assert player.worst(expected_of(plan, signal)) <= CLOSE


@pytest.mark.parametrize(("hop", "fade"), [(700, 200), (130, 300)])
@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("skipped", [{2}, {0}, {3, 4, 5}, {1, 3}, set(range(6))])
def test_after_skipped_runs_it_is_as_if_nothing_had_happened(rate, skipped, hop, fade):
    model, plan = hops(rate, hop=hop, fade=fade)
    signal = noise(9000)
    player = Player(model, plan, signal)
    for at in range(0, 9000, 500):
        player.push(500)
        while player.stream.ready():
            if player.run in skipped:
                player.skip()
            else:
                player.step()
        assert player.place == at + 500
    player.end()
    assert player.given() == Trust(plan, 0, skipped).frames(9000)
    assert player.worst(expected_of(plan, signal)) <= CLOSE


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "hop"), [(44_100, 2), (48_000, 5)])
def test_spectral_begun_late_or_after_skips_equals_the_undisturbed_stream(rate, hop):
    model = spectral(rate)
    plan = plan_for(model, rate, hop * model.traits.grid)
    signal = noise(5 * rate)
    whole = Player(model, plan, signal).play(8192).end()
    undisturbed = everything(whole)
    late = Player(model, plan, signal, start=1000).play(8192).end()
    skipping = Player(model, plan, signal)
    while skipping.place < signal.shape[1]:
        skipping.push(8192)
        while skipping.stream.ready():
            # A few, and then more than the context holds.
            if 30 < skipping.run < 35 or 40 < skipping.run < 40 + 270 // hop:
                skipping.skip()
            else:
                skipping.step()
    skipping.end()
    for player in (late, skipping):
        assert player.worst(undisturbed) <= CLOSE
    assert late.given() == Trust(plan, 1000).frames(signal.shape[1])
    # What is looked ahead at again after the end comes from silence, not from a lost state.
    assert max(late.given()) == max(skipping.given()) == signal.shape[1] - 1


def test_spectral_keeps_no_more_than_a_window_of_what_was_skipped():
    model = spectral(48_000)
    plan = plan_for(model, 48_000, model.traits.grid)
    player = Player(model, plan, noise(6 * 48_000))
    while player.place < 6 * 48_000:
        player.push(4096)
        while player.stream.ready():
            player.skip()
    context: Any = player.stream._context
    fresh, waiting = context._fresh, player.stream._input
    assert fresh.stop - fresh.start == plan.window
    assert fresh._memory.shape[1] <= 2 * (plan.window + plan.hop)
    assert waiting.stop - waiting.start <= plan.hop + plan.lookahead


ODD_ENDS = [0, 1, 47, 762, 763, 764, 765, 1523, 1524, 2000, 4321]


@pytest.mark.parametrize("stop", ODD_ENDS)
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_an_end_anywhere_gives_every_frame_before_it_and_none_behind(rate, stop):
    model, plan = hops(rate)
    signal = noise(5000)
    player = Player(model, plan, signal).play(441, stop).end()
    assert player.given() == set(range(stop))
    assert player.worst(expected_of(plan, signal[:, :stop])) <= CLOSE if stop else True
    assert (player.stream.stop, player.stream.done, player.stream.ready()) == (stop, True, False)
    player.stream.push(stop, signal)  # comes too late
    player.stream.drain(stop + 100)
    assert (player.stream.received, player.stream.stop) == (stop, stop)


@pytest.mark.parametrize("stop", [0, 700, 2000, 2999])
def test_an_end_before_what_came_still_looks_ahead_at_it(stop):
    model, plan = hops(RATE)
    signal = noise(3000)
    expected = expected_of(plan, signal)
    eager = Player(model, plan, signal).play(100).end(stop)
    lazy = Player(model, plan, signal)
    lazy.push(3000)
    lazy.end(stop)
    assert lazy.given() == set(range(stop))
    assert eager.given() >= set(range(stop))  # some was given before the end was known
    assert max(eager.worst(expected), lazy.worst(expected)) <= CLOSE


def test_an_end_behind_what_came_is_where_the_input_ended():
    model, plan = hops(RATE)
    player = Player(model, plan, noise(3000)).play(512).end(9999)
    assert player.stream.stop == 3000
    assert player.given() == set(range(3000))


@pytest.mark.parametrize("start", [500, 4000])
def test_a_late_start_may_end_before_anything_was_known(start):
    model, plan = hops(RATE)
    signal = noise(6000)
    for length in (0, 1, 1000):
        player = Player(model, plan, signal, start=start).play(100, start + length).end()
        assert player.given() == set()


@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_epochs_follow_each_other_at_any_frame_and_with_any_plan(rate):
    signal = noise(9001)
    _, first = hops(rate)
    _, second = hops(rate, hop=333, lookahead=450, fade=225, window=1500)
    model, place = placed(), 0
    for plan, stop in ((first, 3333), (second, 3334), (first, 3334), (second, 9001)):
        part = signal[:, place:stop]
        player = Player(model, plan, part, origin=ORIGIN + place).play(512).end()
        assert player.given() == set(range(stop - place))
        assert stop == place or player.worst(expected_of(plan, part)) <= CLOSE
        assert all(at >= 0 for at, _ in player.pieces)
        place = stop


def test_blocks_that_overlap_count_once_and_those_that_leave_a_gap_not_at_all():
    model, plan = hops(RATE)
    signal = noise(6000)
    player = Player(model, plan, signal, origin=50)
    stream = player.stream
    for start, stop in [(0, 500), (0, 500), (100, 800), (900, 1000), (300, 400), (700, 701)]:
        stream.push(50 + start, signal[:, start:stop])
    assert stream.received == 50 + 800
    stream.push(0, noise(50))  # from before the epoch
    for at in range(800, 6000, 400):
        stream.push(50 + at - 7, signal[:, at - 7 : at + 400])
        player.work()
    player.place = 6000
    player.end()
    assert player.given() == set(range(6000))
    assert player.worst(expected_of(plan, signal)) <= CLOSE


def test_input_is_only_accepted_as_far_as_runs_will_soon_read_it():
    model, plan = hops(RATE)
    signal = noise(20_000)
    player = Player(model, plan, signal, origin=ORIGIN)
    player.push(20_000)
    for run in range(5):
        assert player.stream.accepted == ORIGIN + plan.host_needed(run + 2)
        player.step()
    sparing = Player(model, plan, signal, origin=ORIGIN)
    while sparing.place < 20_000:  # whoever sends a frame beyond that is never stuck
        sparing.push(sparing.stream.accepted + 1 - ORIGIN - sparing.place)
        sparing.work()
    assert sparing.stream.accepted == sparing.stream.received


def test_frames_far_into_a_stream_keep_their_places():
    model = fake()
    plan = plan_for(model, RATE, 1000)
    signal = noise(20_000)
    near = Player(model, plan, signal, start=8000).play(512).end()
    far = Player(model, plan, signal, origin=2**62, start=8000).play(512).end()
    assert near.given() == far.given() != set()
    for (_, one), (_, other) in zip(near.pieces, far.pieces, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_start_before_the_origin_is_refused():
    model, plan = hops(RATE)
    with pytest.raises(ValueError, match="start at 99, before its origin 100"):
        Player(model, plan, noise(10), origin=100, start=-1)
