"""The masks of spectral against the same formulas over whole arrays, in double precision."""

import numpy as np
import pytest

from bridge.engine import spectral_masks as masks
from bridge.engine.repetition import (
    BAND_HERTZ,
    BANDS,
    COMPRESSION,
    FARTHEST,
    NEAREST,
    REPETITION_GAIN,
    SIMILARITY_GAIN,
)
from bridge.engine.spectral_masks import MaskMaker
from bridge.engine.stft import Analysis

RATE, HOP, FRAMES = 44_100, 500, 260
TINY = 1e-20


@pytest.fixture(scope="module")
def spectra():
    """Spectra (FRAMES, 2, F) of notes, hits and noise: mid and side."""
    rng, time = np.random.default_rng(6), np.arange(FRAMES * HOP) / RATE
    notes = np.sin(2 * np.pi * np.where(time % 0.5 < 0.25, 220, 330) * time)
    hits = rng.normal(0, 1, time.size) * np.exp(-(time % 0.31) * 30)
    bass = np.sin(2 * np.pi * 55 * time) * np.exp(-(time % 0.31) * 12)
    mix = np.stack([0.3 * notes + 0.4 * hits + 0.3 * bass, 0.05 * rng.normal(0, 1, time.size)])
    return Analysis(HOP, 2).push(mix.astype(np.float32))


def trailing(rows, length):
    """Every `length` rows that end with one of `rows`, zeros before the first."""
    before = np.zeros((length - 1, *rows.shape[1:]))
    return np.lib.stride_tricks.sliding_window_view(np.concatenate([before, rows]), length, axis=0)


def below(hertz, corner, order):
    return 1 / (1 + (hertz / corner) ** order)


def repetition(power, hertz):
    """What is left of a voice, (n, F): one but in the bands where all was heard before."""
    edges = np.unique(np.searchsorted(hertz, np.geomspace(*BAND_HERTZ, BANDS + 1)))
    bands = [slice(*pair) for pair in np.lib.stride_tricks.sliding_window_view(edges, 2)]
    levels = np.stack([power[:, band].sum(axis=1) for band in bands], axis=1) ** COMPRESSION
    shapes = levels - levels.mean(axis=1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True) + TINY
    left = np.ones_like(power)
    for frame in range(len(power)):
        # Silence before the first frame counts as well.
        lags = np.arange(NEAREST, FARTHEST)
        heard = lags[lags <= frame]
        weights = np.exp(SIMILARITY_GAIN * (shapes[frame - heard] @ shapes[frame]))
        total = weights.sum() + lags.size - heard.size
        expected = weights @ levels[frame - heard] / total
        share = np.minimum(expected / (levels[frame] + TINY), 1) ** (1 / COMPRESSION)
        for band, fresh in zip(bands, (1 - REPETITION_GAIN * share) ** 1.5, strict=True):
            left[frame, band] = fresh
    return left


def kick_share(both, percussive, hertz):
    low = slice(masks.KICK_BINS)
    # The future is looked at here: the band may still sustain in the next frame.
    sustained = np.median(trailing(both, masks.SUSTAIN_MEDIAN)[1:, low], axis=-1)
    now, heard = both[:-1, low], percussive[:-1]
    rise = np.maximum(1 - float(masks.SUSTAIN_GAIN) * sustained / (now + TINY), 0)
    first, last = np.searchsorted(hertz, masks.ATTACK_HERTZ)
    struck = trailing(heard[:, first:last].sum(axis=1), masks.ATTACK_RISE + 1)
    sharp = np.maximum(1 - struck[:, 0] / (struck[:, -1] + TINY), 0)
    decay = float(masks.ATTACK_DECAY) ** np.arange(masks.ATTACK_FRAMES)[::-1]
    attack = (trailing(sharp, masks.ATTACK_FRAMES) * decay).max(axis=1)
    rest = float(masks.UNATTACKED)
    return rise * (rest + (1 - rest) * attack)[:, None]


def expected_masks(spectra):
    """Masks of all frames but the last, and the bins of bass."""
    hertz = np.arange(spectra.shape[2]) * (RATE / (4 * HOP))
    mid, side = (np.abs(spectra.astype(complex)) ** 2).transpose(1, 0, 2)
    power = np.stack([mid + side, side], axis=1)
    wide = np.pad(power, ((0, 0), (0, 0), (6, 6)), mode="reflect")
    across = np.lib.stride_tricks.sliding_window_view(wide, masks.BIN_MEDIAN, axis=-1)
    percussive = float(masks.PERCUSSIVE_GAIN) * np.median(across, axis=-1)
    tonal = np.median(trailing(power, masks.TIME_MEDIAN), axis=-1)[1:]
    now, hit = power[:-1], percussive[:-1]
    undecided = float(masks.UNDECIDED)
    explained = tonal + hit
    most = np.maximum(explained, (1 - undecided) * explained + undecided * now)
    drums = hit / (most + TINY)
    low = slice(masks.KICK_BINS)
    kick = kick_share(power[:, 0], percussive[:, 0], hertz) - drums[:, 0, low]
    drums[:, 0, low] += below(hertz[low], masks.KICK_HERTZ, 6) * kick
    drums[:, 1] = np.maximum(drums[:, 1], drums[:, 0])
    bass = below(hertz, masks.BASS_HERTZ, 8)
    bottom, top = masks.VOICE_HERTZ
    voice = (1 - bass) * below(hertz, top, 4) * (1 - below(hertz, bottom, 4))
    centre = 1 - side[:-1] / (np.maximum(mid, side)[:-1] + TINY)
    vocals = (1 - drums[:, 0]) * voice * centre * repetition(mid[:-1], hertz)
    return drums, (1 - drums[:, 0]) * bass, vocals


@pytest.mark.parametrize("at_once", [1, 7, FRAMES])
def test_masks_are_what_the_formulas_say(spectra, at_once):
    maker = MaskMaker(RATE, HOP)
    pushed = [maker.push(spectra[at : at + at_once]) for at in range(0, FRAMES, at_once)]
    # The first mask is that of the silence before.
    drums, bass, vocals = (np.concatenate(each)[1:] for each in zip(*pushed, strict=True))
    right_drums, right_bass, right_vocals = expected_masks(spectra)
    np.testing.assert_allclose(drums, right_drums, atol=2e-5)
    np.testing.assert_allclose(bass, right_bass[:, : bass.shape[1]], atol=2e-5)
    assert right_bass[:, bass.shape[1] :].max() < 2 * masks.BASS_LEAST
    np.testing.assert_allclose(vocals, right_vocals, atol=2e-5)
    # None of it is idle in this signal.
    assert min(drums.std(), bass.std(), vocals.std()) > 0.01


def test_how_frames_are_cut_makes_no_difference(spectra):
    whole = MaskMaker(RATE, HOP).push(spectra)
    maker = MaskMaker(RATE, HOP)
    pieces = [maker.push(part) for part in np.split(spectra, [1, 2, 30, 31, 200])]
    for one, parts in zip(whole, zip(*pieces, strict=True), strict=True):
        np.testing.assert_array_equal(one, np.concatenate(parts))
