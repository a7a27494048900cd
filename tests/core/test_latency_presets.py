"""Latencies by name: every model can have each of them, and they are in the order they promise."""

import pytest

from bridge.core.choose import Conditions, Wish, choose
from bridge.core.conversion import Conversion
from bridge.core.cost import Cost
from bridge.core.latency_presets import LATENCIES, LATENCY_PRESETS
from bridge.core.traits import Traits

HTDEMUCS = Traits(1, 4096, 0, 343_980, 42_997, fixed=False)
TINY = Traits(1, 4096, 0, 171_990, 21_498, fixed=False)
CONDITIONS = Conditions(512, 1024, 67, 1000, 4000, 1000)


def planned(traits, rate, run_us, name=None):
    """Plan and latency; a run takes as long as its window is."""
    preset = LATENCY_PRESETS[name] if name else None
    context = preset.context(traits.window) if preset else 0
    lookahead = preset.lookahead_at(rate) if preset else -1
    cost_us = run_us * (context or traits.window) // traits.window
    cost, same = Cost(cost_us, cost_us), Conversion(rate, rate)
    plan, _, frames = choose(same, same, traits, cost, CONDITIONS, Wish(0, context, lookahead))
    return plan, frames


@pytest.mark.parametrize("traits", [HTDEMUCS, TINY])
@pytest.mark.parametrize("run_us", [30_000, 300_000, 1_000_000])
def test_names_stand_for_more_latency_one_after_the_other(traits, run_us):
    latencies = [planned(traits, 44_100, run_us, name)[1] for name in LATENCY_PRESETS]
    assert list(LATENCY_PRESETS) == ["low", "balanced", "quality"]
    assert latencies == sorted(set(latencies))


@pytest.mark.parametrize("traits", [HTDEMUCS, TINY])
def test_balanced_is_what_auto_takes(traits):
    assert planned(traits, 44_100, 500_000, "balanced") == planned(traits, 44_100, 500_000)


@pytest.mark.parametrize("name", LATENCY_PRESETS)
def test_look_aheads_last_as_long_at_every_rate(name):
    preset = LATENCY_PRESETS[name]
    ahead = preset.lookahead_at(44_100)
    assert ahead == preset.lookahead
    assert preset.lookahead_at(88_200) == (2 * ahead if ahead >= 0 else -1)


def test_no_name_can_be_taken_for_a_number():
    assert ("auto", *LATENCY_PRESETS) == LATENCIES
    for name in LATENCIES:
        with pytest.raises(ValueError, match=name):
            float(name)
