"""Failures to write, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soundfile import LibsndfileError

from bridge.errors import OutputError

_ADVICE = {
    errno.ENOSPC: "the disk is full; make room, or choose another -o",
    errno.EDQUOT: "your quota is used up; make room, or choose another -o",
    errno.EACCES: "permission denied; choose another -o",
    errno.EPERM: "permission denied; choose another -o",
    errno.EROFS: "it is read-only; choose another -o",
    errno.ENAMETOOLONG: "the name is too long; use a shorter --template",
    errno.ENOTDIR: "a part of the path is a file; choose another -o",
    errno.EISDIR: "a folder has that name; move it away",
}


def native(path: Path) -> Path | bytes:
    """`path` as soundfile opens it: it cannot take names of arbitrary bytes as text."""
    return os.fsencode(path) if os.name == "posix" else path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn failures of the operating system or of libsndfile into an OutputError about `path`."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, f"{error.strerror or error}; choose another -o")
        raise OutputError(f"cannot write {path}: {advice}") from error
    except (LibsndfileError, AssertionError) as error:
        reason = getattr(error, "error_string", "") or "the file was cut short"
        raise OutputError(
            f"cannot write {path}: {reason.rstrip('.')}; is the disk full? "
            "Make room, or choose another -o"
        ) from error
