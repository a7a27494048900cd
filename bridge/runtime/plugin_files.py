"""The plug-in's bundles where hosts look for them, and what the plug-in may start.

    CONFIG/plugin.json   {"command": [program, arguments ...],  starts the sidecar, without a shell
                          "connection": file,    of a server elsewhere, used in place of one here
                          "bundles": [paths]}    what `install` put there

The command is never taken from a project, so that opening one runs nothing. It names its program
by an absolute path and is the user's alone (mode 0600).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import InputError, OutputError, ServerError
from bridge.runtime.folders import user_folder
from bridge.runtime.private import make_private_folder, read_private, write_private

NAME = "Stem Bridge"
KINDS = ("vst3", "lv2", "component")
IDLE_SECONDS = 300
"""How long a sidecar that the plug-in started stays without a session."""

_LIMIT = 16384  # bytes of plugin.json; the plug-in reads no more
_SEARCHED = 6  # levels of folders below the one that is named: builds nest their bundles


@dataclass(frozen=True)
class Installed:
    """What plugin.json says."""

    command: tuple[str, ...]
    connection: Path | None
    bundles: tuple[Path, ...]


def host_folder(kind: str) -> Path | None:
    """Where hosts look for the user's bundles of that kind; None where the system has none."""
    if sys.platform == "darwin":
        folders = {"vst3": "VST3", "component": "Components", "lv2": "LV2"}
        return Path.home() / "Library/Audio/Plug-Ins" / folders[kind]
    if sys.platform == "win32":
        return _windows_folder(kind)
    return None if kind == "component" else Path.home() / f".{kind}"


def find_bundles(place: Path) -> dict[str, Path]:
    """The built bundles at `place`, which is one itself or a folder that has them, by their kind.

    Raises InputError where there is none.
    """
    found: dict[str, Path] = {}
    names = {f"{NAME}.{kind}": kind for kind in KINDS if host_folder(kind) is not None}
    if place.name in names and place.is_dir():
        found[names[place.name]] = place
    for path in _folders(place, _SEARCHED):
        if path.name in names:
            found.setdefault(names[path.name], path)
    if not found:
        raise InputError(
            f"there is no {' or '.join(repr(name) for name in names)} in {place}; `make shim` "
            "builds it, or name the folder that has it"
        )
    return found


def install(bundles: dict[str, Path], connection: Path | None = None) -> Installed:
    """Copy bundles to where hosts look, and say what the plug-in may start.

    connection: the copied connection file of a server elsewhere, which is used instead.
    A bundle that is there is replaced in one step, and so is a plugin.json that is damaged or that
    others could have written to. Raises OutputError, or ServerError for a configuration folder that
    others may read.
    """
    paths = _bundles_before()
    make_private_folder(_file().parent)
    try:
        for kind, source in bundles.items():
            folder = host_folder(kind)
            if folder is not None:
                target = folder / f"{NAME}.{kind}"
                with _writing(target):
                    _replace(source, target)
                paths.add(target)
    finally:  # what is there has to be known to `uninstall`
        elsewhere = connection.absolute() if connection else None
        made = Installed(start_command(), elsewhere, tuple(sorted(paths)))
        write_private(_file(), _content(made))
    return made


def installed() -> Installed | None:
    """What was installed; None where nothing was. Raises ServerError for a file not to be used."""
    try:
        content = read_private(_file(), _LIMIT, secret=True)
    except FileNotFoundError:
        return None
    try:
        said: Any = json.loads(content)
        elsewhere = Path(said["connection"]) if "connection" in said else None
        bundles = tuple(map(Path, _texts(said, "bundles")))
        return Installed(_texts(said, "command"), elsewhere, bundles)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ServerError(
            f"{_file()} is damaged; remove it, and run `stembridge plugin install` again"
        ) from None


def _bundles_before() -> set[Path]:
    """What was installed already; where the file cannot be trusted, what looks like it."""
    try:
        before = installed()
    except ServerError:
        return {path for path in _places() if path.is_dir() and not path.is_symlink()}
    return set(before.bundles) if before else set()


def _places() -> set[Path]:
    """Where `install` may put a bundle."""
    folders = {kind: host_folder(kind) for kind in KINDS}
    return {folder / f"{NAME}.{kind}" for kind, folder in folders.items() if folder is not None}


def uninstall() -> tuple[Path, ...]:
    """Remove what `install` put there and nothing else; returns what was removed.

    Raises OutputError where that cannot be done.
    """
    found = installed()
    if found is None:
        return ()
    ours = _places()
    removed = []
    for path in found.bundles:
        if path in ours and path.is_dir() and not path.is_symlink():
            with _writing(path):
                shutil.rmtree(path)
            removed.append(path)
    with _writing(_file()):
        _file().unlink(missing_ok=True)
    return tuple(removed)


def start_command() -> tuple[str, ...]:
    """What starts the sidecar of this very installation, whatever folder it is run in."""
    # -P: else a folder that a host happens to be in could bring a module of that name.
    python = (sys.executable, "-P", "-m", "bridge.cli.main")
    return (*python, "plugin", "start", "--idle-exit", str(IDLE_SECONDS))


def _replace(source: Path, target: Path) -> None:
    """Have a copy of the folder `source` at `target`, whole or not at all."""
    if source.resolve() == target.resolve():
        raise OutputError(f"{source} is where hosts look already; name the folder of a build")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stembridge-", dir=target.parent) as folder:
        fresh, stale = Path(folder) / "new", Path(folder) / "old"
        shutil.copytree(source, fresh, symlinks=True)
        if target.is_dir() or target.is_symlink():  # hosts keep what they loaded open
            target.rename(stale)
        try:
            fresh.rename(target)
        except OSError:
            with suppress(OSError):
                stale.rename(target)
            raise


def _folders(place: Path, depth: int) -> Iterator[Path]:
    if depth == 0 or not place.is_dir():
        return
    with suppress(OSError):
        for path in sorted(place.iterdir()):
            if path.is_dir() and not path.is_symlink():
                yield path
                yield from _folders(path, depth - 1)


def _windows_folder(kind: str) -> Path | None:
    if kind == "component":
        return None
    common = Path(os.environ.get("COMMONPROGRAMFILES", r"C:\Program Files\Common Files"))
    if kind == "vst3" and os.access(common, os.W_OK):  # as an administrator
        return common / "VST3"
    user = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "Programs/Common"
    return user / kind.upper()


def _content(made: Installed) -> bytes:
    said: dict[str, Any] = {"command": made.command}
    if made.connection is not None:
        said["connection"] = str(made.connection)
    said["bundles"] = [str(path) for path in made.bundles]
    return json.dumps(said, indent=2).encode()


def _texts(said: dict[str, Any], name: str) -> tuple[str, ...]:
    values = said.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(name)
    return tuple(values)


def _file() -> Path:
    return user_folder("config") / "plugin.json"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, shutil.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)[:200]
        raise OutputError(
            f"{path} cannot be changed: {reason}; close the hosts that use it, and see to its owner"
        ) from error
