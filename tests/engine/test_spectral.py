from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.timeline import Span
from bridge.engine.base import Separator
from bridge.engine.spectral import SpectralSeparator, SpectralStream
from bridge.engine.spectral_masks import MaskMaker
from bridge.engine.stft import MAX_RATE, MIN_RATE, Analysis, hop_for
from bridge.errors import UsageError
from tests.tiny.evaluate import held_out_songs, quarter, scores
from tests.tiny.synth import song

RATE = 44100
RATES = (8000, 22050, 44100, 48000, 96000, 192000)
DRUMS, BASS, OTHER, VOCALS = range(4)
MINUS_120_DB = 1e-6


def noise(frames, channels=2, seed=1):
    """Bursts of noise over a hum, so that every kind of evidence has something to judge."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.uniform(0, 0.2, frames // 1000 + 1) ** 2, 1000)[:frames]
    hum = 0.1 * np.sin(np.arange(frames) * 0.02)
    return (rng.standard_normal((channels, frames)) * level + hum).astype(np.float32)


@pytest.fixture(scope="module")
def mix():
    return np.sum(list(song(77, 6.0).values()), axis=0, dtype=np.float32)


@pytest.fixture(scope="module")
def endless(mix):
    return SpectralSeparator(RATE).separate(mix[None])[0]


def test_is_a_separator_that_says_what_it_is():
    separator: Separator = SpectralSeparator(48000)
    assert separator.sources == ("drums", "bass", "other", "vocals")
    assert (separator.name, separator.rate, separator.channels) == ("spectral", 48000, 2)
    assert separator.preview
    assert separator.weights_hash == ""
    assert "GPL-3.0-or-later" in separator.licence
    assert separator.overlap == 0.0


@given(st.integers(MIN_RATE, MAX_RATE))
def test_delay_is_at_most_35_ms_at_every_rate(rate):
    separator = SpectralSeparator(rate)
    assert separator.delay * 1000 <= 35 * rate
    assert separator.delay == separator.hop + separator.lookahead
    assert separator.delay * 1000 > 30 * rate  # a shorter window would only separate worse
    assert separator.segment % separator.hop == 0
    assert separator.context % separator.hop == 0


@pytest.mark.parametrize("rate", [0, MIN_RATE - 1, MAX_RATE + 1])
def test_other_rates_are_refused_with_a_way_out(rate):
    with pytest.raises(UsageError, match="resample"):
        SpectralSeparator(rate)


@pytest.mark.parametrize("rate", RATES)
def test_stems_depend_on_the_future_no_further_than_stated_and_no_less(rate):
    hop, changed_hop = hop_for(rate), 24
    first = noise(30 * hop) + noise(30 * hop, seed=2)
    second = first.copy()
    second[:, changed_hop * hop + hop - 1 :] *= 50  # from the last frame of that hop on
    separator = SpectralSeparator(rate)
    one, two = (separator.separate(each[None])[0] for each in (first, second))
    differs = np.abs(one - two).max(axis=(0, 1))
    known = (changed_hop + 1) * hop - separator.delay
    np.testing.assert_array_equal(differs[:known], 0)
    assert differs[known : known + hop].max() > 0


@pytest.mark.parametrize("rate", RATES)
def test_the_stream_is_shifted_by_its_lookahead(rate):
    stream = SpectralStream(rate)
    signal = noise(40 * stream.hop)
    total = stream.process(signal).sum(axis=0, dtype=np.float64)
    assert np.abs(total[:, : stream.lookahead]).max() <= MINUS_120_DB
    error = total[:, stream.lookahead :] - signal[:, : -stream.lookahead]
    assert np.abs(error).max() <= MINUS_120_DB


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("extra", [0, 1, 333])
def test_stems_sum_to_the_mix_at_any_length(rate, extra):
    signal = noise(30 * hop_for(rate) + extra)
    stems = SpectralSeparator(rate).separate(signal[None])
    assert stems.shape == (1, 4, 2, signal.shape[1])
    assert stems.dtype == np.float32
    assert np.abs(stems[0].sum(axis=0, dtype=np.float64) - signal).max() <= MINUS_120_DB
    assert (np.abs(stems[0]).max(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize("length", [0, 1, 511])
def test_windows_shorter_than_a_hop(length):
    signal = noise(512)[:, :length]
    stems = SpectralSeparator(RATE).separate(signal[None])
    assert stems.shape == (1, 4, 2, length)
    np.testing.assert_allclose(stems[0].sum(axis=0), signal, atol=MINUS_120_DB)


@settings(max_examples=15, deadline=None)
@given(st.integers(-3000, 260_000), st.integers(1, 30_000))
@example(start=200_001, length=30_000)  # far enough in for all of the context to be music
def test_a_window_gives_what_an_endless_stream_gives(mix, endless, start, length):
    separator = SpectralSeparator(RATE)
    emit = Span.between(start, min(start + length, mix.shape[1]))
    read = separator.read_span(emit)
    assert read.covers(emit)
    assert read.start % separator.hop == 0
    inside = read.intersect(Span(0, mix.shape[1]))
    window = np.zeros((2, read.length), np.float32)
    window[:, inside.slice_in(read)] = mix[:, inside.slice_in(Span(0, mix.shape[1]))]
    stems = separator.separate(window[None])[0]
    heard = emit.intersect(inside)
    np.testing.assert_allclose(
        stems[..., heard.slice_in(read)], endless[..., heard.start : heard.stop], atol=1e-6
    )


def test_context_is_no_longer_than_it_has_to_be(mix, endless):
    separator = SpectralSeparator(RATE)
    start = 300 * separator.hop
    late = start - separator.context + separator.hop
    emitted = separator.separate(mix[None, :, late:])[0, ..., start - late :][..., : separator.hop]
    assert np.abs(emitted - endless[..., start : start + separator.hop]).max() > 1e-7


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=12))
def test_blocks_of_any_size_give_the_same(mix, endless, hops):
    stream = SpectralStream(RATE)
    edges = np.cumsum([0, *hops]) * stream.hop
    blocks = [mix[:, a:b] for a, b in pairwise(edges) if b <= mix.shape[1]]
    stems = np.concatenate([stream.process(block) for block in blocks], axis=-1)
    known = stems[..., stream.lookahead :]
    np.testing.assert_allclose(known, endless[..., : known.shape[-1]], atol=1e-6)


def test_windows_of_a_batch_do_not_hear_each_other(mix):
    separator = SpectralSeparator(RATE)
    batch = np.stack([mix[:, :50_000], mix[:, 90_000:140_000]])
    both = separator.separate(batch)
    np.testing.assert_array_equal(both[1], separator.separate(batch[1:])[0])


def test_silence_gives_exact_silence():
    np.testing.assert_array_equal(SpectralSeparator(RATE).separate(np.zeros((1, 2, 9000), "f4")), 0)


def test_silence_after_music_is_exact_once_no_window_reaches_back(mix):
    separator = SpectralSeparator(RATE)
    signal = mix[:, :100_000].copy()
    signal[:, 50_000:] = 0
    stems = separator.separate(signal[None])[0]
    np.testing.assert_array_equal(stems[..., 50_000 + 5 * separator.hop :], 0)


def test_loudness_makes_no_difference(mix, endless):
    faint = SpectralSeparator(RATE).separate(mix[None] * np.float32(1e-3))[0]
    np.testing.assert_allclose(faint * 1000, endless, atol=1e-5)


def test_one_channel_is_separated_like_two_equal_ones():
    signal = noise(40_000, channels=1)
    separator = SpectralSeparator(RATE)
    one = separator.separate(signal[None])[0]
    two = separator.separate(np.repeat(signal, 2, axis=0)[None])[0]
    assert one.shape == (4, 1, 40_000)
    np.testing.assert_allclose(np.repeat(one, 2, axis=1), two, atol=1e-6)


def test_masks_are_shares_of_one(mix):
    spectra = Analysis(512, 2).push(mix[:, : 200 * 512])
    masks = MaskMaker(RATE, 512).push(spectra)
    for mask in masks:
        assert mask.dtype == np.float32
        assert mask.min() >= 0
        assert mask.max() <= 1
    mid = masks.drums[:, 0] + masks.vocals
    mid[:, : masks.bass.shape[1]] += masks.bass
    assert mid.max() <= 1 + 1e-6


def share(stems, stem, start):
    """Part of the power of all stems that `stem` has from frame `start` on."""
    power = np.sum(stems[..., start:].astype(np.float64) ** 2, axis=(1, 2))
    return power[stem] / power.sum()


def tone(hertz, seconds=2.0):
    return (0.3 * np.sin(2 * np.pi * hertz / RATE * np.arange(int(seconds * RATE)))).astype("f4")


def test_clicks_are_drums():
    signal = np.zeros((2, RATE), np.float32)
    signal[:, 5000::11025] = 0.8
    assert share(SpectralSeparator(RATE).separate(signal[None])[0], DRUMS, 0) > 0.7


def test_drums_keep_their_place_in_the_stereo_field():
    signal = np.zeros((2, RATE), np.float32)
    signal[0, 5000::11025] = 0.8
    drums = SpectralSeparator(RATE).separate(signal[None])[0, DRUMS]
    left, right = np.sum(drums.astype(np.float64) ** 2, axis=1)
    assert left > 100 * right


def test_a_kick_is_drums_and_a_held_low_note_is_bass():
    decay = np.exp(-np.arange(RATE // 2) / (0.04 * RATE))
    kick = np.tile(tone(55, 0.5) * decay, 4).astype(np.float32)
    separator = SpectralSeparator(RATE)
    kicks = separator.separate(np.stack([kick, kick])[None])[0]
    assert share(kicks, DRUMS, RATE) > 0.6
    held = separator.separate(np.stack([tone(70), tone(70)])[None])[0]
    assert share(held, BASS, RATE) > 0.9


def test_a_new_tone_in_the_middle_is_a_voice_until_it_has_been_there_for_long():
    sung = SpectralSeparator(RATE).separate(np.stack([tone(600), tone(600)])[None])[0]
    early, late = share(sung[..., : RATE // 3], VOCALS, RATE // 6), share(sung, VOCALS, 80_000)
    assert early > 0.8
    assert late < early / 2


def test_a_tone_at_one_side_is_other():
    stems = SpectralSeparator(RATE).separate(np.stack([tone(600), 0 * tone(600)])[None])[0]
    assert share(stems, OTHER, RATE // 6) > 0.9


@pytest.mark.slow
def test_beats_a_quarter_of_the_mix_on_every_stem_of_held_out_songs():
    separator = SpectralSeparator(RATE)

    def spectral(mixed):
        return dict(zip(separator.sources, separator.separate(mixed[None])[0], strict=True))

    songs = held_out_songs()
    for better, baseline in zip(scores(songs, spectral), scores(songs, quarter), strict=True):
        assert better > baseline
