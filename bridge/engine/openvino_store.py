"""Compiled networks on disk, so that each is converted once."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import Any

if sys.platform == "linux":
    from mmap import MADV_DONTNEED

KEPT_BYTES = 4 << 30
"""Networks that are kept, those used last: a large one takes 190 MB."""

_DIGESTS = "sha256"


class Store:
    """Where the parts of one compiled network are on disk.

    key: everything that they depend on; an empty one keeps nothing. count: of the parts.
    """

    def __init__(self, folder: Path, key: Sequence[str], count: int) -> None:
        self._folder = folder
        self._names = [f"{number}.blob" for number in range(count)]
        self._path = folder / hashlib.sha256("\n".join(key).encode()).hexdigest()[:32]
        self._known = bool(key)

    def find(self) -> list[mmap]:
        """The parts, which are mapped: they must not go before what uses them.

        Raises OSError or ValueError when they are not there, and RuntimeError when damaged.
        """
        os.utime(self._path)
        parts = [_map(self._path / name) for name in self._names]
        # OpenVINO takes what is cut short, or what a power failure made of a file, for a network.
        if (self._path / _DIGESTS).read_bytes() != b"".join(map(_digest, parts)):
            raise RuntimeError(self._path)
        return parts

    def keep(self, compiled: Sequence[Any]) -> None:
        """Write the parts in one step, or do without where that is not possible."""
        if not self._known:
            return
        try:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        except OSError:
            return
        # A full disk or memory, or another process was first.
        with suppress(OSError, RuntimeError, MemoryError):
            with (fresh / _DIGESTS).open("wb") as digests:
                for name, one in zip(self._names, compiled, strict=True):
                    part = one.export_model().getbuffer()
                    (fresh / name).write_bytes(part)
                    digests.write(_digest(part))
            shutil.rmtree(self._path, ignore_errors=True)
            fresh.rename(self._path)
        shutil.rmtree(fresh, ignore_errors=True)
        _drop_oldest(self._folder, self._path)


def let_go(part: mmap) -> None:
    """Have the system take back the memory of a part that was read: what is read again comes anew.

    Only for one that nobody has written to.
    """
    if sys.platform == "linux":
        part.madvise(MADV_DONTNEED)


def _map(path: Path) -> mmap:
    with path.open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_COPY)  # OpenVINO wants what can be written to


def _digest(part: Any) -> bytes:
    return f"{hashlib.sha256(part).hexdigest()}\n".encode()


def _drop_oldest(folder: Path, kept: Path) -> None:
    """Remove what was used longest ago beyond `KEPT_BYTES`, and what was left half written."""
    with suppress(OSError):
        room = KEPT_BYTES - _size(kept)
        others = [path for path in folder.iterdir() if path != kept and path.is_dir()]
        for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True):
            room -= _size(path)
            if room < 0:
                shutil.rmtree(path, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*"))
