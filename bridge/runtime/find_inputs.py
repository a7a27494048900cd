"""Finds the songs that the user names: files as they are, folders searched for audio."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.runtime.audio_input import EXTENSIONS


def find_inputs(inputs: tuple[Path, ...]) -> list[Path]:
    """Songs in the order named, each once; those of a folder sorted by path.

    Hidden files, and the stems and mixes of an earlier bounce, which its manifest names, are passed
    over. An input that is missing, cannot be read or holds no audio is handed on as it is: it is
    refused when its turn comes, so that it cannot keep the others from being done.
    """
    found: dict[Path, None] = {}
    for path in inputs:
        found.update(dict.fromkeys(_songs_of(path)))
    return list(found)


def _songs_of(path: Path) -> list[Path]:
    try:
        return (path.is_dir() and _search(path, set(), set())) or [path]
    except OSError:  # a folder that cannot be read, a name that is too long
        return [path]


def _search(folder: Path, searched: set[Path], made: set[Path]) -> list[Path]:
    if folder.resolve() in searched:  # a link back into what was searched already
        return []
    searched.add(folder.resolve())
    names = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    for path in names:
        if path.name.endswith("manifest.json"):
            made |= _made_by(path)
    songs = []
    for path in names:
        if path.is_dir():
            try:
                songs += _search(path, searched, made)
            except OSError:  # it cannot be read, which is said when its turn comes
                songs.append(path)
        elif path.suffix.lower() in EXTENSIONS and path not in made:
            songs.append(path)
    return songs


def _made_by(manifest: Path) -> set[Path]:
    """Files that a manifest of an earlier bounce names; none if it is some other program's."""
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        made = [*said["stems"], *(said.get("mixes") or ())]  # no mixes before there were presets
        return {manifest.parent / file["file"] for file in made}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
