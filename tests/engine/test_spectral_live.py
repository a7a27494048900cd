"""The stream as a live session runs it: one hop at a time."""

import numpy as np
import pytest

from bridge.engine.spectral import SpectralSeparator, SpectralStream
from bridge.engine.stft import hop_for


def noise(frames, channels):
    """Noise that is louder every other while, so that there are attacks and repetition."""
    rng = np.random.default_rng(6)
    loud = 0.01 + 0.3 * (np.arange(frames) // 7001 % 2)
    return (rng.standard_normal((channels, frames)) * loud).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192_000])
def test_hop_by_hop_gives_the_same_as_all_at_once(rate, channels):
    hop = hop_for(rate)
    signal = noise(250 * hop, channels)
    stream = SpectralStream(rate, channels)
    hops = [stream.process(each) for each in np.split(signal, 250, axis=1)]
    at_once = SpectralStream(rate, channels).process(signal)
    np.testing.assert_allclose(np.concatenate(hops, axis=-1), at_once, rtol=0, atol=1e-6)


def test_a_live_stream_recovers_from_what_is_no_number():
    separator = SpectralSeparator(44100)
    clean = np.split(noise(250 * separator.hop, 2), 250, axis=1)
    spoilt = [hop.copy() for hop in clean]
    spoilt[5][0, 7] = np.nan
    one, two = separator.stream(), separator.stream()
    pairs = zip(clean, spoilt, strict=True)
    differs = [not np.array_equal(one.process(a), two.process(b)) for a, b in pairs]
    reach = (separator.context + separator.lookahead) // separator.hop
    assert any(differs)
    assert not any(differs[5 + reach + 1 :])
