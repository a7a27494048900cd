"""The editor in a real window, as a user sees and reaches it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.runtime.preset_store import shipped_folder
from tests.hosts.plugin import RATE, bundle
from tests.hosts.screen import Screen, missing
from tests.server.sidecar import PATIENCE_SECONDS, Sidecar, wait_until

HOST = Path(__file__).with_name("editor_host.py")
# Of shim/plugin/look.h.
RED, GREEN = (0xE5, 0x53, 0x4B), (0x3F, 0xB2, 0x7F)
LAMP_WIDTH, LAMP_HEIGHT = 48, 120  # of the corner that has the light, at the size it opens with
FEWEST_COLOURS = 50
NO_DISPLAY = ":4321"
# Of shim/plugin/strip.cpp and wishes.cpp: what Tab leads through before the fader of vocals.
TABS_TO_PRESET, TABS_TO_FADER = 1, 4
STEP_DECIBELS = 0.5

PEDALBOARD = """
import sys, pedalboard
plugin = pedalboard.load_plugin(sys.argv[1])
try:
    plugin.show_editor()
except RuntimeError:
    pass  # it looks for a display itself
print("goes on")
"""
DAWDREAMER = """
import sys, dawdreamer
plugin = dawdreamer.RenderEngine(48000, 512).make_plugin_processor("bridge", sys.argv[1])
try:
    plugin.open_editor()
except RuntimeError:
    pass  # it could not be opened
print("goes on")
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it"),
]
on_a_screen = pytest.mark.skipif(missing() != "", reason=f"apt-get install {missing()}")


class Host:
    """Pedalboard in a process of its own, with the editor open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, line: str) -> None:
        """Have it do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def get(self, name: str) -> str:
        """The value of a parameter."""
        self.say(f"get {name}")
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def standalone() -> Path:
    """The program that is a host by itself."""
    return bundle().parents[1] / "Standalone" / "Stem Bridge"


def without_display(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """How a command ends where there is no display."""
    # JUCE takes :0 where DISPLAY is not set.
    return subprocess.run(
        command,
        env=os.environ | {"HOME": str(folder), "DISPLAY": NO_DISPLAY},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@contextmanager
def hosted(folder: Path, song: np.ndarray, environment: dict[str, str]) -> Iterator[Host]:
    """The plug-in in a host with a window; it has to close without a mistake."""
    file = folder / "song.wav"
    soundfile.write(file, song.T, RATE, subtype="FLOAT")
    with (
        (folder / "host.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(HOST), str(bundle()), str(file)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            host = Host(process)
            yield host
            host.say("close")
            assert process.wait(PATIENCE_SECONDS) == 0, (folder / "host.log").read_text()
        finally:
            process.kill()


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Pixels of that colour."""
    return int((picture == np.array(colour, np.uint8)).all(axis=2).sum())


def lamp(picture: np.ndarray) -> np.ndarray:
    """The corner with the light."""
    return picture[:LAMP_HEIGHT, :LAMP_WIDTH]


@pytest.fixture
def folders(tmp_path_factory, monkeypatch):
    """A folder without a sidecar, which the plug-in and a sidecar started there share."""
    made = tmp_path_factory.mktemp("e")
    monkeypatch.setenv("STEMBRIDGE_RUNTIME_DIR", str(made / "r"))
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(made / "c"))
    return made


@pytest.fixture
def screen(folders):
    with Screen(folders / "screen.log") as running:
        yield running


@on_a_screen
def test_the_light_is_red_without_a_sidecar_and_green_with_one(folders, song, screen):
    with hosted(folders, song, screen.environment) as host:
        window = screen.window("Pedalboard")
        wait_until(lambda: count(lamp(screen.capture(window)), RED) > 0)
        before = screen.capture(window)
        assert len(np.unique(before.reshape(-1, 3), axis=0)) >= FEWEST_COLOURS
        assert count(before, GREEN) == 0
        with Sidecar(folders, "--calibrate", "1"):
            host.say("play")
            wait_until(lambda: count(lamp(screen.capture(window)), GREEN) > 0)
            playing = screen.capture(window)
            assert count(lamp(playing), RED) == 0
            # The meters are green as well.
            assert count(playing, GREEN) > 2 * count(lamp(playing), GREEN)
            host.say("pause")


@on_a_screen
def test_a_fader_mute_and_solo_are_reached_by_keys(folders, song, screen):
    with hosted(folders, song, screen.environment) as host:
        window = screen.window("Pedalboard")
        wait_until(lambda: count(lamp(screen.capture(window)), RED) > 0)
        screen.click(window, 5, 5)
        screen.press(*["Tab"] * TABS_TO_FADER, "Up", "Up")
        wait_until(lambda: float(host.get("vocals_gain_db")) == 2 * STEP_DECIBELS)
        screen.press("Tab", "space")
        wait_until(lambda: host.get("vocals_mute") == "True")
        screen.press("Tab", "Return")
        wait_until(lambda: host.get("vocals_solo") == "True")
        screen.press("shift+Tab", "space")
        wait_until(lambda: host.get("vocals_mute") == "False")


@on_a_screen
def test_a_preset_is_chosen_by_keys_and_sets_the_faders(folders, song, screen):
    with Sidecar(folders, "--calibrate", "1"), hosted(folders, song, screen.environment) as host:
        window = screen.window("Pedalboard")
        host.say("play")
        wait_until(lambda: count(lamp(screen.capture(window)), GREEN) > 0)
        screen.click(window, 5, 5)
        screen.press(*["Tab"] * TABS_TO_PRESET, "Down")  # the first of those that come along
        assert min(path.stem for path in shipped_folder().glob("*.toml")) == "acapella"
        wait_until(lambda: host.get("drums_mute") == "True")
        assert (host.get("bass_mute"), host.get("vocals_mute")) == ("True", "False")
        screen.press("Up")
        wait_until(lambda: count(lamp(screen.capture(window)), GREEN) > 0)
        assert host.get("drums_mute") == "True"  # faders are the user's from then on
        host.say("pause")


@on_a_screen
def test_the_window_takes_other_sizes(folders, song, screen):
    with hosted(folders, song, screen.environment):
        window = screen.window("Pedalboard")
        for width, height in ((640, 480), (1400, 900)):
            screen.resize(window, width, height)
            wait_until(lambda: count(screen.capture(window), RED) > 0)
            picture = screen.capture(window)
            corner = picture[-height // 4 :, -width // 4 :]
            assert len(np.unique(corner.reshape(-1, 3), axis=0)) > 2, "nothing is drawn there"


@on_a_screen
def test_the_standalone_opens_a_window_and_closes(folders, screen):
    environment = screen.environment | {"HOME": str(folders)}
    with subprocess.Popen([str(standalone())], env=environment) as process:
        try:
            window = screen.window("Stem Bridge")
            wait_until(lambda: count(screen.capture(window), RED) > 0)
            screen.run("xdotool", "windowfocus", "--sync", window)
            screen.press("alt+F4")
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()


def test_without_a_display_the_standalone_says_so(folders):
    done = without_display(folders, str(standalone()))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "display" in done.stderr


@pytest.mark.parametrize("script", [PEDALBOARD, DAWDREAMER])
def test_without_a_display_a_host_that_opens_the_editor_goes_on(folders, script):
    done = without_display(folders, sys.executable, "-c", script, str(bundle()))
    assert (done.returncode, done.stdout) == (0, "goes on\n"), done.stderr
