"""Files that another process makes and removes while a test looks for them."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from pathlib import Path


def present(folder: Path, pattern: str) -> dict[Path, os.stat_result]:
    """What of `folder` matches `pattern`, as glob.glob has it. What vanishes meanwhile is left out.

    Path.glob and Path.rglob raise where a folder goes between its listing and its own.
    """
    found: dict[Path, os.stat_result] = {}
    names = glob.iglob(  # noqa: PTH207
        pattern, root_dir=folder, recursive=True, include_hidden=True
    )
    for name in names:
        with suppress(FileNotFoundError):
            found[folder / name] = (folder / name).stat()
    return found
