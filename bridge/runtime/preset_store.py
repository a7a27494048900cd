"""Where presets are: those of the user, and those that come with Stem Bridge."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import UsageError
from bridge.protocol import limits
from bridge.runtime.folders import user_folder

if TYPE_CHECKING:
    from bridge.runtime.preset import Preset

SUFFIX = ".toml"


@dataclass(frozen=True)
class Entry:
    """A preset that has a name. own: in the user's folder. hides: a shipped one has this name."""

    name: str
    path: Path
    own: bool
    hides: bool = False


def is_name(text: str) -> bool:
    """Whether a live session may name a preset so: a name, and neither a path nor a file.

    It is the rule of shim/plugin/state.cpp, so that a project keeps what a menu offers.
    """
    plain = text.isprintable() and not set(text) & set("/\\:.")
    return plain and 0 < len(text.encode()) <= limits.PRESET_BYTES


def own_folder() -> Path:
    """The folder of the user's presets. It need not exist."""
    return user_folder("config") / "presets"


def shipped_folder() -> Path:
    """The folder of the presets that came along: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def entries() -> list[Entry]:
    """All presets by name; one of the user's takes the place of a shipped one."""
    shipped, own = _names(shipped_folder()), _names(own_folder())
    found = [Entry(n, p, own=False) for n, p in shipped.items() if n not in own]
    found += [Entry(n, p, own=True, hides=n in shipped) for n, p in own.items()]
    return sorted(found, key=lambda entry: entry.name)


def find_preset(name: str | os.PathLike[str]) -> Preset:
    """The preset called `name`, or in the file `name` where that is a path or ends in .toml.

    Raises UsageError with the nearest name, or for a file with a mistake.
    """
    from bridge.runtime.effects import nearest  # what lists names need not load pedalboard
    from bridge.runtime.preset_reader import read_preset

    text = os.fspath(name)
    if not isinstance(name, str) or text.endswith(SUFFIX) or "/" in text or "\\" in text:
        return read_preset(Path(name))
    known = {entry.name: entry for entry in entries()}
    if text not in known:
        raise UsageError(
            f"no preset is called '{text}'{nearest(text, known)}; "
            "`stembridge presets list` shows all names"
        )
    return read_preset(known[text].path)


def _names(folder: Path) -> dict[str, Path]:
    try:
        return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}")) if path.is_file()}
    except OSError:  # somebody else's home, as under sudo
        return {}
