"""Every effect of pedalboard: what its parameters are, and whether blocks give the whole call."""

import json
from typing import Any

import numpy as np
import pedalboard
import pytest

from bridge.errors import UsageError
from bridge.runtime.effects import (
    EQUAL_BLOCKS,
    WHOLE,
    check_effect,
    check_sound,
    check_value,
    effects,
    make_effect,
    nearest,
    parameters,
)

RATE = 44100
BLOCK = 2048
FRAMES = 100_000
RESPONSE = np.exp(-np.arange(9000) / 2000)[None] * np.random.default_rng(2).normal(size=(2, 9000))
# Values at which an effect does something to music; the others do so by default.
STRONG: dict[str, dict[str, Any]] = {
    "Compressor": {"threshold_db": -25, "ratio": 4},
    "Convolution": {
        "impulse_response_filename": RESPONSE.astype(np.float32) * 0.1,
        "sample_rate": RATE,
    },
    "Delay": {"delay_seconds": 0.11, "feedback": 0.4},
    "HighShelfFilter": {"gain_db": 6},
    "LadderFilter": {"cutoff_hz": 800},
    "LowShelfFilter": {"gain_db": 6},
    "NoiseGate": {"threshold_db": -15},
    "PeakFilter": {"gain_db": 6},
    "PitchShift": {"semitones": 2},
}


def music():
    random = np.random.default_rng(0)
    seconds = np.arange(FRAMES) / RATE
    level = np.repeat(random.uniform(0.01, 0.4, 20), FRAMES // 20)
    tone = 0.3 * np.sin(2 * np.pi * 220 * seconds)
    return (random.standard_normal((2, FRAMES)) * level + tone).astype(np.float32)


def board(name):
    return pedalboard.Pedalboard([effects()[name](**STRONG.get(name, {}))])


def streamed(name, song, sizes):
    """Blocks of the sizes in turn, flushed with zeros; prepared for the largest block before."""
    made = board(name)
    made(np.zeros((2, BLOCK), np.float32), RATE, buffer_size=BLOCK, reset=False)
    made.reset()
    fed = np.concatenate([song, np.zeros_like(song)], axis=1)
    outs, at, turn = [], 0, 0
    while at < fed.shape[1]:
        size = sizes[turn % len(sizes)]
        block = np.ascontiguousarray(fed[:, at : at + size])
        outs.append(made(block, RATE, buffer_size=BLOCK, reset=False))
        at, turn = at + size, turn + 1
    return np.concatenate(outs, axis=1)[:, : song.shape[1]]


@pytest.mark.parametrize("name", effects())
def test_blocks_give_the_whole_call_unless_the_list_says_otherwise(name):
    song = music()
    whole = board(name)(song, RATE, reset=True)
    assert np.abs(whole - song).max() > 1e-3, "the effect does nothing here"
    equal = np.abs(streamed(name, song, [BLOCK]) - whole).max()
    mixed = np.abs(streamed(name, song, [1000, 37, BLOCK, 512]) - whole).max()
    print(f"{name}: equal blocks {equal:.1g}, mixed blocks {mixed:.1g}")  # noqa: T201 - to quote
    assert (equal > 1e-6) == (name in WHOLE)
    assert (mixed > 1e-6) == (name in WHOLE | EQUAL_BLOCKS)


def test_the_lists_name_effects_only():
    assert effects().keys() >= WHOLE | EQUAL_BLOCKS
    assert not effects().keys() & {"Plugin", "Chain", "Mix", "VST3Plugin", "IIRFilter", "np", "os"}


@pytest.mark.parametrize("name", effects())
def test_every_parameter_that_is_read_off_a_class_is_taken_by_it(name):
    """The constructor takes all of them by name, with the default that its signature shows."""
    values: dict[str, Any] = dict(STRONG.get(name, {}))
    for parameter in parameters(name).values():
        if parameter.default in (None, "None"):
            continue
        if parameter.kind == "choice":
            value = parameter.choices[parameter.default]
        else:
            value = json.loads(parameter.default.lower())
        values.setdefault(parameter.name, value)
    made = effects()[name](**values)
    shown = repr(made)
    for key in parameters(name):
        assert hasattr(made, key) or key in shown or key == "sample_rate"


@pytest.mark.parametrize(
    ("effect", "key", "value", "words"),
    [
        ("Compressor", "treshold_db", 1, "no parameter 'treshold_db' (did you mean threshold_db?)"),
        ("Compressor", "ratio", "4", "must be a finite number"),
        ("Compressor", "ratio", True, "must be a finite number"),
        ("Compressor", "ratio", float("nan"), "must be a finite number"),
        ("Compressor", "ratio", float("inf"), "must be a finite number"),
        ("NoiseGate", "ratio", 0.2, "at least 1"),
        ("Limiter", "release_ms", -1, "at least 0"),
        ("LadderFilter", "mode", "LPF13", "did you mean LPF12?"),
        ("LadderFilter", "mode", 3, "use LPF12"),
        ("BrickwallLimiter", "true_peak", 1, "neither true nor false"),
        ("Convolution", "impulse_response_filename", 1, "no file name"),
        ("Invert", "amount", 1, "it has none at all"),
    ],
)
def test_a_bad_value_is_named(effect, key, value, words):
    assert words in check_value(effect, key, value)


def test_a_good_value_is_not():
    assert check_value("Compressor", "ratio", 4) == ""
    assert check_value("LadderFilter", "mode", "HPF24") == ""
    assert check_effect("Compressor") == ""


@pytest.mark.parametrize("name", ["Compresor", "compressor", "Mix", "os", "load_plugin", ""])
def test_what_is_no_effect_is_refused_with_the_list(name):
    assert "Compressor" in check_effect(name)
    assert ("did you mean Compressor" in check_effect(name)) == (name.lower()[:4] == "comp")


@pytest.mark.parametrize(
    ("effect", "values", "words"),
    [
        ("Compressor", {"ratio": 0.5}, "ratio must be a value >= 1.0"),
        ("Reverb", {"room_size": 3}, "between 0.0 and 1.0"),
        ("Convolution", {}, "needs impulse_response_filename"),
        ("Convolution", {"impulse_response_filename": "/none.wav"}, "Unable to load"),
    ],
)
def test_pedalboard_speaks_for_itself(effect, values, words):
    with pytest.raises(UsageError, match=words):
        make_effect(effect, values)


def test_a_frequency_that_a_rate_does_not_have_is_refused():
    made = make_effect("LowpassFilter", {"cutoff_frequency_hz": 30_000})
    check_sound("LowpassFilter", made, 96_000)
    with pytest.raises(UsageError, match="does not work at 44100 Hz"):
        check_sound("LowpassFilter", made, 44_100)


def test_an_effect_that_gives_no_numbers_is_refused():
    with pytest.raises(UsageError, match="no numbers"):
        check_sound("Gain", make_effect("Gain", {"gain_db": 1e6}))


def test_the_nearest_name_is_found_whatever_its_case():
    assert nearest("KARAOKEE", ["karaoke", "drumless"]) == " (did you mean karaoke?)"
    assert nearest("zzz", ["karaoke"]) == ""
