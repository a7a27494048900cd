"""Files and folders that nobody but their owner may read or change.

Modes are given when a file is made and never afterwards, so that there is no moment in which others
could open it. What is found is looked at through an open file, so that it cannot be exchanged
between the look and the reading. Windows has no such modes; there, user folders are private.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import ServerError

_OTHERS_MAY_READ = 0o077
_OTHERS_MAY_WRITE = 0o022
_ANOTHER = "choose another folder by STEMBRIDGE_CONFIG_DIR or STEMBRIDGE_RUNTIME_DIR"


def make_private_folder(folder: Path) -> None:
    """Make `folder` with mode 0700 where it is not there yet, and check it where it is.

    Raises ServerError in words when it is a link, or another user could read or exchange it.
    """
    with _in_words(folder):
        for path in (*reversed(folder.parents), folder):
            if not path.exists():
                path.mkdir(mode=0o700, exist_ok=True)
        _check(folder.lstat(), folder, _OTHERS_MAY_READ, folder=True)
        parent = folder.absolute().parent
        found = parent.stat()
    exchangeable = found.st_mode & 0o002 and not found.st_mode & stat.S_ISVTX
    if hasattr(os, "getuid") and (found.st_uid not in (0, os.getuid()) or exchangeable):
        raise ServerError(
            f"{folder} could be exchanged by another user, who may write to {parent}; "
            "use a folder below your own"
        )


def write_private(path: Path, content: bytes) -> None:
    """Give `path` this content and mode 0600 in one step, in place of what was there."""
    with _in_words(path), _temporary(path, content) as temporary:
        temporary.replace(path)


def write_private_once(path: Path, content: bytes) -> bool:
    """Like `write_private`, but False and no change where there is a `path` already."""
    with _in_words(path), _temporary(path, content) as temporary:
        try:
            os.link(temporary, path)  # unlike a rename it replaces nothing
        except FileExistsError:
            return False
        return True


def read_private(path: Path, limit: int, *, secret: bool) -> bytes:
    """Content of a file of ours that nobody else may change, nor read if it is `secret`.

    Raises FileNotFoundError where there is none, and ServerError in words when it is a link, is no
    file, belongs to another user, is open to others, or has more than `limit` bytes.
    """
    # Without O_NONBLOCK the opening of a pipe would wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with _in_words(path):
        if path.is_symlink():  # O_NOFOLLOW refuses it as well, but as a loop of links
            raise ServerError(f"{path} is a link; put the file itself there")
        with os.fdopen(os.open(path, flags), "rb") as file:
            others = _OTHERS_MAY_READ if secret else _OTHERS_MAY_WRITE
            _check(os.fstat(file.fileno()), path, others, folder=False)
            content = file.read(limit + 1)
    if len(content) > limit:
        raise ServerError(f"{path} has more than {limit} bytes and is not ours; remove it")
    return content


@contextmanager
def _temporary(path: Path, content: bytes) -> Iterator[Path]:
    number, name = tempfile.mkstemp(prefix=f".{path.name[:16]}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _check(found: os.stat_result, path: Path, others: int, *, folder: bool) -> None:
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(found.st_mode):
        kind = "folder" if folder else "file"
        raise ServerError(f"{path} is no {kind} itself; put one there, or {_ANOTHER}")
    if not hasattr(os, "getuid"):
        return
    if found.st_uid != os.getuid():
        raise ServerError(
            f"{path} belongs to user {found.st_uid}, not to you (user {os.getuid()}); {_ANOTHER}"
        )
    if found.st_mode & others:
        mode = "700" if folder else "600"
        raise ServerError(
            f"{path} is open to other users (mode {found.st_mode & 0o777:03o}); {_ANOTHER}, or if "
            f"nobody else needs it and you trust what is in it, `chmod {mode} {path}`"
        )


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ServerError(
            f"{path} cannot be used: {error.strerror or error}; make room there, or {_ANOTHER}"
        ) from error
