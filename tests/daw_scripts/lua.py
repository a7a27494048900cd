"""Lua's own side of the tests: values, the interpreter, and which lines of a file it can run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "daw_scripts"
LUA, COMPILER = "lua5.4", "luac5.4"
MISSING = f"no {LUA}; `apt-get install lua5.4`"
PATIENCE_SECONDS = 300.0

# Lines that only close what was opened; Lua puts the return of a function there that has returned.
_CLOSING = re.compile(r"(end|\)|\}|,|;|else|\s)*")


def is_installed() -> bool:
    return shutil.which(LUA) is not None and shutil.which(COMPILER) is not None


def literal(value: object) -> str:
    """How Lua writes a value of strings, numbers, lists and mappings."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return '"' + "".join(f"\\{byte:03}" for byte in os.fsencode(str(value))) + '"'
    if isinstance(value, Mapping):
        inner = ", ".join(f"[{literal(name)}] = {literal(part)}" for name, part in value.items())
        return "{" + inner + "}"
    assert isinstance(value, list | tuple), value
    return "{" + ", ".join(map(literal, value)) + "}"


def with_options(text: str, options: Mapping[str, object]) -> str:
    """A script with values written into the options that it begins with, as a user does."""
    for name, value in options.items():
        new = f"{name} = {literal(value)},".replace("\\", "\\\\")
        line = re.compile(rf"^( +){name} = .*?,(?=\s*--|$)", re.MULTILINE)
        text = line.sub(rf"\1{new}", text)
    return text


def run(script: Path, *arguments: str | Path, **environment: str) -> str:
    """What a script prints. It has to end well."""
    found = shutil.which(LUA)
    assert found is not None
    done = subprocess.run(
        [found, script, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    said = done.stdout.decode(errors="surrogateescape")
    assert done.returncode == 0, said + done.stderr.decode(errors="replace")
    return said


def fake_bounce_of_nothing(command: Path) -> None:
    """Write a command that does as `stembridge bounce` whose manifest names no file."""
    manifest = command.with_name("nothing.json")
    manifest.write_text('{"stems": [], "mixes": []}')
    event = json.dumps({"event": "done", "files": {"manifest": str(manifest)}})
    command.write_text(f"#!/bin/sh\necho {shlex.quote(event)}\n")
    command.chmod(0o755)


def code_lines(file: Path) -> set[int]:
    """The lines of a file that Lua runs when everything in it is run."""
    listing = subprocess.run(
        [COMPILER, "-l", "-p", file], capture_output=True, check=True, text=True
    ).stdout
    # Of VARARGPREP, with which a file begins, no hook is told.
    code = re.findall(r"^\t\d+\t\[(\d+)\]\t(?!VARARGPREP)", listing, re.MULTILINE)
    numbers = set(map(int, code))
    text = file.read_text().splitlines()
    return {number for number in numbers if not _CLOSING.fullmatch(text[number - 1])}
