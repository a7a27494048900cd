"""Memory does not grow with the length of the song.

In full the songs are 3 hours for spectral, 2 hours with a preset and 30 minutes for a network; that
takes long, so that it is done where STEMBRIDGE_FULL is set. Shorter ones are measured elsewhere.
"""

import os
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import soundfile

from tests import networks
from tests.attempts import tried

FULL = bool(os.environ.get("STEMBRIDGE_FULL"))
GROWTH = 50e6  # bytes


def long_song(path, rate, minutes):
    """Music-like noise whose level changes from bar to bar, written a minute at a time."""
    generator = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, 2, "PCM_16") as file:
        for _ in range(minutes):
            level = np.repeat(generator.uniform(0.01, 0.3, 30), 2 * rate)[:, None]
            file.write((generator.standard_normal((60 * rate, 2)) * level).clip(-1, 1))
    return path


# A process's own account, asked at its end: the one that its parent gets begins with the parent's.
PROGRAM = """
import sys
from bridge.cli.main import main
try:
    main()
finally:
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            print(line.split()[1])
"""


def peak_memory(folder, model, rate, minutes, *options):
    """Peak resident bytes of `stembridge bounce`."""
    song = long_song(folder / "song.wav", rate, minutes)
    words = ["bounce", str(song), "-m", model, "-o", str(folder / "out"), "-q", *options]
    peak = peak_of(words)
    written = soundfile.info(next((folder / "out/song").glob("*.wav"))).frames
    assert written == minutes * 60 * rate
    shutil.rmtree(folder / "out")
    return peak


def peak_of(words):
    """Peak resident bytes of a `stembridge` command."""
    command = [sys.executable, "-c", PROGRAM, *words]
    # One arena: how glibc spreads threads over arenas would be measured otherwise.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.splitlines()[-1]) * 1024


def check_growth(peak, minutes):
    """Assert that so long a song takes no more memory than one minute does, at least once in two.

    peak: gives the peak resident bytes for so many minutes.
    """
    short = peak(1)
    long = tried(lambda: peak(minutes), lambda found: found - short <= GROWTH, times=2)
    print(f"{short / 1e6:.0f} MB and {long / 1e6:.0f} MB")  # noqa: T201 - figures to quote
    assert long - short <= GROWTH


@pytest.fixture(autouse=True)
def on_linux():
    if not sys.platform.startswith("linux"):
        pytest.skip("peak memory is read from /proc")


@pytest.mark.slow
def test_spectral_needs_no_more_for_a_long_song(tmp_path):
    check_growth(partial(peak_memory, tmp_path, "spectral", 44100), 180 if FULL else 8)


@pytest.mark.slow
def test_a_network_needs_no_more_for_a_long_song(tmp_path):
    networks.save_network(networks.hybrid(), tmp_path / "small.safetensors")
    model = str(tmp_path / "small.safetensors")
    check_growth(partial(peak_memory, tmp_path, model, networks.RATE), 30 if FULL else 8)


FIVE_EFFECTS = """
description = "Five effects on a stem, and five on the mix."
when = "To measure memory."
[mixes.mix]
loudness = -20
[outputs]
stems = ["vocals"]
"""
for place in ("stems.vocals", "mixes.mix"):
    for effect in ("HighpassFilter", "Compressor", "Reverb", "PeakFilter", "BrickwallLimiter"):
        FIVE_EFFECTS += f'[[{place}.chain]]\neffect = "{effect}"\n'


@pytest.mark.slow
def test_a_preset_needs_no_more_for_a_long_song(tmp_path):
    (tmp_path / "five.toml").write_text(FIVE_EFFECTS)

    def peak(minutes):
        options = ("--preset", str(tmp_path / "five.toml"))
        return peak_memory(tmp_path, "fake:segment=441000", 44100, minutes, *options)

    check_growth(peak, 120 if FULL else 4)


@pytest.mark.slow
def test_a_chain_needs_no_more_for_a_long_file(tmp_path):
    (tmp_path / "five.toml").write_text(FIVE_EFFECTS)

    def peak(minutes):
        song, out = long_song(tmp_path / "song.wav", 44100, minutes), tmp_path / "out.wav"
        words = ["chain", str(tmp_path / "five.toml"), str(song), "-o", str(out), "--overwrite"]
        found = peak_of([*words, "--mix", "mix", "-q"])
        assert soundfile.info(out).frames == minutes * 60 * 44100
        return found

    check_growth(peak, 120 if FULL else 4)
