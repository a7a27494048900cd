"""Ardour with its window, on a screen of its own, and what is exported from its sessions."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import soundfile

from tests.daw_scripts.lua import SCRIPTS, with_options
from tests.hosts.ardour.host import Ardour
from tests.hosts.screen import Screen

HERE = Path(__file__).parent
PATIENCE_SECONDS = 300.0

# Of gtk2_ardour/luasignal_syms.h in 7.3: how many signals there are, and which comes each second.
SIGNALS, EVERY_SECOND = 49, 46
CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
 <Config>
  <Option name="hide-dummy-backend" value="0"/>
 </Config>
 <Extra><AudioMIDISetup><EngineStates>
  <State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device="Silence"
   output-device="Silence" sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0"
   output-latency="0" lm-input="" lm-output="" active="1" use-buffered-io="0"
   midi-option="1 in, 1 out, Silence" lru="1"><MIDIDevices/></State>
 </EngineStates></AudioMIDISetup></Extra>
</Ardour>
"""

Region = tuple[str, str, int, int, bool]  # track, name, position and length in frames, muted


@dataclass(frozen=True)
class Seen:
    """What was in the session at one time."""

    routes: tuple[str, ...]
    regions: tuple[Region, ...]


def install(ardour: Ardour, **options: object) -> Path:
    """Copy the scripts to where Ardour has a user's, with options written into them."""
    folder = ardour.home / ".config" / "ardour7" / "scripts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in (*SCRIPTS.glob("ardour/*.lua"), *SCRIPTS.glob("common/*.lua")):
        text = with_options(file.read_text(), options)
        (folder / file.name).write_text(text)
    return folder


def act(ardour: Ardour, session: Path, action: Path, what: str, log: Path) -> dict[str, Seen]:
    """Open the session in Ardour's editor, select all of `what` (tracks or regions), run the action
    and save the session.

    What was there before and after it, after one undo, and after one redo.
    """
    _choose(ardour, action, what, log)
    file = session / "session.ardour"  # the engine that made it is not the one that Ardour starts
    file.write_text(re.sub(r"<EngineHints[^>]*/>", "", file.read_text()))
    log.unlink(missing_ok=True)
    with (
        Screen(ardour.home / "screen.log") as screen,
        (ardour.home / "editor.log").open("wb") as out,
    ):
        environment = ardour.environment | {
            "DISPLAY": screen.environment["DISPLAY"],
            "ARDOUR_TRY_AUTOSTART_ENGINE": "1",
        }
        process = subprocess.Popen(
            ["ardour", "-n", "-a", file], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while "saved" not in _read(log) and process.poll() is None:
                if time.monotonic() > deadline:
                    seen = ardour.home / "screen.png"
                    command = ["import", "-window", "root", str(seen)]
                    subprocess.run(command, env=environment, check=True)
                    raise AssertionError(f"the script has not ended: see {seen}")
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
    said = _read(log)
    assert "saved\t0" in said, said + (ardour.home / "editor.log").read_text(errors="replace")
    return {when: _seen(said, when) for when in ("before", "after", "undone", "redone")}


def _read(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def _seen(said: str, when: str) -> Seen:
    lines = [line.split("\t")[1:] for line in said.splitlines() if line.startswith(f"{when}\t")]
    routes = sorted((int(order), name) for kind, name, order, *_ in lines if kind == "route")
    regions = [
        (track, name, int(position), int(length), muted == "true")
        for kind, track, name, position, length, muted in (x for x in lines if x[0] == "region")
    ]
    return Seen(tuple(name for _, name in routes), tuple(regions))


def _choose(ardour: Ardour, action: Path, what: str, log: Path) -> None:
    """Have the action in the first slot and the hook beside it, as if a user had chosen them."""
    config = ardour.home / ".config" / "ardour7"
    (config / ".a7").touch()  # else it welcomes a new user
    (config / "config").write_text(CONFIG)
    hook = ardour.home / "hook.lua"
    text = (HERE / "hook.lua").read_text().replace("@LOG@", str(log)).replace("@WHAT@", what)
    hook.write_text(text)
    actions = "scripts = {} scripts[1] = {} " + _state(ardour, "scripts[1]", action)
    hooks = "s = {} " + _state(ardour, "s", hook)
    bits = "".join("1" if bit == EVERY_SECOND else "0" for bit in reversed(range(SIGNALS)))
    (config / "ui_scripts").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts>'
        f'<ActionScript lua="Lua 5.3">{_coded(actions)}</ActionScript>'
        f'<ActionHooks><LuaCallback lua="Lua 5.3" id="1" name="hook" signals={quoteattr(bits)}>'
        f"{_coded(hooks)}</LuaCallback></ActionHooks></UIScripts>"
    )


def _state(ardour: Ardour, name: str, script: Path) -> str:
    done = subprocess.run(
        ["ardour7-lua", HERE / "state.lua", name, script],
        env=ardour.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode("latin-1").partition("\nBEGIN")[2].rpartition(" END")[0]


def _coded(state: str) -> str:
    return b64encode(state.encode("latin-1")).decode()


def lua(ardour: Ardour, script: str, *arguments: object) -> str:
    """What a script beside this file prints."""
    done = subprocess.run(
        ["ardour7-lua", HERE / script, *map(str, arguments)],
        env=ardour.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said + done.stderr.decode(errors="replace")
    return said


def export(
    ardour: Ardour, session: Path, frames: int, routes: Mapping[str, str] | None = None
) -> dict[str, np.ndarray]:
    """The first frames of the session, (2, frames), by the keys of `routes`, whose values are
    names of tracks or buses; without it what the master's first pair has, as "master"."""
    out = session.parent / "exported"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    asked = {"session": session, "out": out, "frames": frames, "block": 1024}
    keys = list(routes) if routes else ["master"]
    if routes:
        asked["routes"] = "|".join(routes.values())
    said = lua(ardour, "export.lua", *(f"{key}={value}" for key, value in asked.items()))
    assert "exported true" in said, said  # its print has spaces
    rows = soundfile.read(out / "export.wav", dtype="float32", always_2d=True)[0].T
    return {key: rows[2 * n : 2 * n + 2] for n, key in enumerate(keys)}
