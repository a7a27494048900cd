"""What stems depend on, against every tap of every filter and every window, one by one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.conversion import Conversion
from bridge.core.live_plan import LivePlan
from bridge.core.replay import memory, run_for


@st.composite
def plans(draw):
    host, model = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (4, 3), (3, 4), (160, 147)]))
    there, back = (0, 0) if host == model else (draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    hop = draw(st.integers(1, 40))
    lookahead = draw(st.integers(0, 30))
    fade = draw(st.integers(0, lookahead))
    window = hop + lookahead + draw(st.integers(0, 100))
    incoming, outgoing = Conversion(host, model, there), Conversion(model, host, back)
    return LivePlan(incoming, outgoing, hop, lookahead, window, fade)


def first_tap(conversion, frame):
    """First source frame that `conversion` makes its frame `frame` from."""
    position = Fraction(frame * conversion.source, conversion.target)
    if conversion.half == 0:
        return int(position)
    return min(
        n for n in range(int(position) - 12, int(position) + 3) if n >= position - conversion.half
    )


def oldest(plan, frame):
    """The oldest host frame that host frame `frame` of the stems is made from."""
    first = first_tap(plan.outgoing, frame)
    found = []
    for model_frame in range(first, first + 2 * plan.outgoing.half + 1):
        run = model_frame // plan.hop
        parts = [one for one in range(run - 31, run + 1) if model_frame in plan.reach(one)]
        found += [first_tap(plan.incoming, plan.read(one).start) for one in parts]
    return min(found)


@pytest.mark.slow
@given(plans(), st.integers(500, 700))
def test_memory_reaches_as_far_back_as_anything_does(plan, start):
    period = plan.hop * plan.incoming.source
    frames = range(start, start + min(period, 400) + 1)
    needed = max(frame - oldest(plan, frame) for frame in frames)
    assert needed <= memory(plan)
    if len(frames) > period:  # every position of the grid was seen
        assert memory(plan) <= needed + 2


@given(plans(), st.integers(0, 1000))
def test_the_run_for_a_frame_is_the_one_that_makes_it_final(plan, frame):
    assert frame in plan.host_emit(run_for(plan, frame))
