"""Memory does not grow with the length of the song.

In full the songs are 3 hours for spectral and 30 minutes for a network; that takes long, so that it
is done where STEMBRIDGE_FULL is set, and shorter ones are measured everywhere else.
"""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests import networks

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


def peak_memory(folder, model, rate, minutes):
    """Peak resident bytes of `stembridge bounce`."""
    song = long_song(folder / "song.wav", rate, minutes)
    command = [sys.executable, "-c", PROGRAM, "bounce", str(song), "-m", model]
    # One arena: how glibc spreads threads over arenas would be measured otherwise.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(
        [*command, "-o", str(folder / "out"), "-q"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    written = soundfile.info(folder / "out/song/drums.wav").frames
    assert written == minutes * 60 * rate
    shutil.rmtree(folder / "out")
    return int(done.stdout) * 1024


@pytest.fixture(autouse=True)
def on_linux():
    if not sys.platform.startswith("linux"):
        pytest.skip("peak memory is read from /proc")


@pytest.mark.slow
def test_spectral_needs_no_more_for_a_long_song(tmp_path):
    short = peak_memory(tmp_path, "spectral", 44100, 1)
    long = peak_memory(tmp_path, "spectral", 44100, 180 if FULL else 8)
    print(f"{short / 1e6:.0f} MB and {long / 1e6:.0f} MB")  # noqa: T201 - figures to quote
    assert long - short <= GROWTH


@pytest.mark.slow
def test_a_network_needs_no_more_for_a_long_song(tmp_path):
    networks.save_network(networks.hybrid(), tmp_path / "small.safetensors")
    model = str(tmp_path / "small.safetensors")
    short = peak_memory(tmp_path, model, networks.RATE, 1)
    long = peak_memory(tmp_path, model, networks.RATE, 30 if FULL else 8)
    print(f"{short / 1e6:.0f} MB and {long / 1e6:.0f} MB")  # noqa: T201 - figures to quote
    assert long - short <= GROWTH
