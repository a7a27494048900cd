"""Which stems a preset needs, and what comes of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import BounceSettings
from bridge.core.mix import widen
from bridge.engine.fake import GAINS
from bridge.errors import UsageError
from bridge.runtime.audio_input import Source
from bridge.runtime.audio_output import Encoding
from bridge.runtime.bounce import bounce
from bridge.runtime.models import Models
from bridge.runtime.preset import Effect, Mix, Preset
from bridge.runtime.preset_render import plan_parts
from bridge.runtime.preset_store import shipped_folder
from bridge.runtime.riff import append_time_reference, read_time_reference
from bridge.runtime.takes import Take, encode_take, level
from tests.audio import real_song
from tests.tiny import synth

FOUR = ("drums", "bass", "other", "vocals")
SIX = (*FOUR, "guitar", "piano")
PLAIN = Preset.load(shipped_folder() / "acapella.toml")
LIMIT = 10 ** (-120 / 20)
RATE = 44100


def preset(stems=(), mixes=(), chains=None, *, widths=None, keep=False, mix=None, **encoding):
    return replace(
        PLAIN,
        name="test",
        stems=chains or {},
        widths=widths or {},
        mix=mix or Mix("mix"),
        mixes={mix.name: mix for mix in mixes},
        out_stems=tuple(stems),
        out_mixes=tuple(mix.name for mix in mixes),
        encoding={"bits": "32f", **encoding},
        keep_tails=keep,
    )


def effect(name, **values):
    return Effect(name, values, "here")


KARAOKE = Mix("karaoke", {"vocals": -np.inf})
ACAPELLA = Mix("acapella", {"vocals": 0.0}, remaining=-np.inf)
DRUMS_UP = Mix("drums-up", {"drums": 3.0})
SONG = Mix("song")
HALL = (effect("Reverb", room_size=0.7),)


@pytest.mark.parametrize(
    ("wanted", "sources", "used", "computed"),
    [
        (preset(("vocals",)), FOUR, ("vocals",), ("vocals",)),
        (preset(FOUR), FOUR, FOUR, ("drums", "bass", "vocals")),
        (preset((), [KARAOKE]), FOUR, ("other",), ("vocals",)),
        (preset((), [KARAOKE, ACAPELLA]), SIX, ("other", "vocals"), ("vocals",)),
        (preset((), [ACAPELLA]), FOUR, ("vocals",), ("vocals",)),
        (preset((), [DRUMS_UP]), SIX, ("drums", "other"), ("drums",)),
        (preset(("bass",), [KARAOKE]), FOUR, ("bass", "other"), ("bass", "vocals")),
        (preset(("other",)), FOUR, ("other",), ("drums", "bass", "vocals")),
        (preset((), [SONG], {"other": HALL}), FOUR, FOUR, ("drums", "bass", "vocals")),
        (preset((), [SONG], {"bass": HALL}), FOUR, ("bass", "other"), ("bass",)),
        (preset((), [SONG], widths={"bass": 0.0}), FOUR, ("bass", "other"), ("bass",)),
        (preset((), [SONG]), FOUR, ("other",), ("drums",)),
        (preset((), [KARAOKE]), ("speech", "vocals"), ("speech",), ("speech",)),
        (preset((), [replace(SONG, gains={})]), ("other",), ("other",), ("other",)),
    ],
)
def test_only_what_is_needed_is_computed(wanted, sources, used, computed):
    parts = plan_parts(wanted, sources, rest=True)
    assert (parts.used, parts.computed) == (used, computed)
    plain = plan_parts(wanted, sources, rest=False)
    assert plain.apart is None
    assert plain.used == plain.computed


GAIN = st.sampled_from([-np.inf, -6.0, 0.0, 3.0])
MIX = st.builds(Mix, st.sampled_from("abc"), st.dictionaries(st.sampled_from(FOUR), GAIN), GAIN)


@given(st.lists(MIX, min_size=1, max_size=3), st.sets(st.sampled_from(FOUR)), st.integers(0, 99))
def test_stems_inside_other_change_no_mix(mixes, written, seed):
    """Mixes of the planned stems equal mixes of all stems, whatever is left in `other`."""
    random = np.random.default_rng(seed)
    song = random.standard_normal(8)
    stems = {name: random.standard_normal(8) for name in FOUR[:2] + FOUR[3:]}
    stems["other"] = song - sum(stems.values())
    wanted = preset(written, mixes)
    parts = plan_parts(wanted, FOUR, rest=True)
    planned = {name: stems[name] for name in parts.computed}
    if parts.apart is not None:
        planned["other"] = song - sum(stems[name] for name in parts.apart)
    for name in written:
        np.testing.assert_allclose(planned[name], stems[name])
    for mix in wanted.written_mixes():
        full = sum(mix.gain(name) * stem for name, stem in stems.items())
        ours = sum(mix.gain(name) * planned[name] for name in parts.used)
        np.testing.assert_allclose(ours, full, atol=1e-12)


def bounced(folder, song, wanted, model="fake", rate=RATE, stamp=None, **options):
    path = folder / "song.wav"
    soundfile.write(path, song.T, rate, subtype="FLOAT")
    if stamp is not None:
        append_time_reference(path, stamp)
    said: list[str] = []
    settings = wanted.settings({"model": model, "overwrite": True, **options})
    models = Models(settings, lambda *_: None)
    result = bounce(path, folder / "out", settings, models, preset=wanted, warn=said.append)
    files = {n: soundfile.read(p)[0].T for n, p in result.paths.items() if n != "manifest"}
    assert not (folder / "out/.stembridge-part").exists()
    return files, result.manifest, said


def plainly_bounced(folder, model):
    """The stems of the same song without a preset."""
    settings = BounceSettings(model=model, bits="32f")
    models = Models(settings, lambda *_: None)
    result = bounce(folder / "song.wav", folder / "plain", settings, models)
    return {name: soundfile.read(result.paths[name])[0].T for name in FOUR}


def music(frames=RATE, channels=2):
    song = np.random.default_rng(0).uniform(-0.4, 0.4, (channels, frames)).astype(np.float32)
    return song if channels == 2 else song[:1]


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_mixes_are_sums_of_stems_at_their_gains(tmp_path, rate):
    song = music()
    wanted = preset(FOUR, [KARAOKE, DRUMS_UP, Mix("none", remaining=-np.inf)])
    files, manifest, _ = bounced(tmp_path, song, wanted, "fake:rate=44100", rate)
    expected = plainly_bounced(tmp_path, "fake:rate=44100")
    for name in FOUR:
        assert np.abs(files[name] - expected[name]).max() <= LIMIT
        # Above half the model's rate nothing comes back.
        if rate == 44_100 and name != "other":
            assert np.abs(files[name] - GAINS[name] * song).max() < 1e-6
    assert np.abs(sum(files[name] for name in FOUR) - song).max() <= LIMIT
    karaoke = files["drums"] + files["bass"] + files["other"]
    assert np.abs(files["karaoke"] - karaoke).max() <= LIMIT
    louder = karaoke + files["vocals"] + (10 ** (3 / 20) - 1) * files["drums"]
    assert np.abs(files["drums-up"] - louder).max() <= LIMIT
    assert not files["none"].any()
    assert [stem["name"] for stem in manifest["stems"]] == list(FOUR)
    assert manifest["mixes"][0]["gains"]["vocals"] is None
    assert manifest["mixes"][1]["gains"]["drums"] == 3.0
    assert manifest["preset"] == {"name": "test", "sha256": wanted.sha256}


@pytest.mark.parametrize("bits", ["24", "32f"])
@pytest.mark.parametrize("kind", ["real", "demo"])
def test_karaoke_and_acapella_sum_to_the_song(tmp_path, bits, kind):
    if kind == "real":
        song = soundfile.read(real_song(), dtype="float32", frames=8 * RATE)[0].T
    else:
        song = np.sum(list(synth.song(synth.DEMO_SEED, 6).values()), axis=0)
    pair = Preset.load(shipped_folder() / "dj-pair.toml")
    files, _, _ = bounced(tmp_path, song, pair, "spectral", bits=bits)
    missed = np.abs(sum(files.values()) - song).max()
    print(f"{kind}, {bits}: {20 * np.log10(missed + 1e-30):.1f} dBFS")  # noqa: T201 - to quote
    assert missed <= LIMIT
    assert all(np.abs(file).max() > 0.05 for file in files.values())


def test_the_rest_is_what_was_left_before_effects(tmp_path):
    song = music()
    wanted = preset(FOUR, [KARAOKE], {"vocals": (effect("Gain", gain_db=-6.0),)})
    files, _, _ = bounced(tmp_path, song, wanted)
    kept = 1 - GAINS["drums"] - GAINS["bass"] - GAINS["vocals"]
    np.testing.assert_allclose(files["other"], kept * song, atol=1e-6)
    np.testing.assert_allclose(files["vocals"], GAINS["vocals"] * song / 10**0.3, atol=1e-6)


def test_stems_with_and_without_latency_stay_in_step(tmp_path):
    song = np.zeros((2, RATE), np.float32)
    song[:, [20_000, 30_000]] = 0.5
    late = (effect("BrickwallLimiter"), effect("Resample", target_sample_rate=44_100.0))
    wanted = preset(FOUR, [replace(SONG, chain=late[:1])], {"drums": late, "bass": late[:1]})
    files, _, _ = bounced(tmp_path, song, wanted)
    for name, file in files.items():
        assert np.abs(file[0]).argmax() == 20_000, name
    # What the drums' resampler leaves of an impulse is spread over its neighbours.
    np.testing.assert_allclose(files["song"], song, atol=0.01)


@pytest.mark.parametrize("keep", [False, True])
def test_tails_are_kept_or_cut_for_all_files_alike(tmp_path, keep):
    echo = (effect("Delay", delay_seconds=0.3, mix=0.5),)
    wanted = preset(("vocals", "drums"), [replace(SONG, chain=echo)], {"vocals": echo}, keep=keep)
    files, manifest, _ = bounced(tmp_path, music(), wanted)
    lengths = {file.shape[1] for file in files.values()}
    expected = RATE + 2 * round(0.3 * RATE) if keep else RATE
    assert len(lengths) == 1
    assert lengths.pop() == pytest.approx(expected, abs=2 * 8192 if keep else 0)
    lengths = {file.shape[1] for file in files.values()}
    assert {entry["frames"] for entry in (*manifest["stems"], *manifest["mixes"])} == lengths
    assert manifest["frames"] == RATE
    assert np.abs(files["drums"][:, RATE:]).max(initial=0) == 0
    assert (np.abs(files["vocals"][:, RATE:]).max(initial=0) > 0.01) == keep


@pytest.mark.parametrize("channels", [1, 2])
def test_a_mix_gets_its_loudness(tmp_path, channels):
    wanted = preset((), [replace(SONG, loudness=-20.0)])
    files, manifest, said = bounced(tmp_path, music(channels=channels), wanted)
    meter = pyloudnorm.Meter(RATE, filter_class="DeMan")
    assert meter.integrated_loudness(files["song"].T) == pytest.approx(-20, abs=0.01)
    assert manifest["mixes"][0]["loudness"] == pytest.approx(-20)
    assert not [line for line in said if "LUFS" in line]


def test_a_mix_that_would_be_over_its_peak_stays_below_and_says_so(tmp_path):
    wanted = preset((), [replace(SONG, loudness=-1.0, peak_db=-3.0)])
    files, manifest, said = bounced(tmp_path, music(), wanted)
    assert np.abs(files["song"]).max() == pytest.approx(10 ** (-3 / 20), abs=1e-6)
    assert manifest["mixes"][0]["loudness"] < -1.5
    assert any("instead of -1 LUFS" in line for line in said)
    assert [line for line in manifest["warnings"] if "LUFS" in line]


def test_silence_is_left_alone():
    silent = Take(Path("x"), 2, 100, 0.0, -np.inf)
    assert level("mix", silent, -14, -1).gain == 1
    assert "silent" in level("mix", silent, -14, -1).warning
    assert level("mix", silent, None, -1).warning == ""


def test_rescale_turns_all_files_down_alike(tmp_path):
    loud = preset(("vocals",), [Mix("loud", {}, remaining=12.0)])
    files, manifest, said = bounced(tmp_path, music(), loud, clip="rescale")
    assert 0.99 < np.abs(files["loud"]).max() <= 1
    peaks = [np.abs(file).max() for file in (files["vocals"], files["loud"])]
    assert peaks[0] / peaks[1] == pytest.approx(GAINS["vocals"] / 10**0.6, rel=1e-4)
    gain = peaks[0] / np.abs(GAINS["vocals"] * music()).max()
    assert gain < 1
    assert manifest["gain"] == pytest.approx(gain, rel=1e-4)
    (line,) = [line for line in said if "turned down" in line]
    assert line == f"all files were turned down by {-20 * np.log10(gain):.2f} dB (--clip rescale)"


@pytest.mark.parametrize("stamp", [0, 1000])
def test_files_begin_in_time_where_the_stretch_of_the_song_does(tmp_path, stamp):
    bounced(tmp_path, music(), preset(("bass",), [SONG]), stamp=stamp, start=0.5)
    for name in ("bass", "song"):
        found = read_time_reference(tmp_path / f"out/song/{name}.wav")
        assert found == stamp + RATE // 2, name


def test_more_than_the_format_holds_is_refused_before_it_is_written(tmp_path):
    take = Take(tmp_path / "take.f32", 2, 100, 0.0, None)
    source = Source(tmp_path, tmp_path, RATE, 2, 100, {}, None)
    with pytest.raises(UsageError, match="aiff holds 4"):
        encode_take(take, tmp_path / "out.aiff", Encoding("aiff", "32f"), source, frames=2**30)
    assert not list(tmp_path.iterdir())


def test_mono_songs_pass_effects_too(tmp_path):
    song = music(channels=1)
    wanted = preset(("vocals",), [KARAOKE], {"vocals": HALL}, widths={"vocals": 0.0})
    files, manifest, _ = bounced(tmp_path, song, wanted)
    assert manifest["channels"] == 1
    assert files["karaoke"].shape == (RATE,)


def test_width_zero_is_mono_and_two_doubles_the_sides():
    song = music()
    middle, side = song.mean(axis=0), (song[0] - song[1]) / 2
    np.testing.assert_allclose(widen(song, 0.0), [middle, middle], atol=1e-7)
    np.testing.assert_allclose(widen(song, 2.0), [middle + 2 * side, middle - 2 * side], atol=1e-6)
    assert widen(song, 1.0) is song
    assert widen(song[:1], 0.0).shape == (1, RATE)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(shipped_folder().glob("*.toml")), ids=lambda p: p.stem)
@pytest.mark.parametrize("kind", ["real", "demo"])
def test_every_shipped_preset_bounces(tmp_path, path, kind):
    if kind == "real":
        song = soundfile.read(real_song(), dtype="float32", frames=6 * RATE)[0].T
    else:
        song = np.sum(list(synth.song(synth.DEMO_SEED, 4).values()), axis=0)
    wanted = Preset.load(path)
    files, manifest, said = bounced(tmp_path, song, wanted, "spectral")
    frames = song.shape[1]
    expected = {*wanted.written_stems(FOUR), *wanted.out_mixes}
    assert files.keys() == expected
    for name, file in files.items():
        assert file.shape[1] >= frames if wanted.keep_tails else file.shape == song.shape, name
        assert 0.01 < np.abs(file).max() <= 1, name
    for mix in manifest["mixes"]:
        target = wanted.mixes[mix["name"]].loudness
        assert mix["loudness"] == (None if target is None else pytest.approx(target, abs=0.05))
    assert [line for line in said if "preview" not in line] == []
    assert BounceSettings().format == manifest["identity"]["settings"]["format"]
