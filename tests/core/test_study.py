"""Plans, seams, weights and scores of a study, against counting frame by frame."""

from dataclasses import replace
from math import inf, isnan, log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.conversion import Conversion
from bridge.core.live_plan import LivePlan
from bridge.core.study import (
    AVERAGE,
    HOPS,
    LOOKAHEADS,
    QUICK_HOPS,
    Case,
    Score,
    cases,
    decibels,
    step,
)
from bridge.core.timeline import Span
from bridge.core.traits import Traits

HTDEMUCS = Traits(1, 4096, 0, 343_980, 42_997, fixed=False)
SAME = Conversion(44_100, 44_100)
traits = st.builds(
    lambda edge, more, past, window: Traits(
        1, edge + more, edge, past + 1 + edge + more + window, past, fixed=False
    ),
    st.integers(0, 2000),
    st.integers(0, 5000),
    st.integers(0, 20_000),
    st.integers(64, 200_000),
)


def live_plan(case):
    return LivePlan(SAME, SAME, case.hop, case.lookahead, case.window, case.fade)


@st.composite
def any_case(draw):
    hop, lookahead = draw(st.integers(1, 60)), draw(st.integers(0, 200))
    return Case(hop + lookahead, hop, lookahead, draw(st.integers(0, lookahead)))


def test_htdemucs_is_studied_by_the_plans_that_were_promised():
    found = cases(HTDEMUCS, 44_100)
    assert {case.window for case in found} == {343_980, 171_990, 85_995}
    assert {case.lookahead for case in found} == set(LOOKAHEADS)
    assert [round(n / 44.1) for n in LOOKAHEADS] == [0, 23, 46, 93, 186, 372, 743]
    assert {case.hop for case in found} == {5374 * n for n in (1, 2, 4, 8, 16)}
    full = {(case.hop, case.lookahead) for case in found if case.window == 343_980}
    assert len(full) == 5 * 7
    assert len(set(found)) == len(found)
    # A quarter of the window does not hold the longest hops.
    assert Case(85_995, 16 * 5374, 0, 0) not in found
    assert Case(85_995, 8 * 5374, 4096, 2048) in found


def test_look_aheads_are_as_long_at_every_rate():
    slow = Traits(1, 2048, 0, 171_990, 21_498, fixed=False)
    found = {case.lookahead for case in cases(slow, 22_050)}
    assert found == {frames // 2 for frames in LOOKAHEADS}


@given(traits, st.sampled_from([HOPS, QUICK_HOPS]))
def test_every_plan_is_one_that_a_session_may_have(model, hops):
    unit, every = step(model, hops), cases(model, 44_100, hops)
    for case in every:
        live_plan(case)  # raises where it cannot work
        assert case.hop % unit == 0
        assert model.edge <= case.lookahead
        live = model.fade(case.hop, case.lookahead)
        if case.join == AVERAGE:
            assert case.fade == live
        else:
            assert case.fade == min(case.hop, (case.lookahead - model.edge) // 2)
            average = replace(case, fade=live)
            assert average == case or (average.join == AVERAGE and average in every)
        past = case.window - case.hop - case.lookahead
        assert past >= model.past * case.window // model.window


def test_hops_that_share_no_runs_are_refused():
    with pytest.raises(ValueError, match="use divisors"):
        step(HTDEMUCS, (3, 2))


@given(any_case(), st.integers(0, 50))
def test_the_lead_brings_the_ends_of_windows_to_multiples_of_the_hop(case, run):
    end = live_plan(case).read(run).stop - case.lead
    assert case.is_due(end)
    assert not case.is_due(end + 1) or case.hop == 1
    first = live_plan(case).read(0).stop - case.lead
    assert not case.is_due(first - case.hop)
    assert 0 <= case.lead < case.hop


@given(any_case(), st.builds(Span, st.integers(0, 300), st.integers(0, 200)), st.integers(0, 20))
def test_frames_near_a_seam_are_those_within_reach_of_the_first_frame_of_a_hop(case, span, reach):
    seams = [live_plan(case).emit(run).start - case.lead for run in range(-50, 600)]
    expected = [
        any(seam - reach <= frame < seam + reach for seam in seams)
        for frame in range(span.start, span.stop)
    ]
    assert case.is_near(span, reach).tolist() == expected


@given(st.integers(1, 4), st.integers(2, 60), st.integers(0, 2**32 - 1), st.data())
def test_a_score_is_the_sum_over_all_frames_however_they_come(stems, frames, seed, data):
    random = np.random.default_rng(seed)
    reference, found = random.normal(0, 1, (2, stems, 2, frames)).astype(np.float32)
    near = random.integers(0, 2, frames).astype(bool)
    score, cut = Score(stems), data.draw(st.integers(0, frames))
    for part in (slice(0, cut), slice(cut, frames)):
        score.add(reference[..., part], found[..., part], near[part])
    assert score.frames.tolist() == [near.sum(), frames - near.sum()]
    error = (found.astype(float) - reference) ** 2
    for stem, snr in enumerate(score.snr()):
        expected = 10 * log10((reference[stem].astype(float) ** 2).sum() / error[stem].sum())
        assert snr == pytest.approx(expected)
    if near.any() and not near.all():
        means = [error.sum(axis=(0, 1))[mask].mean() for mask in (near, ~near)]
        assert score.seam_excess() == pytest.approx(10 * log10(means[0] / means[1]))
    else:
        assert isnan(score.seam_excess())


def test_a_ratio_of_nothing_is_told_apart():
    assert decibels(1, 0.1) == pytest.approx(10)
    assert decibels(1, 0) == inf
    assert decibels(0, 1) == -inf
    assert isnan(decibels(0, 0))
