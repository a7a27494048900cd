"""Effects on live stems, against pedalboard's own whole call over each stem."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pedalboard import (
    BrickwallLimiter,
    Compressor,
    HighpassFilter,
    Pedalboard,
    Reverb,
)

from bridge.errors import ModelError, UsageError
from bridge.protocol import limits
from bridge.runtime.live_effects import BLOCK, LiveEffects, StemEffects
from bridge.runtime.preset import Preset
from bridge.runtime.preset_store import is_name

SOURCES = ("drums", "bass", "other", "vocals")
RATES = (44_100, 48_000)
TEXT = """
description = "for a test"
when = "never"
[stems.other]
width = 0.5
[[stems.drums.chain]]
effect = "BrickwallLimiter"
ceiling_db = -12
[[stems.bass.chain]]
effect = "HighpassFilter"
cutoff_frequency_hz = 80
[[stems.bass.chain]]
effect = "Compressor"
threshold_db = -30
ratio = 3
[[stems.vocals.chain]]
effect = "Reverb"
room_size = 0.3
"""


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("p") / "live.toml"
    path.write_text(TEXT)
    return Preset.load(path)


def by_hand(stems, rate, ratio=3):
    """What pedalboard makes of each whole stem, which it brings back in step by itself."""
    boards = {
        "drums": Pedalboard([BrickwallLimiter(ceiling_db=-12)]),
        "bass": Pedalboard([HighpassFilter(80), Compressor(threshold_db=-30, ratio=ratio)]),
        "vocals": Pedalboard([Reverb(room_size=0.3)]),
    }
    stems = stems.copy()
    if stems.shape[1] == 2:
        middle = stems[2].mean(axis=0)
        stems[2] = middle + 0.5 * (stems[2] - middle)
    padded = np.pad(stems, ((0, 0), (0, 0), (0, rate // 10)))
    made = [
        boards[name](stem, rate) if name in boards else stem
        for name, stem in zip(SOURCES, padded, strict=True)
    ]
    return np.stack([stem[:, : stems.shape[2]] for stem in made])


def loud(frames, channels, seed=0):
    """Stems whose every effect has something to do."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.uniform(0.02, 0.9, frames // 500 + 1), 500)[:frames]
    return (rng.uniform(-1, 1, (len(SOURCES), channels, frames)) * level).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
def test_latency_is_what_the_slowest_chain_holds_back(preset, rate):
    limiter = Pedalboard([BrickwallLimiter(ceiling_db=-12)])
    given = limiter(np.zeros((2, rate), np.float32), rate, reset=False).shape[1]
    held = rate - given
    # A chain may hold back two frames of an effect for reasons of pedalboard's.
    assert 0 < held <= StemEffects.of(preset, SOURCES, rate, 2).latency <= held + 2


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 700) | st.sampled_from([1, 2, BLOCK, 3 * BLOCK + 5]), max_size=12),
    st.sampled_from(RATES),
    st.integers(1, 2),
    st.integers(0, 1 << 40),
)
def test_blocks_of_any_size_give_what_one_whole_call_gives(preset, sizes, rate, channels, origin):
    design = StemEffects.of(preset, SOURCES, rate, channels)
    effects = LiveEffects(design)
    edges = np.cumsum([0, *sizes])
    stems = loud(int(edges[-1]), channels)
    parts, position = [], origin
    for first, last in pairwise(edges):
        start, part = effects.process(origin + int(first), stems[..., first:last])
        assert start == position
        done = start + part.shape[2]
        assert origin + int(last) - design.latency <= done <= origin + int(last)
        parts.append(part)
        position += part.shape[2]
    start, rest = effects.finish()
    assert start == position or not sizes
    out = np.concatenate([*parts, rest], axis=2)
    assert out.shape == stems.shape
    np.testing.assert_allclose(out, by_hand(stems, rate), rtol=0, atol=1e-6)


def test_effects_begin_anew_after_a_gap(preset):
    effects = LiveEffects(StemEffects.of(preset, SOURCES, 48_000, 2))
    stems = loud(9000, 2)
    effects.process(0, stems[..., :4000])
    start, first = effects.process(5000, stems[..., 5000:])
    rest = effects.finish()[1]
    assert start == 5000
    after = by_hand(stems[..., 5000:], 48_000)
    np.testing.assert_allclose(np.concatenate([first, rest], axis=2), after, rtol=0, atol=1e-6)


def test_a_preset_without_effects_costs_nothing():
    effects = LiveEffects(StemEffects(((),) * 4, 48_000, 2, "", 0))
    stems = loud(100, 2)
    np.testing.assert_array_equal(effects.process(7, stems)[1], stems)
    assert effects.finish()[1].shape[2] == 0


@pytest.mark.parametrize(
    "effect", ["PitchShift", "GSMFullRateCompressor", "MP3Compressor", "Resample"]
)
def test_what_short_blocks_would_change_is_refused(tmp_path, effect):
    path = tmp_path / "whole.toml"
    head = 'description = "x"\nwhen = "y"\n'
    path.write_text(f'{head}[[stems.drums.chain]]\neffect = "{effect}"\n')
    with pytest.raises(UsageError, match=f"line 4: {effect} cannot run live, only on files"):
        StemEffects.of(Preset.load(path), SOURCES, 48_000, 2)


def test_a_plugin_is_refused(tmp_path):
    (tmp_path / "one.vst3").write_bytes(b"")
    path = tmp_path / "plugin.toml"
    head = 'description = "x"\nwhen = "y"\n'
    path.write_text(f'{head}[[stems.drums.chain]]\nplugin = "one.vst3"\n')
    with pytest.raises(UsageError, match=r"line 4: an external plug-in.*in the DAW"):
        StemEffects.of(Preset.load(path), SOURCES, 48_000, 2)


def test_a_stem_that_the_model_lacks_is_refused(preset):
    with pytest.raises(ModelError, match="no stem 'vocals'"):
        StemEffects.of(preset, ("drums", "bass", "other"), 48_000, 2)


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        ("karaoke", ("drums", "bass", "other")),
        ("acapella", ("vocals",)),
        ("remix-kit", SOURCES),
        ("vocal-cleanup", ("vocals",)),
    ],
)
def test_gains_are_what_a_bounce_would_write(name, heard):
    gains = StemEffects.of(Preset.load(name), SOURCES, 48_000, 2).gains
    found = {s for s, gain in zip(SOURCES, gains, strict=True) if gain > -limits.SILENCE}
    assert found == set(heard)


def test_a_preset_whose_stems_are_all_written_has_no_gains(preset):
    assert StemEffects.of(preset, SOURCES, 48_000, 2).gains == ()


@pytest.mark.parametrize("name", ["karaoke", "Mix 2 (dry)", "für mich", "a" * limits.PRESET_BYTES])
def test_names_that_a_menu_may_have(name):
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", "../x", "/etc/x", "a.toml", "a\\b", "Mix: dry", "a\n", "ü" * limits.PRESET_BYTES]
)
def test_names_that_no_menu_may_have(name):
    assert not is_name(name)
