"""`stembridge stream` through a real sidecar, against `stembridge bounce` of the same song."""

import json

import numpy as np
import pytest
import soundfile

from bridge.engine.stft import hop_for
from tests.attempts import tried
from tests.cli.helpers import STEMS, bounce, manifest, read, refused, song, tree, write
from tests.runtime.test_live_effects import TEXT as EFFECTS
from tests.server.playing import measured
from tests.server.sidecar import Sidecar
from tests.tiny import synth

RATE = 44_100
FRAMES = 2 * RATE + 77
FLOAT = ("--bits", "32f")


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory):
    with Sidecar(tmp_path_factory.mktemp("s"), "--calibrate", "1") as running:
        yield running


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder with a synthesised song, and its stems as `bounce` makes them."""
    folder = tmp_path_factory.mktemp("music")
    mix = np.stack([*synth.song(3, 3.0).values()]).sum(axis=0, dtype=np.float64)[:, :FRAMES].T
    write(folder / "song.wav", mix)
    ended = bounce("song.wav", "-o", "bounced", "-m", "spectral", *FLOAT, cwd=folder)
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture
def stream(sidecar, music, tmp_path):
    """Runs `stembridge stream` of the song and returns what it printed; results are below `out`."""

    def run(*options, path=music / "song.wav", status=0):
        ended = sidecar.run("stream", str(path), "-o", str(tmp_path / "out"), *options)
        assert status is None or ended.status == status, ended.err
        return ended

    return run


def stems(folder, names=STEMS):
    return {name: read(folder / "song" / f"{name}.wav") for name in names}


def difference(found, wanted):
    return max(float(np.abs(found[name] - wanted[name]).max()) for name in STEMS)


@pytest.mark.slow
def test_the_files_are_those_of_a_bounce(stream, music, tmp_path):
    ended = stream(*FLOAT)
    assert tree(tmp_path / "out").keys() == tree(music / "bounced").keys()
    found = stems(tmp_path / "out")
    assert {signal.shape for signal in found.values()} == {(FRAMES, 2)}
    assert difference(found, stems(music / "bounced")) <= 1e-6
    assert ended.out.splitlines()[:4] == [
        str(tmp_path / "out" / "song" / f"{name}.wav") for name in STEMS
    ]
    assert "late 0 of" in ended.out
    said = manifest(tmp_path / "out" / "song")
    assert said["frames"] == FRAMES
    assert said["live"]["figures"]["late_frames"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--block", "random", "--seed", "5"),
        ("--block", "1000", "--latency", "1000"),
        ("--origin", str(-2 * hop_for(RATE))),
    ],
)
def test_neither_blocks_nor_latency_nor_a_grid_that_meets_change_anything(
    stream, music, tmp_path, options
):
    stream(*FLOAT, *options)
    assert difference(stems(tmp_path / "out"), stems(music / "bounced")) <= 1e-5


@pytest.mark.slow
def test_stems_sum_to_the_song_from_an_origin_on(stream, music, tmp_path):
    stream(*FLOAT, "--origin", "10007")
    found = stems(tmp_path / "out")
    mix = read(music / "song.wav")
    assert not any(signal[:10_007].any() for signal in found.values())
    np.testing.assert_allclose(sum(found.values())[10_007:], mix[10_007:], atol=1e-6)


def test_a_grid_that_begins_in_the_silence_before(stream, music, tmp_path):
    stream(*FLOAT, "--origin", "-333")
    found = stems(tmp_path / "out")
    np.testing.assert_allclose(sum(found.values()), read(music / "song.wav"), atol=1e-6)
    assert 0 < difference(found, stems(music / "bounced")) < 0.5


@pytest.mark.slow
def test_at_another_rate(stream, tmp_path):
    stream(*FLOAT, "--rate", "48000")
    info = soundfile.info(tmp_path / "out" / "song" / "bass.wav")
    assert info.samplerate == 48_000
    assert info.frames == -(-FRAMES * 48_000 // RATE)
    assert manifest(tmp_path / "out" / "song")["rate"] == 48_000


@pytest.mark.slow
def test_the_residual_in_a_file_or_nowhere(stream, music, tmp_path):
    stream(*FLOAT, "--residual", "file", "-m", "fake")
    found = stems(tmp_path / "out", (*STEMS, "residual"))
    mix = read(music / "song.wav")
    np.testing.assert_allclose(found["drums"], mix / 2, atol=1e-6)
    np.testing.assert_allclose(found["residual"], mix / 16, atol=1e-6)
    stream(*FLOAT, "--residual", "off", "-m", "fake", "-o", str(tmp_path / "off"))
    assert not (tmp_path / "off" / "song" / "residual.wav").exists()
    np.testing.assert_allclose(stems(tmp_path / "off")["other"], mix / 16, atol=1e-6)


@pytest.mark.slow
def test_formats_and_bits(stream, tmp_path):
    stream("-m", "fake")
    assert soundfile.info(tmp_path / "out" / "song" / "bass.wav").subtype == "PCM_24"
    stream("-m", "fake", "--format", "flac", "--bits", "16", "-o", str(tmp_path / "flac"))
    assert soundfile.info(tmp_path / "flac" / "song" / "bass.flac").subtype == "PCM_16"


def test_mono(stream, tmp_path):
    mono = write(tmp_path / "mono.wav", np.full((30_000, 1), 0.25))
    stream(*FLOAT, "-m", "fake", path=mono)
    found = read(tmp_path / "out" / "mono" / "drums.wav")
    assert found.shape == (30_000, 1)
    np.testing.assert_allclose(found, 0.125, atol=1e-6)


@pytest.mark.slow
def test_a_song_shorter_than_a_block(stream, tmp_path):
    short = write(tmp_path / "short.wav", np.full((5, 2), 0.25))
    stream(*FLOAT, path=short)
    found = [read(tmp_path / "out" / "short" / f"{name}.wav") for name in STEMS]
    np.testing.assert_allclose(sum(found), 0.25, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--block", "512"), ("--block", "random")])
def test_in_real_time(stream, music, tmp_path, options):
    options = (*FLOAT, "--realtime", "--latency", "1000", "--overwrite", *options)
    ended = tried(lambda: stream(*options), lambda ended: "late 0 of" in ended.out)
    assert "late 0 of" in ended.out
    assert "latency 44100 frames, 1000.0 ms at 44100 Hz" in ended.out
    assert "round trip" in ended.out
    assert difference(stems(tmp_path / "out"), stems(music / "bounced")) <= 1e-5


@pytest.mark.slow
def test_a_latency_by_name_is_a_part_of_the_window(sidecar, stream, tmp_path):
    """Where a stop of this machine was measured, no hop is long enough, and it is forgotten."""

    def granted():
        ended = stream("-m", "tests/tiny/weights", "--latency", "low", status=None)
        if ended.status:
            measured(sidecar).unlink()
        return ended

    ended = tried(granted, lambda ended: ended.status == 0)
    assert ended.status == 0, ended.err
    live = manifest(tmp_path / "out" / "song")["live"]
    assert live["played"]["latency_name"] == "low"
    plan = live["plan"]
    assert (plan["window"], plan["lookahead"]) == (171_990 // 2, 2048)
    assert live["figures"]["late_frames"] == 0


def test_json_is_the_manifest(stream, tmp_path):
    ended = stream("--json", "-m", "fake")
    assert json.loads(ended.out) == manifest(tmp_path / "out" / "song")
    assert ended.out.count("\n") == 1


@pytest.mark.slow
def test_results_that_exist_stay(stream, tmp_path):
    stream("-m", "fake")
    before = tree(tmp_path)
    refused(stream("-m", "fake", status=4), 4, "--overwrite")
    assert tree(tmp_path) == before
    stream("-m", "spectral", "--overwrite")
    assert tree(tmp_path) != before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--block", "0"), 2, ("--block", "'0'", "1 to 65536")),
        (("--block", "65537"), 2, ("--block", "65537")),
        (("--block", "many"), 2, ("--block", "many", "random")),
        (("--latency", "soon"), 2, ("--latency", "soon", "auto, low, balanced, quality")),
        (("--latency", "nan"), 2, ("latency", "nan")),
        (("--latency", "-5"), 2, ("latency", "-5")),
        (("--latency", "1"), 2, ("smallest possible", "ms")),
        (("--latency", "60001"), 2, ("latency", "60000")),
        (("--rate", "7999"), 2, ("rate", "7999", "8000")),
        (("--rate", "384001"), 2, ("rate", "384001")),
        (("--rate", "fast"), 2, ("--rate", "fast")),
        (("--context", "0"), 2, ("context", "0")),
        (("--context", "1"), 2, ("--context",)),
        (("--origin", "early"), 2, ("--origin", "early")),
        (("--bits", "12"), 2, ("--bits", "12")),
        (("--seed", "-1"), 2, ("--seed", "-1")),
        (("--connection", "nowhere.json"), 10, ("nowhere.json", "copy")),
        (("-m", "no-such-model"), 5, ("no-such-model",)),
        (("-m", "fake:cost=99"), 5, ("99", "cost")),
        (("-m", ""), 2, ("--model",)),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(stream, tmp_path, options, status, words):
    refused(stream(*options, status=status), status, *words)
    assert not (tmp_path / "out").exists() or tree(tmp_path / "out") == {}


def test_an_origin_beyond_the_song_is_refused(stream):
    refused(stream("-m", "fake", "--origin", str(FRAMES), status=2), 2, "--origin", str(FRAMES))


def test_a_song_that_is_not_there(stream, tmp_path):
    refused(stream(path=tmp_path / "none.wav", status=3), 3, "none.wav")


def test_without_a_sidecar(tmp_path):
    home = tmp_path / "r"
    ended = bounce_stream(tmp_path, {"STEMBRIDGE_RUNTIME_DIR": str(home)})
    refused(ended, 10, "no sidecar is running", "stembridge serve")


def bounce_stream(folder, environment):
    """`stembridge stream` where nothing serves."""
    alone = Sidecar(folder)
    alone.environment.update(environment)
    return alone.run("stream", str(song(folder)), "-o", str(folder / "out"))


@pytest.mark.slow
def test_what_lasts_is_said_once_where_there_is_no_terminal(music, tmp_path):
    with Sidecar(tmp_path, "--calibrate", "6") as sidecar:
        ended = sidecar.run("stream", str(music / "song.wav"), "-o", str(tmp_path / "out"))
    assert ended.status == 0
    assert ended.err.count("measuring this machine ...\n") == 1


@pytest.mark.slow
def test_a_preset_is_live_what_it_is_in_a_bounce(sidecar, stream, music, tmp_path):
    folder = sidecar.folder / "c" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "live.toml").write_text(EFFECTS)
    preset = ("--preset", "live", *FLOAT)
    ended = sidecar.run("bounce", str(music / "song.wav"), "-o", str(tmp_path / "b"), *preset)
    assert ended.status == 0, ended.err
    stream(*preset)
    offline = stems(tmp_path / "b")
    assert difference(stems(tmp_path / "out"), offline) <= 1e-5
    assert difference(offline, stems(music / "bounced")) > 0.01


def test_a_preset_that_is_not_there_is_refused(sidecar, music):
    ended = sidecar.run("stream", str(music / "song.wav"), "--preset", "karaokee")
    refused(ended, 2, "no preset is called 'karaokee' (did you mean karaoke?)")
