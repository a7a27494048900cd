"""Defaults of the user's own for the options of every command, from `config.toml`.

    [bounce]
    model = "htdemucs_ft"
    bits = "32f"

The environment (STEMBRIDGE_BOUNCE_BITS) goes before the file, and the command line before both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click

from bridge.errors import UsageError
from bridge.runtime.folders import user_folder


def read_defaults(
    commands: Collection[str], find: Callable[[str], click.Command | None]
) -> dict[str, Any]:
    """The file as click's `default_map`; empty where there is none.

    Raises UsageError, naming the file and the value, for what no command knows.
    """
    path = user_folder("config") / "config.toml"
    try:
        if not path.is_file():
            return {}
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except PermissionError:  # somebody else's home, as under sudo
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    for name, values in content.items():
        command = find(name) if name in commands else None
        if command is None or not isinstance(values, dict):
            raise UsageError(f"{path}: '{name}' is no command; use [{'], ['.join(commands)}]")
        content[name] = _as_options(path, name, command, values)
    return content


def _as_options(
    path: Path, command_name: str, command: click.Command, values: dict[str, Any]
) -> dict[str, Any]:
    """Values by the names that click has for the options, from the names that users type."""
    names = {
        typed.lstrip("-").replace("-", "_"): option.name
        for option in command.params
        for typed in option.opts
        if typed.startswith("--")
    }
    found = {}
    for key, value in values.items():
        name = names.get(key.replace("-", "_"))
        if name is None:
            raise UsageError(
                f"{path}: '{key}' is no option of {command_name}; see {command_name} --help"
            )
        found[name] = _as_typed(path, key, value)
    return found


def _as_typed(path: Path, key: str, value: Any) -> str | bool:
    """A value as it would be typed on the command line, so that it is checked in one place."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, int | float):
        return str(value)
    raise UsageError(f"{path}: '{key}' must be a text, a number, true, false or a list of them")
