"""Looks at where the results of a song go, before the work and before they get there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.errors import OutputError
from bridge.runtime.audio_output import check_whole
from bridge.runtime.writing import writing


def check_places(folder: Path, paths: dict[str, Path], *, replace: bool) -> None:
    """Raise OutputError, before the work, where a result could not get its final name."""
    for path in paths.values():
        with writing(path):
            for part in path.relative_to(folder).parts:
                (folder / part).exists()  # raises OSError for a name that is too long
            if path.exists() and not replace:
                raise OutputError(f"{path} exists already; add --overwrite, or choose another -o")
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "")
            parent = next(parent for parent in path.parents if parent.exists())
            if not parent.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "")
            if not os.access(parent, os.W_OK):
                raise PermissionError(errno.EACCES, "")


def check_inputs(paths: dict[str, Path], inputs: Sequence[Path]) -> None:
    """Raise OutputError when a result would replace a song, under whatever name."""
    songs = [song for song in inputs if song.exists()]
    for path in paths.values():
        for song in songs:
            if path.exists() and path.samefile(song):
                raise OutputError(f"{path} is the song {song} itself; choose another -o")


def earlier_manifest(paths: dict[str, Path], what: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest of an earlier run that did exactly this, if there is one."""
    try:
        manifest: dict[str, Any] = json.loads(paths["manifest"].read_text(encoding="utf-8"))
        return manifest if manifest["identity"] == json.loads(json.dumps(what)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def all_whole(paths: dict[str, Path], manifest: dict[str, Any]) -> bool:
    """Whether every file is there with the frames that an earlier manifest says."""
    listed = [*manifest["stems"], *manifest.get("mixes", ())]
    frames = {entry["name"]: entry["frames"] for entry in listed}
    try:
        for name, path in paths.items():
            if name != "manifest":
                check_whole(path, frames[name])
    except OutputError:
        return False
    return True
