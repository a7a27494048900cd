"""What tests in Ardour share: one Ardour, its sessions, a sidecar, and the log of the plug-in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.hosts.ardour.host import Ardour, is_installed
from tests.hosts.ardour.journal import Journal
from tests.hosts.plugin import bundle
from tests.server.hosting import pretend
from tests.server.sidecar import Sidecar

SECONDS = 3
COST_US = 100
"""What a run is said to take: a machine that is busy when it is measured would not grant the plan
that the plug-in has before it asks, and every session may double what the next one is told."""

RATES = (44_100, 48_000, 96_000)
IS_FULL = os.environ.get("STEMBRIDGE_FULL") == "1"


def pytest_collection_modifyitems(items):
    """Where Ardour or the plug-in is missing every test here is skipped, and says so."""
    here = Path(__file__).parent
    why = ""
    if not is_installed():
        why = "no Ardour 7; `apt-get install --no-install-recommends ardour`"
    elif not (bundle("VST3").exists() and bundle("LV2").exists()):
        why = "no plug-in was built; `make shim` does it"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if why:
                item.add_marker(pytest.mark.skip(reason=why))


def play_song(rate: int, seconds: int = SECONDS) -> np.ndarray:
    """Noise with a beat and tones in it, so that no stem is silent; it begins with a sound."""
    random = np.random.default_rng(rate)
    at = np.arange(seconds * rate) / rate
    beat = np.exp(-20 * (at % 0.5)) * random.uniform(-1, 1, (2, len(at)))
    tones = np.sin(2 * np.pi * 440 * at) + np.sin(2 * np.pi * 70 * at)
    song = (0.1 * random.uniform(-1, 1, (2, len(at))) + 0.3 * beat + 0.2 * tones).astype("f4")
    assert (song[:, 0] != 0).all()
    return song


@pytest.fixture(scope="session")
def journal(folder) -> Journal:
    return Journal(folder / "plugin.log")


@pytest.fixture
def cleared(journal):
    """The log has only what this test makes."""
    journal.clear()


@pytest.fixture(scope="session")
def ardour(folder, journal) -> Ardour:
    return Ardour(
        folder / "home",
        STEMBRIDGE_PLUGIN_LOG=str(journal.path),
        STEMBRIDGE_RUNTIME_DIR=str(folder / "r"),
        STEMBRIDGE_CONFIG_DIR=str(folder / "c"),
    )


@pytest.fixture(scope="session")
def sessions(ardour) -> Callable[[int, int], Path]:
    """Sessions that play `play_song(rate, seconds)` and have no plug-in yet; each call gives a
    new one."""
    made: dict[tuple[int, int], Path] = {}
    count = 0

    def copy(rate: int, seconds: int = SECONDS) -> Path:
        nonlocal count
        if (rate, seconds) not in made:
            song = play_song(rate, seconds)
            made[rate, seconds] = ardour.make(f"{rate}-{seconds}/song", song, rate)
        count += 1
        # Ardour looks for the audio below the name of the folder, which stays the same.
        return Path(shutil.copytree(made[rate, seconds], ardour.home / f"copy-{count}" / "song"))

    return copy


def make_ready(server: Sidecar, *rates: int) -> None:
    """Have a machine that is quick at these rates, however busy this one is."""
    for rate in set(map(str, rates)) - _measured(server):
        file = server.folder / "short.wav"
        soundfile.write(file, np.zeros((int(rate), 2), "f4"), int(rate), subtype="FLOAT")
        ended = server.run("stream", str(file), "-o", str(server.folder / "short"), "--overwrite")
        assert ended.status == 0, ended.err
    pretend(server, COST_US)


def _measured(server: Sidecar) -> set[str]:
    file = Path(server.environment["STEMBRIDGE_CONFIG_DIR"]) / "calibration.json"
    found = json.loads(file.read_text())["entries"] if file.exists() else []
    return {entry["key"]["rate"] for entry in found if entry["key"]["model"] == "spectral"}


@pytest.fixture(scope="module")
def running(folder):
    """A sidecar for all tests of a file, which leave it as it is."""
    with Sidecar(folder, "--calibrate", "1") as server:
        yield server


@pytest.fixture
def sidecar(running):
    make_ready(running, *RATES)
    return running
