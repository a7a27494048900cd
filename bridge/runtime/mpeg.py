"""Decodes MPEG audio (mp3, mp2) once, in a child process, into a file of the exact length.

A process of its own, because libmpg123 comments on every odd byte straight to file descriptor 2,
and libsndfile has no switch for that. Ours is shared by all threads, and a progress bar draws on
it; the child's leads nowhere. What `mpeg_child` does about lengths is told there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from bridge.errors import InputError, OutputError
from bridge.runtime.decoded import decoded_path

_TAG_HEADER = 10  # bytes; a footer has as many


def first_frame(path: Path) -> int | None:
    """Position of the first MPEG audio frame, after any ID3v2 tags; None for other files."""
    with path.open("rb") as file:
        position = 0
        while (head := file.read(_TAG_HEADER))[:3] == b"ID3" and len(head) == _TAG_HEADER:
            # The size has seven bits in a byte (ID3v2.4, section 6.2).
            size = sum((byte & 0x7F) << 7 * index for index, byte in enumerate(head[:5:-1]))
            position += _TAG_HEADER + size + (_TAG_HEADER if head[5] & 0x10 else 0)
            file.seek(position)
    # ISO 11172-3: eleven bits of ones, then a version and a layer, where 01 and 00 are reserved;
    # layer 00 is AAC.
    synchronised = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return position if synchronised and head[1] & 0x18 != 0x08 and head[1] & 0x06 else None


def decode(path: Path, start: int, work: Path) -> Path | None:
    """Decode the file, whose first frame is at `start`, into the folder `work`.

    Returns the decoded file, or None when libsndfile cannot read this one.
    Raises InputError when it is cut off or damaged, OutputError when `work` is full.
    """
    decoded = decoded_path(work)
    answer = _run_child(path, start, decoded)
    if answer["say"] == "unknown":
        return None
    if answer["say"] == "full":
        raise OutputError(answer["text"])
    if answer["say"] == "damaged":
        raise InputError(f"{path} is damaged ({answer['text']}); copy it again")
    if answer["frames"] < answer["promised"]:
        raise InputError(
            f"{path} ends after {answer['frames']} of {answer['promised']} frames: "
            "it is cut off or damaged; copy it again"
        )
    return decoded


def _run_child(path: Path, start: int, decoded: Path) -> dict[str, Any]:
    # -P: a folder named `bridge` where the user happens to be must not be imported.
    command = [sys.executable, "-P", "-m", "bridge.runtime.mpeg_child", str(path), str(decoded)]
    with (
        path.open("rb") as file,
        subprocess.Popen(  # noqa: S603  # our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as child,
    ):
        try:
            file.seek(start)
            with suppress(BrokenPipeError):  # the child did not need all
                shutil.copyfileobj(file, _stream(child.stdin))
            said, _ = child.communicate()
        except BaseException:
            child.kill()
            raise
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        return {"say": "damaged", "text": "its decoder came to a sudden end"}
    return answer


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("a pipe was asked for")
    return stream
