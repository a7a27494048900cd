"""Mixer arithmetic against truth tables and exact fractions."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.mix import Strip, effective_gains, mix_stems, residual

SAMPLES = st.floats(-2, 2, width=32)


def arrays(count):
    return st.lists(st.lists(SAMPLES, min_size=6, max_size=6), min_size=count, max_size=count).map(
        lambda rows: [np.array(row, np.float32).reshape(2, 3) for row in rows]
    )


@pytest.mark.parametrize(
    ("mute", "solo", "other_solo", "heard"),
    [
        (False, False, False, True),
        (False, False, True, False),
        (False, True, False, True),
        (False, True, True, True),
        (True, False, False, False),
        (True, False, True, False),
        (True, True, False, False),
        (True, True, True, False),
    ],
)
def test_mute_and_solo_follow_the_truth_table(mute, solo, other_solo, heard):
    gains = effective_gains({"it": Strip(0.5, mute, solo), "other": Strip(solo=other_solo)})
    assert gains["it"] == (0.5 if heard else 0.0)


@given(st.lists(st.tuples(SAMPLES, st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_a_stem_is_heard_when_unmuted_and_among_the_soloed_if_any_are(settings):
    strips = {str(index): Strip(*values) for index, values in enumerate(settings)}
    soloed = {name for name, strip in strips.items() if strip.solo}
    heard = {n for n in soloed or strips.keys() if not strips[n].mute}
    expected = {name: strip.gain if name in heard else 0 for name, strip in strips.items()}
    assert effective_gains(strips) == expected


def test_an_untouched_strip_changes_nothing():
    assert effective_gains({"drums": Strip()}) == {"drums": 1.0}


@given(arrays(3), st.lists(st.sampled_from([0, 0.25, 0.5, 1, 2]), min_size=3, max_size=3))
def test_the_mix_is_the_weighted_sum_rounded_once(stems, gains):
    named = dict(zip("abc", stems, strict=True))
    mixed = mix_stems(named, dict(zip("abc", gains, strict=True)))
    assert mixed.dtype == np.float32
    for place in product(range(2), range(3)):
        exact = sum(
            Fraction(g) * Fraction(float(s[place])) for g, s in zip(gains, stems, strict=True)
        )
        assert mixed[place] == pytest.approx(float(exact), rel=1e-7, abs=1e-14)


@given(arrays(4))
def test_stems_and_residual_sum_to_the_mix(signals):
    mix, *stems = signals
    before = [signal.copy() for signal in signals]
    rest = residual(mix, dict(zip("abc", stems, strict=True)))
    assert rest.dtype == np.float64
    for place in product(range(2), range(3)):
        exact = Fraction(float(mix[place])) - sum(Fraction(float(s[place])) for s in stems)
        assert rest[place] == pytest.approx(float(exact), rel=1e-12, abs=1e-14)
    for signal, old in zip(signals, before, strict=True):
        np.testing.assert_array_equal(signal, old)


def test_the_residual_of_sixteen_bit_material_is_exact():
    whole = np.random.default_rng(0).integers(-(2**15), 2**15, (5, 2, 100)) / 2.0**15
    mix, *stems = whole.astype(np.float32)
    rest = residual(mix, {str(index): stem for index, stem in enumerate(stems)})
    np.testing.assert_array_equal(rest + sum(stem.astype(float) for stem in stems), mix)


def test_the_residual_of_no_stems_is_the_mix():
    mix = np.array([[0.1, -0.2]], np.float32)
    np.testing.assert_array_equal(residual(mix, {}), mix)
