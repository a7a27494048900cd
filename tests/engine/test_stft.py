import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.stft import MAX_RATE, MIN_RATE, Analysis, Synthesis, hop_for, low_delay_windows


@given(st.integers(MIN_RATE, MAX_RATE))
def test_hops_are_even_and_have_no_prime_factor_above_five(rate):
    hop = hop_for(rate)
    assert hop % 2 == 0
    assert pow(30, 64, hop) == 0  # true exactly when 2, 3 and 5 are the only primes in it


def test_hop_at_cd_rate_is_512():
    assert hop_for(44100) == 512


@pytest.mark.parametrize("hop", [90, 512])
def test_window_product_overlap_adds_to_one(hop):
    analysis, synthesis = low_delay_windows(hop)
    product = analysis[-2 * hop :] * synthesis
    np.testing.assert_allclose(product[:hop] + product[hop:], 1, atol=1e-6)
    assert analysis.shape == (4 * hop,)


def test_synthesis_undoes_analysis_one_hop_later():
    signal = np.random.default_rng(5).standard_normal((2, 20 * 90)).astype(np.float32)
    back = Synthesis(90, 2).push(Analysis(90, 2).push(signal))
    np.testing.assert_allclose(back[:, 90:], signal[:, :-90], atol=1e-6)
