"""What the tests of `stembridge bounce` share: running it as a user does, and audio for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
COMMAND = [str(Path(sys.executable).with_name("stembridge")), "bounce"]
FAKE = ("-m", "fake")
# Runs a command as another user, where the tests run as root.
NOBODY = ("setpriv", "--reuid=65534", "--clear-groups")
STEMS = ("drums", "bass", "other", "vocals")
# What `fake` makes of the mix. `other` is what these leave of it.
GAINS = {"drums": 0.5, "bass": 0.25, "vocals": 0.125}
Samples = NDArray[np.float64]
# What a command says beside the rest where it takes long.
_LASTING = ("x real time", "measuring this machine ...")


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines that `--json` wrote."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def told(self) -> list[str]:
        """Lines on stderr, but for those that only a slow machine gets to see."""
        lines = self.err.splitlines()
        return [line for line in lines if not any(words in line for words in _LASTING)]


def bounce(
    *arguments: str | Path,
    cwd: Path,
    before: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> Ended:
    """Run `stembridge bounce` in `cwd` to its end. It must never show a traceback."""
    return run([*before, *COMMAND, *map(str, arguments)], cwd=cwd, environment=environment)


def run(command: list[str], *, cwd: Path, environment: dict[str, str] | None = None) -> Ended:
    """Run any command to its end. It must never show a traceback."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        check=False,
        timeout=900,
    )
    ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ended.err, ended.err
    assert "Exception ignored" not in ended.err, ended.err
    return ended


def good(*arguments: str | Path, cwd: Path, **options: Any) -> Ended:
    """Run `stembridge bounce`, which has to do its job."""
    ended = bounce(*arguments, cwd=cwd, **options)
    assert ended.status == 0, ended.err
    return ended


def refused(ended: Ended, status: int, *words: str) -> None:
    """Assert that one line on stderr holds all `words`, and the exit status."""
    assert ended.status == status, ended.err
    assert ended.out == ""
    lines = ended.told
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("stembridge: ")
    for word in words:
        assert word in lines[0], lines[0]


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start `stembridge bounce` and return while it works."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped(
    number: int,
    moment: Callable[[subprocess.Popen[str]], object],
    *arguments: str | Path,
    cwd: Path,
    made: str,
) -> Ended:
    """How a bounce ends that gets a signal at a moment of its work, and what it says from there on.

    moment: returns when it has come. made: the folder that is there once all is done. Where that
    was faster, the folder around it is removed, and the work begins anew.
    """
    for _ in range(5):
        process = start(*arguments, cwd=cwd)
        moment(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        if not (cwd / made).exists():
            return Ended(process.returncode, out, err)
        shutil.rmtree((cwd / made).parent)
    raise AssertionError("it was always done before")


def shown(terminal: int) -> str:
    """All that a terminal shows until nobody has its other end open any more, which closes it."""
    pieces = []
    with suppress(OSError):  # how Linux tells that the other end was closed
        while piece := os.read(terminal, 65_536):
            pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


def music(frames: int, channels: int = 2, seed: int = 0, level: float = 0.3) -> Samples:
    """Noise of shape (n, C) whose absolute samples are below `level`."""
    noise: Samples = np.random.default_rng(seed).uniform(-level, level, (frames, channels))
    return noise


def write(path: Path, samples: Samples, rate: int = 44100, subtype: str = "PCM_16") -> Path:
    """Write an audio file of the kind that the name ends with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def read(path: Path) -> Samples:
    """Samples of an audio file, shape (n, C), full scale 1.0."""
    samples: Samples = soundfile.read(path, always_2d=True)[0]
    return samples


def song(folder: Path, name: str = "song.wav", seconds: float = 1.0, seed: int = 0) -> Path:
    """Write a short 16-bit stereo song."""
    return write(folder / name, music(round(seconds * 44100), seed=seed))


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished song."""
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file below `folder` with its bytes, and every folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def decibels(ratio: float) -> float:
    """20 log10 of an amplitude ratio; minus infinity for 0."""
    return float(20 * np.log10(ratio)) if ratio > 0 else -np.inf
