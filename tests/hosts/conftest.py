"""What tests in hosts share: private folders for the plug-in, a song, and a sidecar."""

from __future__ import annotations

import gc
import os

import numpy as np
import pytest

from tests.hosts.plugin import FRAMES, RATE
from tests.server.sidecar import Sidecar

# Without any, JUCE takes :0, and a host dies with it where somebody else has one there for a while.
os.environ.setdefault("DISPLAY", "/nonexistent")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the plug-in finds a sidecar. The same for all tests: hosts keep instances, and with
    them the link of this process, for longer than a test."""
    return tmp_path_factory.mktemp("h")


@pytest.fixture(autouse=True)
def places(folder, monkeypatch):
    """The plug-in looks there, as long as a test here runs.

    Instances that only Python's collector frees, such as pedalboard's, are ended after it: each
    would open its session again in the next test's sidecar, and take what that can grant.
    """
    monkeypatch.setenv("STEMBRIDGE_RUNTIME_DIR", str(folder / "r"))
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(folder / "c"))
    yield
    gc.collect()


@pytest.fixture
def song() -> np.ndarray:
    """Noise with a beat and a tone in it, so that no stem is silent: (2, FRAMES)."""
    random = np.random.default_rng(7)
    seconds = np.arange(FRAMES) / RATE
    beat = np.exp(-20 * (seconds % 0.5)) * random.uniform(-1, 1, (2, FRAMES))
    tone = np.sin(2 * np.pi * 440 * seconds) + np.sin(2 * np.pi * 70 * seconds)
    return (0.1 * random.uniform(-1, 1, (2, FRAMES)) + 0.3 * beat + 0.2 * tone).astype(np.float32)


@pytest.fixture
def server(folder):
    with Sidecar(folder, "--calibrate", "1") as running:
        yield running
