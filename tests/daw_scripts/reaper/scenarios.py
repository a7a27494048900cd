"""Scripts of daw_scripts/reaper, run against stand_in.lua with the real `stembridge bounce`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bridge.runtime.plugin_files import start_command
from tests.daw_scripts.lua import PATIENCE_SECONDS, SCRIPTS, literal, run, with_options

HERE = Path(__file__).parent
BOUNCE = "Stem Bridge_Bounce the selected items to stem tracks.lua"
LIVE = "Stem Bridge_Live split of the selected tracks.lua"
# What would be run by a shell that was given it unquoted, and what Windows' shells would take.
HOSTILE = (
    'it\'s "$(touch PWNED)" `touch PWNED`; touch PWNED & %PATH% ü 音 𝄞'
    " \u2019); touch PWNED; (\u2018 '\u2019 \u201a \u201b.wav"
)
# What PowerShell takes for a single quote, of any kind: also one that ends what another began.
_QUOTE = "['\u2018\u2019\u201a\u201b]"
_LITERAL = re.compile(rf"{_QUOTE}((?:[^{_QUOTE[1:-1]}]|{_QUOTE}{{2}})*){_QUOTE}")


class Reaper:
    """A REAPER with the scripts installed, a project folder and songs below `folder`.

    seen: the lines of each script that were run, by the file's name.
    """

    def __init__(self, folder: Path, seen: dict[str, set[int]] | None = None) -> None:
        self.folder = folder
        self.project = folder / "project's folder ü"
        self.project.mkdir(parents=True)
        self.config = folder / "config"
        self.config.mkdir()
        self.record(list(start_command()))
        self.seen = defaultdict(set) if seen is None else seen
        self.scripts = folder / "Scripts"
        shutil.copytree(SCRIPTS / "reaper", self.scripts / "reaper")
        shutil.copytree(SCRIPTS / "common", self.scripts / "common")
        self.set(model="spectral")

    def record(self, command: list[str]) -> None:
        """Have `stembridge plugin install` written this command down."""
        (self.config / "plugin.json").write_text(json.dumps({"command": command}))

    def set(self, **options: object) -> None:
        """Write options into the scripts as a user does."""
        for name in (BOUNCE, LIVE):
            file = self.scripts / "reaper" / name
            file.write_text(with_options(file.read_text(), options))

    def song(self, rate: int, seconds: float = 3.0, name: str = HOSTILE) -> tuple[Path, np.ndarray]:
        """A file below the project, and its samples (frames, 2)."""
        count = int(rate * seconds)
        noise = np.random.default_rng(count).uniform(-0.3, 0.3, (count, 2))
        tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(count) / rate)
        samples = (noise + tone[:, None]).astype(np.float32)
        file = self.folder / name
        soundfile.write(file, samples, rate, subtype="FLOAT")
        return file, samples

    def play(self, script: str = BOUNCE, **scenario: Any) -> dict[str, Any]:
        """What became of the project: see play.lua."""
        asked = {
            "action": self.scripts / "reaper" / script,
            "project": self.project,
            "windows_commands": self.folder / "windows.txt",
            **scenario,
        }
        file, out = self.folder / "scenario.lua", self.folder / "out.json"
        file.write_text("return " + literal(asked))
        environment = {"STEMBRIDGE_CONFIG_DIR": str(self.config), **scenario.get("environment", {})}
        run(HERE / "play.lua", file, out, **environment)
        text = out.read_bytes().decode(errors="surrogateescape")
        played: dict[str, Any] = json.loads(text)
        for path, lines in (played.pop("lines") or {}).items():
            self.seen[Path(path).name] |= set(map(int, lines))
        assert not list(self.folder.rglob("PWNED"))
        assert not Path("PWNED").exists()
        return played


def item(path: Path, samples: np.ndarray, rate: int, **more: Any) -> dict[str, Any]:
    """An item that plays the file: see stand_in.lua."""
    length = len(samples) / rate
    given = {"D_POSITION": 1.0, "D_LENGTH": length} | more.pop("values", {})
    fixed = {"file": path, "rate": rate, "length": length, "name": "song", "values": given}
    return fixed | more


@contextmanager
def windows(folder: Path) -> Iterator[list[str]]:
    """Start what ExecProcess is asked for on a Windows that is no Windows. Gives the commands."""
    commands, ended = folder / "windows.txt", threading.Event()
    commands.write_text("")
    started: list[str] = []
    running: list[subprocess.Popen[bytes]] = []

    def serve() -> None:
        while not ended.is_set():
            for command in commands.read_text().splitlines()[len(started) :]:
                started.append(command)
                if command.startswith("taskkill.exe"):
                    running[-1].kill()
                else:
                    threading.Thread(target=_power_shell, args=(command, running)).start()
            time.sleep(0.02)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield started
    finally:
        ended.set()
        thread.join()


def _power_shell(command: str, running: list[subprocess.Popen[bytes]]) -> None:
    """What PowerShell makes of a script of stembridge_job.lua: only what such a script has."""
    match = re.fullmatch(
        r'powershell\.exe -NoProfile -ExecutionPolicy Bypass -WindowStyle Hidden -File "([^"]+)"',
        command,
    )
    assert match is not None, command
    text = Path(match[1]).read_text(encoding="utf-8-sig")
    # In single quotes nothing means anything but two of them, of which the second is meant.
    literals = [re.sub(f"{_QUOTE}({_QUOTE})", r"\1", found) for found in _LITERAL.findall(text)]
    commands = re.sub(r"\$(run|null)\b", "", _LITERAL.sub("", text))
    assert not re.search(rf"[$;&|`]|touch|{_QUOTE}", commands), commands
    program, *words, events, errors, pid, status = literals
    assert all(word.startswith('"') and word.endswith('"') for word in words)
    arguments = [re.sub(r"(\\+)$", lambda m: m[1][: len(m[1]) // 2], w[1:-1]) for w in words]
    with Path(events).open("wb") as out, Path(errors).open("wb") as err:
        process = subprocess.Popen([program, *arguments], stdout=out, stderr=err)
    running.append(process)
    Path(pid).write_text(f"{process.pid}\r\n")
    Path(status).write_text(f"{process.wait(PATIENCE_SECONDS)}\r\n")


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that name something below `folder`."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except OSError:
            continue
        if (
            os.fsencode(str(folder)) in words
            and b"bounce" in words
            and int(file.parts[2]) != os.getpid()
        ):
            found.append(words.decode(errors="replace"))
    return found
