"""Live plans against following every run and every frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.conversion import Conversion
from bridge.core.live_plan import LivePlan
from bridge.core.timeline import Span


@st.composite
def plans(draw):
    host, model = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    hop, lookahead = draw(st.integers(1, 12)), draw(st.integers(0, 12))
    return LivePlan(
        Conversion(host, model, draw(st.integers(0, 5))),
        Conversion(model, host, draw(st.integers(0, 5))),
        hop,
        lookahead,
        hop + lookahead + draw(st.integers(0, 30)),
        draw(st.integers(0, lookahead)),
    )


@given(plans())
def test_runs_emit_every_model_frame_once_and_in_order(plan):
    emitted = [frame for run in range(8) for frame in range(*_ends(plan.emit(run)))]
    assert emitted == list(range(8 * plan.hop))


@given(plans(), st.integers(0, 20))
def test_a_window_has_its_length_and_ends_with_the_look_ahead(plan, run):
    read, emit, reach = plan.read(run), plan.emit(run), plan.reach(run)
    assert read.length == plan.window
    assert read.stop == emit.stop + plan.lookahead
    assert read.covers(reach)  # or a run would fade into what it never read
    assert read.covers(emit)


@given(plans())
def test_every_frame_belongs_to_one_run_and_to_those_before_that_fade_over_it(plan):
    for frame in range(4 * plan.hop):
        runs = [run for run in range(-13, 5) if frame in plan.reach(run)]
        own = frame // plan.hop
        before = -(-(plan.fade - frame % plan.hop) // plan.hop)
        assert runs == list(range(own - max(0, before), own + 1))


@given(plans(), st.integers(0, 20))
def test_a_run_needs_the_host_frames_of_its_whole_window_and_no_more(plan, run):
    needed = plan.host_needed(run)
    assert plan.incoming.ready(needed) >= plan.read(run).stop > plan.incoming.ready(needed - 1)


@given(plans(), st.integers(0, 20))
def test_stems_are_final_once_no_later_run_has_a_share(plan, run):
    final = plan.host_final(run)
    assert plan.outgoing.needed(final) <= plan.emit(run).stop < plan.outgoing.needed(final + 1)
    fade_of_next = plan.reach(run).stop > plan.emit(run).stop
    assert fade_of_next == (plan.fade > 0)  # which is not final yet, and not counted


@given(plans())
def test_host_frames_of_the_stems_follow_each_other_without_gaps(plan):
    assert plan.host_final(-1) == 0
    given_out = [frame for run in range(20) for frame in range(*_ends(plan.host_emit(run)))]
    assert given_out == list(range(plan.host_final(19)))


def test_a_plan_of_htdemucs():
    there, back = Conversion(48_000, 44_100, 97), Conversion(44_100, 48_000, 89)
    plan = LivePlan(there, back, 88_200, 4096, 343_980, 2048)
    assert plan.read(0) == Span(88_200 + 4096 - 343_980, 343_980)
    assert plan.reach(2) == Span(2 * 88_200, 88_200 + 2048)
    assert plan.host_needed(0) == (88_200 + 4096 - 1) * 160 // 147 + 97 + 1
    assert plan.host_emit(0) == Span(0, 96_000 - 96)  # 89 model frames are 96.9 of the host


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0, 0, 9, 0), "hop of 0"),
        ((4, -1, 9, 0), "window of 9 frames does not hold .* look-ahead of -1"),
        ((4, 3, 6, 0), "window of 6 frames does not hold a hop of 4"),
        ((4, 3, 9, 4), "fade of 4 frames does not fit"),
        ((4, 3, 9, -1), "fade of -1"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        LivePlan(Conversion(3, 2, 1), Conversion(2, 3, 1), *values)


@pytest.mark.parametrize("back", [Conversion(3, 2, 1), Conversion(2, 2, 1), Conversion(3, 3, 1)])
def test_conversions_lead_there_and_back(back):
    with pytest.raises(ValueError, match="does not lead back"):
        LivePlan(Conversion(3, 2, 1), back, 4, 3, 9)


def _ends(span):
    return span.start, span.stop
