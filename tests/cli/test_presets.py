"""`stembridge presets`, `bounce --preset` and `chain`, as a user runs them."""

import json
import signal
import subprocess
import sys
import time
import zipfile
from shutil import copy, copytree, ignore_patterns, rmtree

import numpy as np
import pedalboard
import pytest
import soundfile

from bridge.runtime.chain import BLOCK
from bridge.runtime.preset import Preset
from tests.attempts import tried
from tests.cli.helpers import (
    COMMAND,
    GAINS,
    NOBODY,
    ROOT,
    bounce,
    good,
    manifest,
    music,
    read,
    refused,
    song,
    stopped,
    tree,
    write,
)
from tests.files import present
from tests.hosts.plugin import bundle

STEMBRIDGE = COMMAND[0]
HEAD = 'description = "d"\nwhen = "w"\n'
MINE = HEAD + "[mixes.karaoke]\ngains = { vocals = -inf }\n"
ECHO = HEAD + '[[mix.chain]]\neffect = "Delay"\ndelay_seconds = 0.2\n'


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `stembridge` in a folder of its own, with a config folder there."""
    for name in ("STEMBRIDGE_CONFIG_DIR", "STEMBRIDGE_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "STEMBRIDGE_CONFIG_DIR/presets").mkdir(parents=True)

    def run(*arguments):
        done = subprocess.run(
            [STEMBRIDGE, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def own(tmp_path):
    return tmp_path / "STEMBRIDGE_CONFIG_DIR/presets"


def test_the_list_says_what_is_whose(run, own):
    (own / "karaoke.toml").write_text(MINE)
    (own / "broken.toml").write_text(MINE + "gain = 3\n")
    text = run("presets", "list").stdout
    assert "yours, instead of the one that came along" in " ".join(text.split())
    rows = {row["name"]: row for row in json.loads(run("presets", "list", "--json").stdout)}
    assert (rows["karaoke"]["own"], rows["karaoke"]["hides"]) == (True, True)
    assert rows["acapella"]["when"].startswith("To put a voice")
    assert "line 5: [mixes.karaoke] has no 'gain' (did you mean gains?)" in rows["broken"]["damage"]
    assert len(rows) >= 14


def test_show_and_path(run, own):
    text = " ".join(run("presets", "show", "podcast-speech").stdout.split())
    assert "Compressor (threshold_db -24, ratio 3" in text
    assert "to -16 LUFS" in text
    facts = json.loads(run("presets", "show", "karaoke", "--json").stdout)
    assert facts["mixes"]["karaoke"]["gains"] == {"vocals": None}
    assert facts["outputs"]["mixes"] == ["karaoke"]
    assert run("presets", "path").stdout.strip() == str(own)
    assert run("presets", "path", "karaoke").stdout.strip() == str(ROOT / "presets/karaoke.toml")
    facts = json.loads(run("presets", "path", "--json").stdout)
    assert facts == {"name": None, "path": str(own)}
    facts = json.loads(run("presets", "path", "karaoke", "--json").stdout)
    assert facts == {"name": "karaoke", "path": str(ROOT / "presets/karaoke.toml")}
    refused_line(run("presets", "show", "karaokee"), 2, "did you mean karaoke?")


def refused_line(done, status, *words):
    assert done.returncode == status, done.stderr
    (line,) = done.stderr.splitlines()
    assert all(word in line for word in words), line


def test_check_names_every_broken_one(run, own):
    done = run("presets", "check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": good") >= 14
    (own / "broken.toml").write_text(HEAD + "[mxi]\n")
    done = run("presets", "check", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 2
    assert rows["karaoke"]["ok"]
    assert "line 3: the preset has no 'mxi' (did you mean mix?)" in rows["broken"]["message"]
    refused_line(run("presets", "check", "broken"), 2, "broken.toml, line 3")


def test_check_loads_plug_ins(run, own):
    (own / "plug.toml").write_text(HEAD + '[[mix.chain]]\nplugin = "no.vst3"\n')
    refused_line(run("presets", "check", "plug"), 2, "plug.toml, line 4", "does not exist")
    (own / "no.vst3").write_bytes(b"no plug-in")
    refused_line(run("presets", "check", "plug"), 2, "plug.toml, line 4", "cannot be loaded")


@pytest.mark.parametrize("name", ["state.bin", "inner/state.bin"])
def test_a_state_that_may_not_be_read_is_one_line(common, name):
    (common / "inner").mkdir()
    (common / name).write_bytes(b"x")
    (common / name).chmod(0o600)
    (common / "inner").chmod(0o700)
    (common / "mine.toml").write_text(
        HEAD + f'[[mix.chain]]\nplugin = "."\nstate = "{name}"\n[mixes.all]\n'
    )
    ended = bounce("a.wav", "-m", "fake", "--preset", "mine.toml", cwd=common, before=NOBODY)
    refused(ended, 2, "mine.toml, line 5: ", "state.bin' cannot be read: Permission denied")


def test_a_bounce_with_a_preset(tmp_path):
    song(tmp_path)
    (tmp_path / "mine.toml").write_text(MINE + '[outputs]\nstems = ["bass"]\nbits = "32f"\n')
    ended = good("song.wav", "-m", "fake", "--preset", "mine.toml", "--json", cwd=tmp_path)
    assert set(ended.events[-1]["files"]) == {"bass", "karaoke", "manifest"}
    made = read(tmp_path / "stems/song/karaoke.wav")
    expected = read(tmp_path / "song.wav") * (1 - GAINS["vocals"])
    np.testing.assert_allclose(made, expected, atol=1e-6)
    found = manifest(tmp_path / "stems/song")
    sha256 = Preset.load(tmp_path / "mine.toml").sha256
    assert found["preset"] == {"name": "mine", "sha256": sha256} == found["identity"]["preset"]
    assert [(mix["name"], mix["file"]) for mix in found["mixes"]] == [("karaoke", "karaoke.wav")]
    assert found["mixes"][0]["gains"]["vocals"] is None
    assert [stem["name"] for stem in found["stems"]] == ["bass"]


def test_what_is_typed_wins_over_the_preset_and_it_over_the_defaults(tmp_path):
    song(tmp_path)
    (tmp_path / "mine.toml").write_text(
        MINE + '[separation]\nmodel = "fake"\n[outputs]\nformat = "flac"\nbits = "16"\n'
    )
    environment = {"STEMBRIDGE_BOUNCE_MODEL": "nobody-has-it", "STEMBRIDGE_BOUNCE_BITS": "24"}
    words = ("song.wav", "--preset", "mine.toml", "--format", "wav")
    good(*words, cwd=tmp_path, environment=environment)
    assert soundfile.info(tmp_path / "stems/song/karaoke.wav").subtype == "PCM_16"
    again = bounce(*words, "-m", "nobody-has-it", "--overwrite", cwd=tmp_path)
    refused(again, 5, "nobody-has-it")


@pytest.mark.parametrize(
    ("text", "options", "status", "words"),
    [
        (MINE + "x = 1\n", (), 2, "mine.toml, line 5: [mixes.karaoke] has no 'x'"),
        (MINE, ("--stems", "bass"), 2, "--stems and --preset exclude each other"),
        (MINE, ("--two-stems", "bass"), 2, "--two-stems and --preset"),
        (MINE, ("--residual", "file"), 2, "--residual file and --preset"),
        (HEAD + '[outputs]\nstems = ["voice"]\n', (), 5, "no stem 'voice'"),
        (HEAD + '[[mix.chain]]\nplugin = "."\n', (), 2, "line 4"),
        (
            HEAD + '[[mix.chain]]\neffect = "LowpassFilter"\ncutoff_frequency_hz = 30000\n',
            (),
            2,
            "line 4: LowpassFilter: cutoff_frequency_hz = 30000 does not work at 44100 Hz",
        ),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(tmp_path, text, options, status, words):
    song(tmp_path)
    (tmp_path / "mine.toml").write_text(text)
    before = tree(tmp_path)
    ended = bounce("song.wav", "-m", "fake", "--preset", "mine.toml", *options, cwd=tmp_path)
    refused(ended, status, words)
    assert tree(tmp_path) == before
    if not options and status == 2:
        done = subprocess.run(
            [STEMBRIDGE, "chain", "mine.toml", "song.wav", "-o", "new/out.wav"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        refused_line(done, 2, words)
        assert tree(tmp_path) == before


def test_resume_does_not_mix_presets(tmp_path):
    song(tmp_path)
    (tmp_path / "mine.toml").write_text(MINE)
    words = ("song.wav", "-m", "fake", "--preset", "mine.toml", "--resume")
    good(*words, cwd=tmp_path)
    skipped = good(*words, "--json", cwd=tmp_path)
    assert skipped.events[-1]["skipped"]
    (tmp_path / "mine.toml").write_text(MINE.replace("-inf", "-6.0"))
    refused(bounce(*words, cwd=tmp_path), 4, "exists already")
    unfinished(tmp_path, words)
    good(*words[:-1], "--overwrite", cwd=tmp_path)
    made = read(tmp_path / "stems/song/karaoke.wav")
    source = read(tmp_path / "song.wav")
    np.testing.assert_allclose(made, source * (1 - GAINS["vocals"] * (1 - 10**-0.3)), atol=1e-6)


def unfinished(folder, words):
    """Work that was interrupted under another preset is not gone on with."""
    again = ["fake:cost=0.5,segment=4410" if w == "fake" else w for w in words] + ["-o", "b"]

    def has_state(process):
        while process.poll() is None and not present(folder, "b/.stembridge-part/*/state.npz"):
            time.sleep(0.005)

    stopped(signal.SIGKILL, has_state, *again, cwd=folder, made="b/song")
    text = (folder / "mine.toml").read_text()
    (folder / "mine.toml").write_text(text + "remaining = -3.0\n")
    refused(bounce(*again, cwd=folder), 8, "sha256 was", "start anew")
    (folder / "mine.toml").write_text(text)


def test_kept_tails_are_resumed_too(tmp_path):
    song(tmp_path)
    (tmp_path / "mine.toml").write_text(ECHO + '[mixes.all]\n[outputs]\ntails = "keep"\n')
    words = ("song.wav", "-m", "fake", "--preset", "mine.toml", "--resume", "--json")
    good(*words, cwd=tmp_path)
    assert manifest(tmp_path / "stems/song")["mixes"][0]["frames"] > 44_100 + 8000
    assert good(*words, cwd=tmp_path).events[-1]["skipped"]


def test_a_file_through_a_chain_equals_pedalboard_by_hand(run, tmp_path):
    source = write(tmp_path / "in.wav", music(50_000), subtype="FLOAT")
    done = run("chain", "podcast-speech", source, "-o", "new/out.wav", "--bits", "32f", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    board = Preset.load("podcast-speech").board(mix="speech")
    board(np.zeros((2, BLOCK), np.float32), 44100, BLOCK, reset=False)
    board.reset()
    padded = np.pad(read(source).T.astype(np.float32), ((0, 0), (0, 3 * BLOCK)))
    heard = [
        board(np.ascontiguousarray(padded[:, at : at + BLOCK]), 44100, BLOCK, reset=False)
        for at in range(0, padded.shape[1], BLOCK)
    ]
    expected = np.concatenate(heard, axis=1)[:, :50_000].T
    made = read(tmp_path / "new/out.wav")
    gain = np.abs(made).max() / np.abs(expected).max()
    assert made.shape == expected.shape
    np.testing.assert_allclose(made, expected * gain, atol=1e-6)
    assert facts["loudness"] == pytest.approx(-16)
    assert facts["preset"]["name"] == "podcast-speech"


@pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it")
def test_a_plug_in_with_latency_is_in_step_in_a_file(run, tmp_path):
    """The project's own in bypass, with a limiter before it that looks ahead."""
    (tmp_path / "plug.toml").write_text(
        HEAD
        + '[[stems.bass.chain]]\neffect = "BrickwallLimiter"\nceiling_db = 0\n'
        + f'[[stems.bass.chain]]\nplugin = "{bundle()}"\nparameters = {{ bypass = true }}\n'
    )
    source = write(tmp_path / "in.wav", music(50_000), subtype="FLOAT")
    done = run("chain", "plug.toml", source, "-o", "out.wav", "--bits", "32f", "--stem", "bass")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(read(tmp_path / "out.wav"), read(source), atol=1e-6)


def test_what_a_killed_chain_leaves_is_gone_after_the_next(run, tmp_path):
    (tmp_path / "echo.toml").write_text(ECHO)
    write(tmp_path / "in.wav", music(4_000_000))
    words = ("chain", "echo.toml", "in.wav", "-o", "new/out.wav")

    def leaves():
        rmtree(tmp_path / "new", ignore_errors=True)
        process = subprocess.Popen([STEMBRIDGE, *words], cwd=tmp_path)
        while process.poll() is None and not present(tmp_path, "**/take.f32"):
            time.sleep(0.005)
        process.kill()
        process.wait()
        return present(tmp_path, "**/take.f32")

    assert tried(leaves, bool)
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.wav"]
    assert not list(tmp_path.glob(".stembridge*"))


def test_tails_of_a_chain(run, tmp_path):
    (tmp_path / "echo.toml").write_text(ECHO)
    source = write(tmp_path / "in.wav", music(44_100))
    for options, longer in (((), False), (("--tails", "keep"), True)):
        done = run("chain", "echo.toml", source, "-o", "out.flac", "--overwrite", *options)
        assert done.returncode == 0, done.stderr
        assert (len(read(tmp_path / "out.flac")) > 44_100) == longer
    frames = len(read(tmp_path / "out.flac"))
    assert frames == pytest.approx(44_100 + 8820, abs=2 * BLOCK)


def test_a_whole_call_is_announced(run, tmp_path):
    (tmp_path / "up.toml").write_text(
        HEAD + '[[mix.chain]]\neffect = "PitchShift"\nsemitones = 2\n'
    )
    source = write(tmp_path / "in.wav", music(30_000), subtype="FLOAT")
    done = run("chain", "up.toml", source, "-o", "out.wav", "--bits", "32f")
    assert "PitchShift gives something else in blocks" in done.stderr
    assert "memory grows" in done.stderr
    shifted = pedalboard.PitchShift(2)(read(source).T.astype(np.float32), 44100)
    np.testing.assert_allclose(read(tmp_path / "out.wav").T, shifted, atol=1e-6)


def test_bits_of_a_preset_that_a_format_cannot_hold_are_its_own_in_both_commands(run, tmp_path):
    write(tmp_path / "in.wav", music(1000))
    text = ECHO + '[mixes.all]\n[outputs]\nbits = "32f"\n'
    (tmp_path / "mine.toml").write_text(text)
    words = 'preset mine has bits = "32f": flac cannot hold --bits 32f; use --bits 24'
    chain = ("chain", "mine.toml", "in.wav", "-o", "out.flac")
    bounce = ("bounce", "in.wav", "-q", "-m", "fake", "--preset", "mine.toml", "--format", "flac")
    for command in (chain, bounce):
        refused_line(run(*command), 2, words)
        refused_line(run(*command, "--bits", "32f"), 2, "flac cannot hold --bits 32f")
        done = run(*command, "--bits", "24")
        assert done.returncode == 0, done.stderr
    for made in ("out.flac", "stems/in/all.flac"):
        assert soundfile.info(tmp_path / made).subtype == "PCM_24"
    done = run("chain", "mine.toml", "in.wav", "-o", "out.ogg")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("karaoke", "in.wav", "-o", "out.wav"), 2, "it only separates"),
        (("vocal-cleanup", "in.wav", "-o", "out.wav"), 2, "use --stem vocals"),
        (("vocal-cleanup", "in.wav", "-o", "out.wav", "--stem", "vocal"), 2, "did you mean vocals"),
        (("vocal-cleanup", "in.wav", "-o", "out.m4a"), 2, "its ending must be one of wav"),
        (("podcast-speech", "none.wav", "-o", "out.wav"), 3, "no such file"),
        (("podcast-speech", "in.wav", "-o", "in.wav", "--overwrite"), 4, "the song"),
        (("podcast-speech", "in.wav", "-o", "there.wav"), 4, "add --overwrite"),
        (("podcast-speech", "in.wav", "-o", "out.mp3", "--bits", "16"), 2, "does not apply"),
        (("podcast-speech", "in.wav", "-o", "o.wav", "--stem", "a", "--mix", "b"), 2, "exclude"),
    ],
)
def test_what_a_chain_cannot_do_is_one_line(run, tmp_path, arguments, status, words):
    write(tmp_path / "in.wav", music(1000))
    write(tmp_path / "there.wav", music(10))
    before = tree(tmp_path)
    refused_line(run("chain", *arguments), status, words)
    assert tree(tmp_path) == before


def test_loudness_needs_a_rate_at_which_it_is_defined(run, tmp_path):
    source = write(tmp_path / "in.wav", music(3000), rate=2000)
    (tmp_path / "loud.toml").write_text(HEAD + "[mix]\nloudness = -14\n[mixes.all]\n")
    words = "cannot be measured at 2000 Hz"
    refused_line(run("chain", "loud.toml", source, "-o", "out.wav"), 2, words)
    ended = bounce("in.wav", "-m", "fake", "--preset", "loud.toml", cwd=tmp_path)
    refused(ended, 2, words)
    assert not (tmp_path / "stems").exists()


def test_a_plug_in_that_fails_is_told_once_for_all_songs(tmp_path):
    for name in ("a.wav", "b.wav"):
        song(tmp_path, name)
    (tmp_path / "no.vst3").write_bytes(b"no plug-in")
    (tmp_path / "mine.toml").write_text(HEAD + '[[mix.chain]]\nplugin = "no.vst3"\n')
    ended = bounce("a.wav", "b.wav", "-m", "fake", "--preset", "mine.toml", cwd=tmp_path)
    refused(ended, 2, "mine.toml, line 4", "cannot be loaded")


@pytest.mark.slow
def test_a_wheel_has_the_presets(tmp_path):
    pytest.importorskip("setuptools", "77", reason="a wheel is built with setuptools 77 or newer")
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        copy(ROOT / name, tmp_path)
    for name in ("bridge", "presets"):
        copytree(ROOT / name, tmp_path / name, ignore=ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "-w", "made", "."], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "made").glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "installed")
    names = {path.stem for path in (ROOT / "presets").glob("*.toml")}
    code = "from bridge.runtime.preset_store import entries; print(*[e.path for e in entries()])"
    listed = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path / "made",
        env={"PYTHONPATH": str(tmp_path / "installed"), "STEMBRIDGE_CONFIG_DIR": "none"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {path.rpartition("/")[2] for path in listed} == {f"{name}.toml" for name in names}
    assert all(path.startswith(str(tmp_path / "installed/bridge/presets")) for path in listed)
