"""Ardour without its window: sessions with the plug-in in them, and what comes out of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import soundfile

from tests.files import present
from tests.hosts.plugin import bundle

SCRIPTS = Path(__file__).parent
LIBRARIES = Path("/usr/lib/ardour7")
SCANNER = LIBRARIES / "ardour-vst3-scanner"
# Of an export that keeps the samples as they are.
PRESET = "11111111-2222-4333-8444-555555555555"
IDS = {"VST3": "ABCDEF019182FAEB537462725374656D", "LV2": "urn:stembridge:stem-bridge"}
"""By which projects find the plug-in: these never change."""

BOUNCED = "bounced"
BUSES = ("main", "vocals", "drums", "bass", "other", "guitar", "piano")
PATIENCE_SECONDS = 120.0

# On machines with AVX-512 the export of 7.3 corrupts its heap, with no plug-in loaded at all; this
# leaves that code path out.
FPU_FLAGS = "95"

# Without any JUCE would take the display :0.0 of whoever has one here.
NO_DISPLAY = ":63999"


def is_installed() -> bool:
    return SCANNER.exists() and shutil.which("ardour7-lua") is not None


@dataclass(frozen=True)
class Played:
    """latency, after: host frames, as Ardour has them before it plays and at its end.

    heard: (channels, frames) of each bus.
    """

    latency: int
    after: int
    heard: dict[str, np.ndarray]


@dataclass(frozen=True)
class Playing:
    """An Ardour that plays a session. As a context it is ended when that is left."""

    process: subprocess.Popen[bytes]
    session: Path

    def exported(self) -> int:
        """Frames that the file of the export has by now."""
        sizes = [file.st_size for file in present(self._out, "*").values()]
        return max(sizes, default=0) // (2 * len(BUSES) * np.dtype(np.float32).itemsize)

    def finish(self) -> Played:
        """Wait for its end, which has to be a good one."""
        text = self.process.communicate(timeout=PATIENCE_SECONDS)[0].decode(errors="replace")
        said = dict(re.findall(r"^(latency|exported|bounced|after)[ \t](.*)$", text, re.MULTILINE))
        assert self.process.returncode == 0, text
        assert "true" in {said.get("exported"), said.get("bounced")}, text
        rows = self._rows("bounced" in said)
        assert len(rows) == 2 * len(BUSES), text
        heard = {bus: rows[2 * n : 2 * n + 2] for n, bus in enumerate(BUSES)}
        return Played(int(said["latency"]), int(said["after"]), heard)

    @property
    def _out(self) -> Path:
        return self.session.parent / "out"

    def _rows(self, is_bounced: bool) -> np.ndarray:
        if not is_bounced:
            rows: np.ndarray = _read(self._out / "export.wav").T
            return rows
        # Of so many channels each has a number in the name of its file.
        files = self.session.glob(f"interchange/*/audiofiles/{BOUNCED}%*.wav")
        return np.stack([_read(file)[:, 0] for file in sorted(files, key=_number)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def _read(file: Path) -> np.ndarray:
    samples: np.ndarray = soundfile.read(file, dtype="float32", always_2d=True)[0]
    return samples


def _number(file: Path) -> int:
    return int(file.stem.rpartition("%")[2])


class Ardour:
    """An Ardour with folders of its own below `home`, which has the plug-in installed."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        kept = {name: text for name, text in os.environ.items() if not name.startswith("XDG_")}
        kept.pop("LV2_PATH", None)
        ours = {"HOME": str(home), "DISPLAY": NO_DISPLAY, "ARDOUR_FPU_FLAGS": FPU_FLAGS}
        self.environment = kept | ours | environment
        self._install()

    def make(self, name: str, song: np.ndarray, rate: int) -> Path:
        """A session of that name whose track plays `song`, of shape (2, frames)."""
        session = self.home / name
        session.parent.mkdir(exist_ok=True)
        channels = str(2 * len(BUSES))
        self._run("ardour7-new_session", "-m", channels, "-s", str(rate), str(session), "session")
        self._script("make.lua", str(session), str(song.shape[1]))
        for side, channel in zip("LR", song, strict=True):
            (path,) = session.glob(f"interchange/*/audiofiles/song*%{side}.wav")
            soundfile.write(path, channel, rate, subtype="FLOAT")
        for peaks in session.glob("peaks/*"):
            peaks.unlink()
        return session

    def insert(self, session: Path, kind: str, place: str) -> None:
        """Put the plug-in there and save the session, without a block that it would play."""
        asked = {"session": session, "block": 1024, "kind": kind, "place": place, "id": IDS[kind]}
        self._script("play.lua", *(f"{key}={value}" for key, value in asked.items()))

    def play(self, session: Path, **asked: object) -> Played:
        """Run play.lua, which says what the keys mean, to its end."""
        with self.start(session, **asked) as playing:
            return playing.finish()

    def start(self, session: Path, **asked: object) -> Playing:
        """The same, not waited for."""
        out = session.parent / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        keys = {"session": session, **asked, "id": IDS.get(str(asked.get("kind")), "")}
        if "bounce" not in asked:
            keys["export"] = out
        arguments = [f"{key}={value}" for key, value in keys.items()]
        return Playing(
            subprocess.Popen(
                ["ardour7-lua", SCRIPTS / "play.lua", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ),
            session,
        )

    def _install(self) -> None:
        config = self.home / ".config" / "ardour7" / "export"
        config.mkdir(parents=True)
        (config / "float.preset").write_text(_PRESET)
        for folder, kind in ((".vst3", "VST3"), (".lv2", "LV2")):
            (self.home / folder).mkdir()
            (self.home / folder / bundle(kind).name).symlink_to(bundle(kind))
        link = self.home / ".vst3" / bundle("VST3").name
        paths = {"LD_LIBRARY_PATH": str(LIBRARIES)}
        said = self._run(SCANNER, "-f", "-v", link, **paths)
        assert f'uid="{IDS["VST3"]}"' in said, said

    def _script(self, name: str, *arguments: str) -> str:
        return self._run("ardour7-lua", SCRIPTS / name, *arguments)

    def _run(self, *command: str | Path, **environment: str) -> str:
        done = subprocess.run(
            command,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        said, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        assert done.returncode == 0, f"{command}: {done.returncode}\n{said}\n{err}"
        return said


_PRESET = f"""<?xml version="1.0" encoding="UTF-8"?>
<ExportPreset id="{PRESET}" name="Float">
  <ExportFormat id="20b4ab09-6452-4cb3-bd66-b921cdbd2942"/>
  <ExportFilename>
    <Folder relative="true" path="/export"/>
    <Field name="label" enabled="false"/>
    <Field name="session" enabled="false"/>
    <Field name="revision" enabled="false"/>
    <Field name="time" enabled="false" value="T_None"/>
    <Field name="date" enabled="false" value="D_None"/>
  </ExportFilename>
</ExportPreset>
"""
