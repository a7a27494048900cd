"""The option `--connection`: the connection file of a sidecar on another machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

_MOST = 4096  # bytes; such a file has some 500
_FIELDS = {"control", "audio", "server_key"}


class ConnectionFile(click.ParamType[Path]):
    """A file that looks like one. Whether it is there, and to be trusted, its reader finds out."""

    name = "FILE"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        """The path as it was typed; fails for what is something else."""
        path = Path(value)
        if not str(value) or (path.exists() and not _is_one(path)):
            self.fail(
                f"'{value}' is no connection file; name a copy of the connection.json in the "
                "server's runtime folder, or leave the option out for the sidecar on this machine",
                param,
                ctx,
            )
        return path


def _is_one(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST + 1))
    except OSError:  # its reader says why
        return True
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= _FIELDS
