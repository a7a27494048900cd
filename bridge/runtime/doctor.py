"""Looks at the machine: what Stem Bridge needs, what it could use, and what to do about the rest.

Nothing is changed: a folder that does not exist yet is not made.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bridge.engine.catalog import CATALOG
from bridge.errors import ModelError
from bridge.runtime.cores import cores
from bridge.runtime.folders import user_folder

OK, NOTE, BROKEN = "ok", "note", "broken"

# htdemucs was measured at 1.5 GB; the rest is for the system and the audio.
_ENOUGH_MEMORY = 4_000_000_000
# The largest bags of demucs have about 700 MB.
_ENOUGH_DISK = 1_000_000_000
# torch takes 2 s when the disk is warm, far longer from a cold one.
_TORCH_S = 120.0
_TORCH_PROGRAM = """
import json, torch
cuda = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
print(json.dumps({
    "version": torch.__version__,
    "cuda": [[device.name, device.total_memory] for device in cuda],
    "mps": torch.backends.mps.is_available(),
}))
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its state (OK, NOTE or BROKEN), and what to do if it is not OK.

    NOTE is for what works without, or will work with a limit; BROKEN for what stops some command.
    """

    name: str
    state: str
    text: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, one thing after the other; most of the few seconds go to torch."""
    yield _python()
    yield from _torch()
    yield _openvino()
    yield _memory()
    yield from _models()
    yield _soundfile()
    yield _ffmpeg()
    yield from _sockets()
    for name in ("config", "runtime", "cache"):
        yield _folder(name, user_folder(name))


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", OK, text)


def _torch() -> Iterator[Finding]:
    """torch is looked at in a process of its own, since a broken one can end the process."""
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-P", "-c", _TORCH_PROGRAM],
            capture_output=True,
            text=True,
            timeout=_TORCH_S,
            check=False,
        )
        torch = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        yield Finding("torch", BROKEN, f"does not load within {_TORCH_S:g} s", _TORCH_ADVICE)
        return
    except (ValueError, IndexError):
        reason = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        yield Finding("torch", BROKEN, f"does not load: {reason}", _TORCH_ADVICE)
        return
    yield Finding("torch", OK, torch["version"])
    yield Finding("devices", OK, _devices(torch))


_TORCH_ADVICE = "install it as https://pytorch.org/get-started says; only spectral works without"


def _openvino() -> Finding:
    try:
        return Finding("openvino", OK, f"{version('openvino')}, runs networks on the CPU")
    except PackageNotFoundError:
        advice = "python -m pip install openvino, where it has a wheel; torch does it meanwhile"
        return Finding("openvino", NOTE, "networks take longer on the CPU without", advice)


def _devices(torch: dict[str, Any]) -> str:
    devices = [f"CPU with {cores()} cores"]
    for number, (name, size) in enumerate(torch["cuda"]):
        devices.append(f"{name} (cuda:{number}, {gigabytes(size)})")
    if torch["mps"]:
        devices.append("Apple GPU (mps)")
    return ", ".join(devices)


def gigabytes(size: float) -> str:
    """Write a number of bytes in decimal units: `4.2 GB`."""
    return f"{size / 1e9:,.1f} GB"


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return Finding("memory", NOTE, "its size is not known here", "4 GB are enough")
    if total < _ENOUGH_MEMORY:
        advice = "close other programs before a bounce; 4 GB are enough"
        return Finding("memory", NOTE, gigabytes(total), advice)
    return Finding("memory", OK, gigabytes(total))


def _models() -> Iterator[Finding]:
    from bridge.runtime import hub

    folder = hub.cache_folder()
    found = _folder("model cache", folder, "set HF_HOME to a folder that can be written")
    yield found
    try:
        free = shutil.disk_usage(_existing(folder)).free
    except OSError as error:
        yield Finding("disk", NOTE, f"free space not known: {error.strerror}", "")
    else:
        advice = "" if free >= _ENOUGH_DISK else "free 1 GB there, or set HF_HOME to another disk"
        yield Finding("disk", NOTE if advice else OK, f"{gigabytes(free)} free there", advice)
    here = []
    for entry in CATALOG.values():
        try:
            if entry.repo and hub.cached(entry.name):
                here.append(entry.name)
        except ModelError as error:
            yield Finding(
                "models", BROKEN, str(error), f"delete it: stembridge models info {entry.name}"
            )
    if here:
        yield Finding("models", OK, f"on this machine: {', '.join(here)}")
    else:
        advice = "stembridge models fetch htdemucs; spectral works without"
        yield Finding("models", NOTE, "no trained model is on this machine", advice)


def _soundfile() -> Finding:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: libsndfile itself is missing
        return Finding("soundfile", BROKEN, f"does not load: {error}", "pip install soundfile")
    text = f"{soundfile.__version__} with {soundfile.__libsndfile_version__}"
    if "MP3" not in soundfile.available_formats():
        advice = "update libsndfile to 1.1 or newer, or give it WAV and FLAC"
        return Finding("soundfile", NOTE, f"{text}, which cannot read mp3", advice)
    return Finding("soundfile", OK, text)


def _ffmpeg() -> Finding:
    found = shutil.which("ffmpeg")
    if found is None:
        advice = "install it to read m4a, aac, wma and the sound of videos; the rest works without"
        return Finding("ffmpeg", NOTE, "not found", advice)
    return Finding("ffmpeg", OK, found)


def _sockets() -> Iterator[Finding]:
    try:
        import zmq
    except ImportError as error:
        yield Finding("sockets", BROKEN, f"pyzmq does not load: {error}", "pip install pyzmq")
        return
    yield _bind(
        "tcp socket", lambda _: "tcp://127.0.0.1:*", "allow programs to listen on 127.0.0.1"
    )
    if not zmq.has("ipc"):
        yield Finding("ipc socket", NOTE, "not on this system; tcp on 127.0.0.1 is used")
        return
    advice = "set STEMBRIDGE_RUNTIME_DIR to a short path that can be written"
    yield _bind("ipc socket", lambda folder: f"ipc://{folder}/bind", advice)


def _bind(name: str, address: Callable[[str], str], advice: str) -> Finding:
    """Bind a socket as the sidecar would, in a folder that is removed at once."""
    import zmq

    try:
        with (
            tempfile.TemporaryDirectory(dir=_existing(user_folder("runtime"))) as folder,
            zmq.Context() as context,
            context.socket(zmq.REP) as socket,
        ):
            socket.linger = 0
            socket.bind(address(folder))
    except (zmq.ZMQError, OSError) as error:
        reason = error.strerror or str(error)
        return Finding(name, BROKEN, f"a local socket cannot be opened: {reason}", advice)
    return Finding(name, OK, "a local socket can be opened")


def _folder(name: str, folder: Path, advice: str = "") -> Finding:
    """Whether files can be written in a folder, or the folder be made."""
    name = name if " " in name else f"{name} folder"
    advice = advice or f"make {folder} writable for you"
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(name, BROKEN, f"{folder} cannot be written: {reason}", advice)
    return Finding(name, OK, f"{folder}{'' if folder.is_dir() else ', made when needed'}")


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
