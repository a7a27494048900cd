"""The filter of the live resampler: what it lets through, and how long it takes."""

from itertools import product

import numpy as np
import pytest

from bridge.core.polyphase import coefficients, design
from tests.core.windowed_sinc import bands

HOSTS = (8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
PAIRS = [
    pair
    for host, model in product((*HOSTS, 384_000), (44_100, 11_025, 48_000))
    for pair in ((host, model), (model, host))
    if host != model
]


def prototype(conversion):
    """The one filter that all phases are taken from, by distance from its middle."""
    table = coefficients(conversion).astype(np.float64)
    return np.flip(table, axis=1).T.ravel()  # the middle is entry half * phases


@pytest.mark.parametrize("pair", PAIRS)
def test_it_is_flat_to_20_khz_and_leaves_nothing_of_what_would_be_mirrored(pair):
    source, target = pair
    conversion = design(source, target)
    taps = prototype(conversion)
    response = np.abs(np.fft.rfft(taps, 8 << int(taps.size).bit_length())) / conversion.phases
    hertz = np.linspace(0, source * conversion.phases / 2, response.size)
    flat, nothing = bands(source, target)
    assert np.abs(20 * np.log10(response[hertz <= flat])).max() < 0.001
    assert 20 * np.log10(response[hertz >= nothing].max()) < -120


@pytest.mark.parametrize("pair", PAIRS)
def test_its_phase_is_linear_and_turns_around_the_frame_itself(pair):
    conversion = design(*pair)
    taps = prototype(conversion)
    middle = conversion.half * conversion.phases
    assert taps.argmax() == middle
    np.testing.assert_allclose(taps[middle:0:-1], taps[middle:], atol=1e-7)
    assert taps[0] == 0  # it has no counterpart


@pytest.mark.parametrize("pair", PAIRS)
def test_it_has_the_fewest_taps_and_waits_2_ms_at_most(pair):
    conversion = design(*pair)
    table = coefficients(conversion)
    assert table.shape == (conversion.phases, 2 * conversion.half)
    if conversion.phases > 100:  # with few of them the outermost may lie just beyond the window
        assert table[:, 0].any()
        assert table[:, -1].any()
    if min(pair) >= 44_100:
        assert (conversion.half + 1) * 1000 <= 2 * conversion.source


@pytest.mark.parametrize("pair", [(44_101, 44_100), (44_100, 48_001), (100_003, 48_000)])
def test_rates_that_share_nothing_are_refused_in_words(pair):
    with pytest.raises(ValueError, match=r"^\d+ Hz cannot .* usual rate such as 44100.*$") as error:
        design(*pair)
    assert f"{pair[0]} Hz cannot be converted to {pair[1]} Hz" in str(error.value)


def test_a_table_is_shared_and_cannot_be_changed():
    table = coefficients(design(48_000, 44_100))
    assert table is coefficients(design(48_000, 44_100))
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1
