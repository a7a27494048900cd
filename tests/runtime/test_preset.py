"""Presets: what is in a file, what is refused in one line, and what a preset then says."""

import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pedalboard
import pytest
import soundfile

from bridge.config import BounceSettings
from bridge.errors import ModelError, UsageError
from bridge.runtime.preset import Preset
from bridge.runtime.preset_reader import read_preset
from bridge.runtime.preset_store import entries, find_preset, own_folder, shipped_folder
from bridge.runtime.preset_words import as_facts, as_lines

FOUR = ("drums", "bass", "other", "vocals")
HEAD = 'description = "d"\nwhen = "w"\n'
GATE = '[[stems.vocals.chain]]\neffect = "NoiseGate"\nthreshold_db = -40\n'
KARAOKE = "[mixes.karaoke]\ngains = { vocals = -inf }\n"


@pytest.fixture
def written(tmp_path):
    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# Thirty-odd mistakes: the text after HEAD (lines 1 and 2), the line, and words of the message.
BROKEN = {
    "no toml": ("[stems\n", 3, "Expected"),
    "twice": ("[mix]\n[mix]\n", 4, "twice"),
    "value missing": ("[mix]\nloudness =\n", 4, "value"),
    "text not closed": ('[separation]\nmodel = "auto\n', 4, "see docs/PRESETS.md"),
    "unknown table": ("[seperation]\n", 3, "'seperation' (did you mean separation?)"),
    "unknown key": ("[separation]\nmodle = 'x'\n", 4, "'modle' (did you mean model?)"),
    "unknown top key": ("", 1, "'descripton' (did you mean description?)"),
    "no description": ("", 1, "'description' is missing"),
    "no when": ("", 1, "'when' is missing"),
    "empty when": ("", 2, "when = ' ': it must be a text"),
    "table is a value": ("mix = 3\n", 3, "'mix' must be a table"),
    "stem is a value": ("[stems]\nvocals = 3\n", 4, "write [stems.vocals]"),
    "overlap": ("[separation]\noverlap = 1.5\n", 4, "from 0 to 0.95"),
    "shifts": ("[separation]\nshifts = 1.5\n", 4, "whole number"),
    "residual": ("[separation]\nresidual = 'file'\n", 4, "use one of other, off"),
    "format": ("[outputs]\nformat = 'wave'\n", 4, "wav, flac, mp3"),
    "bits of mp3": ("[outputs]\nformat = 'mp3'\nbits = '24'\n", 5, "does not apply to mp3"),
    "bits is a number": ("[outputs]\nbits = 24\n", 4, "16, 24, 32f"),
    "tails": ("[outputs]\ntails = true\n", 4, "cut, keep"),
    "stem twice": ("[outputs]\nstems = ['bass', 'bass']\n", 4, "different names"),
    "unknown mix": (KARAOKE + "[outputs]\nmixes = ['karaok']\n", 6, "did you mean karaoke?"),
    "nothing written": ("[outputs]\nstems = []\n", 3, "neither a stem nor a mix"),
    "gain": ("[mixes.a]\ngains = { vocals = 'loud' }\n", 4, "vocals = 'loud'"),
    "gain is nan": ("[mixes.a]\ngains = { vocals = nan }\n", 4, "vocals = nan"),
    "remaining": ("[mixes.a]\nremaining = 100\n", 4, "to 60"),
    "loudness": ("[mix]\nloudness = 14\n", 4, "from -70 to 0"),
    "mix leaves its folder": ("[mixes.'../up']\n", 3, "'../up' cannot name a mix"),
    "mix is the manifest": ("[mixes.manifest]\n", 3, "cannot name a mix"),
    "mix is the manifest in capitals": ("[mixes.Manifest]\n", 3, "cannot name a mix"),
    "mixes are one file": (
        KARAOKE + "[mixes.Karaoke]\n",
        5,
        "'Karaoke' and 'karaoke' are one file on macOS and Windows",
    ),
    "width": ("[stems.bass]\nwidth = 3\n", 4, "from 0 to 2"),
    "chain is a table": ("[stems.bass.chain]\neffect = 'Gain'\n", 3, "write [[stems.bass.chain]]"),
    "unknown effect": ("[[mix.chain]]\neffect = 'Compresor'\n", 4, "did you mean Compressor?"),
    "no attribute of pedalboard": ("[[mix.chain]]\neffect = 'load_plugin'\n", 4, "no effect"),
    "a container": ("[[mix.chain]]\neffect = 'Mix'\n", 4, "no effect of its own"),
    "effect is a number": ("[[mix.chain]]\neffect = 3\n", 4, "a text in quotes"),
    "no effect": ("[[mix.chain]]\ngain_db = 3\n", 3, "effect = "),
    "unknown parameter": (GATE + "ratoi = 3\n", 6, "'ratoi' (did you mean ratio?)"),
    "wrong type": (GATE + "ratio = 'much'\n", 6, "must be a finite number"),
    "out of range": ("[[mix.chain]]\neffect = 'Reverb'\nroom_size = 3\n", 5, "0.0 and 1.0"),
    "in the second": (GATE + GATE + "ratio = 0\n", 9, "at least 1"),
    "nonsense": (
        "[[mix.chain]]\neffect = 'LowpassFilter'\ncutoff_frequency_hz = 1e9\n",
        5,
        "does not work",
    ),
    "missing parameter": ("[[mix.chain]]\neffect = 'Convolution'\n", 4, "needs impulse_response"),
    "missing response": (
        "[[mix.chain]]\neffect = 'Convolution'\nimpulse_response_filename = 'no.wav'\n",
        5,
        "does not exist",
    ),
    "missing plug-in": ("[[mix.chain]]\nplugin = 'none.vst3'\n", 4, "none.vst3 does not exist"),
    "missing state": ("[[mix.chain]]\nplugin = '.'\nstate = 'no.bin'\n", 5, "does not exist"),
    "state outside": (
        "[[mix.chain]]\nplugin = '.'\nstate = '../a.bin'\n",
        5,
        "leaves the preset's folder",
    ),
    "state elsewhere": (
        "[[mix.chain]]\nplugin = '.'\nstate = '/etc/passwd'\n",
        5,
        "leaves the preset's folder",
    ),
    "state is no name": (
        "[[mix.chain]]\nplugin = '.'\nstate = \"a\\u0000\"\n",
        5,
        "cannot be read",
    ),
    "plug-in is no name": (f"[[mix.chain]]\nplugin = '{'a' * 300}'\n", 4, "cannot be read"),
    "plug-in with other keys": ("[[mix.chain]]\nplugin = '.'\nratio = 3\n", 5, "has no 'ratio'"),
    "parameter is a table": (
        "[[mix.chain]]\nplugin = '.'\n[mix.chain.parameters]\na = { b = 1 }\n",
        6,
        "no plain value",
    ),
}
HEADS = {
    "unknown top key": 'descripton = "d"\nwhen = "w"\n',
    "no description": 'when = "w"\n',
    "no when": 'description = "d"\n',
    "empty when": 'description = "d"\nwhen = " "\n',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_mistake_is_one_line_with_file_line_and_what_is_right(name, written):
    text, line, words = BROKEN[name]
    path = written(HEADS.get(name, HEAD) + text)
    with pytest.raises(UsageError) as raised:
        read_preset(path)
    message = str(raised.value)
    assert message.startswith(f"{path}, line {line}: "), message
    assert words in message
    assert "\n" not in message
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_link_to_a_state_outside_is_refused(written, tmp_path):
    folder = tmp_path / "inner"
    folder.mkdir()
    written("secret", "secret.bin")
    (folder / "state.bin").symlink_to(tmp_path / "secret.bin")
    path = written(HEAD + "[[mix.chain]]\nplugin = '.'\nstate = 'state.bin'\n", "inner/a.toml")
    with pytest.raises(UsageError, match="leaves the preset's folder"):
        read_preset(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a = 1\n" * 200_000, "more than"),
        (b"a = " + b"[" * 50_000, "mine.toml, line 1"),
    ],
)
def test_what_is_no_text_is_refused(written, data, words):
    with pytest.raises(UsageError, match=words):
        read_preset(written(data))


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml: no such file"):
        Preset.load(tmp_path / "none.toml")


def test_the_least_preset_is_the_plain_bounce(written):
    preset = read_preset(written(HEAD))
    assert preset.settings({}) == BounceSettings()
    assert preset.written_stems(FOUR) == FOUR
    assert preset.written_mixes() == ()
    assert len(preset.board()) == 0


def test_boards_are_real_and_new_each_time(written):
    preset = read_preset(written(HEAD + GATE + KARAOKE + "[[mix.chain]]\neffect = 'Limiter'\n"))
    board = preset.board(stem="vocals")
    assert isinstance(board, pedalboard.Pedalboard)
    assert isinstance(board[0], pedalboard.NoiseGate)
    assert board[0].threshold_db == -40
    assert preset.board(stem="vocals")[0] is not board[0]
    assert isinstance(preset.board(mix="karaoke")[0], pedalboard.Limiter)
    with pytest.raises(UsageError, match=r"'vocal' \(did you mean vocals\?\)"):
        preset.board(stem="vocal")
    with pytest.raises(UsageError, match="no mix 'x'; it has karaoke"):
        preset.board(mix="x")


def lines_of(preset):
    """Labels and texts, as `presets show` has them."""
    return dict(as_lines(preset))


def test_widths_are_shown_and_are_no_part_of_a_board():
    preset = Preset.load("mono-low-end")
    assert lines_of(preset)["Stem bass"] == "width 0"
    assert lines_of(preset)["Stem vocals"] == "HighpassFilter (cutoff_frequency_hz 90)"
    assert as_facts(preset)["widths"] == {"bass": 0.0}
    assert as_facts(preset)["stems"]["bass"] == []
    assert len(preset.board(stem="bass")) == 0


def test_peaks_and_names_of_plug_ins_are_shown(written, tmp_path):
    (tmp_path / "state.bin").write_bytes(b"x")
    text = "[mix]\nloudness = -14\npeak_db = -2\n[stems.bass]\nwidth = 0.5\n"
    text += "[[stems.bass.chain]]\nplugin = '.'\nplugin_name = 'One of two'\n"
    preset = read_preset(written(HEAD + text + "state = 'state.bin'\nparameters = { a = 1 }\n"))
    shown = lines_of(preset)
    assert shown["Every mix"] == "to -14 LUFS, peaks at -2 dBFS at most"
    bass = f"width 0.5; {tmp_path.name}: One of two (state state.bin, a 1)"
    assert shown["Stem bass"] == bass
    (effect,) = as_facts(preset)["stems"]["bass"]
    assert effect["plugin_name"] == "One of two"


def test_gains_are_decibels(written):
    text = "[mixes.a]\ngains = { bass = 6.0, vocals = -inf }\nremaining = -20\n"
    mix = read_preset(written(HEAD + text)).written_mixes()[0]
    assert mix.gain("bass") == pytest.approx(1.9953, abs=1e-4)
    assert mix.gain("vocals") == 0
    assert mix.gain("drums") == pytest.approx(0.1)


def test_what_all_mixes_pass_comes_last_and_its_loudness_holds(written):
    text = "[mix]\nloudness = -14\n[[mix.chain]]\neffect = 'Limiter'\n" + KARAOKE
    text += "[[mixes.karaoke.chain]]\neffect = 'Gain'\n[mixes.b]\nloudness = -16.0\n"
    mixes = {mix.name: mix for mix in read_preset(written(HEAD + text)).written_mixes()}
    assert [effect.name for effect in mixes["karaoke"].chain] == ["Gain", "Limiter"]
    assert (mixes["karaoke"].loudness, mixes["b"].loudness) == (-14, -16)


def test_what_is_wanted_wins_over_the_preset_and_it_over_what_is_usual(written):
    text = "[separation]\nmodel = 'spectral'\noverlap = 0.5\n[outputs]\nformat = 'flac'\n"
    preset = read_preset(written(HEAD + text + "bits = '16'\n"))
    usual = {"model": "htdemucs", "seed": 3, "format": "ogg", "stems": ("bass",)}
    made = preset.settings({"overlap": 0.1}, usual)
    assert (made.model, made.overlap, made.seed) == ("spectral", 0.1, 3)
    assert (made.format, made.bits, made.stems) == ("flac", "16", None)
    assert preset.settings({"format": "mp3"}).bits is None
    with pytest.raises(UsageError, match="--stems and --preset"):
        preset.settings({"stems": ("bass",)})
    with pytest.raises(UsageError, match="--residual file and --preset"):
        preset.settings({"residual": "file"})


def test_a_model_without_the_stem_is_refused(written):
    preset = read_preset(written(HEAD + "[outputs]\nstems = ['guitar']\n"))
    with pytest.raises(ModelError, match=r"no stem 'guitar'.*drums, bass"):
        preset.written_stems(FOUR)
    for name in ("vocals", "Vocals"):
        mix = read_preset(written(HEAD + f"[mixes.{name}]\n"))
        with pytest.raises(UsageError, match=f"mix '{name}' is called like the stem 'vocals'"):
            mix.written_stems(FOUR)


def test_the_hash_is_that_of_everything_it_is_made_of(written, tmp_path):
    response = tmp_path / "room.wav"
    soundfile.write(response, np.ones((100, 2)) * 0.01, 44100)
    text = "[[mix.chain]]\neffect = 'Convolution'\nimpulse_response_filename = 'room.wav'\n"
    path = written(HEAD + text)
    first = read_preset(path).sha256
    assert read_preset(path).sha256 == first
    soundfile.write(response, np.ones((100, 2)) * 0.02, 44100)
    second = read_preset(path).sha256
    path.write_text(HEAD + text + "mix = 0.5\n")
    assert len({first, second, read_preset(path).sha256}) == 3


def test_whole_signals_are_warned_of(written):
    preset = read_preset(written(HEAD + "[[stems.vocals.chain]]\neffect = 'PitchShift'\n"))
    (line,) = preset.warnings()
    assert "stem vocals: PitchShift" in line
    assert "memory grows with the song" in line


SHIPPED = sorted(shipped_folder().glob("*.toml"))


def test_there_are_enough_and_each_says_when_to_use_it():
    assert len(SHIPPED) >= 12
    presets = [read_preset(path) for path in SHIPPED]
    assert len({preset.description for preset in presets}) == len(SHIPPED)
    assert all(re.search(r"\w{3}.*\.$", preset.when) for preset in presets)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_preset_is_right(path):
    preset = read_preset(path)
    preset.check(44_100)
    preset.check(22_050)
    assert preset.warnings() == []
    assert preset.written_stems(FOUR) or preset.written_mixes()


def test_the_users_preset_wins_and_the_list_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(tmp_path))
    assert find_preset("karaoke").path.parent == shipped_folder()
    own_folder().mkdir()
    (own_folder() / "karaoke.toml").write_text(HEAD)
    (own_folder() / "mine.toml").write_text(HEAD)
    found = {entry.name: entry for entry in entries()}
    assert len(found) == len(entries())
    assert find_preset("karaoke").description == "d"
    assert (found["karaoke"].own, found["karaoke"].hides) == (True, True)
    assert (found["mine"].own, found["mine"].hides) == (True, False)
    assert (found["acapella"].own, found["acapella"].hides) == (False, False)
    with pytest.raises(UsageError, match=r"'karaokee' \(did you mean karaoke\?\)"):
        find_preset("karaokee")
    assert Preset.load(str(own_folder() / "mine.toml")).name == "mine"


def test_silence_in_a_file_is_minus_infinity():
    text = (shipped_folder() / "karaoke.toml").read_text()
    assert tomllib.loads(text)["mixes"]["karaoke"]["gains"]["vocals"] == -math.inf
    assert Path(shipped_folder()).name == "presets"
