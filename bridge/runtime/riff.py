"""The two things about RIFF files and their like that libsndfile's Python binding leaves out.

It believes the header of a WAV or AU file that was cut off, and it does not hand over the Broadcast
Wave chunk (EBU Tech 3285), whose time reference tells a DAW where a recording belongs.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from bridge.errors import InputError

_BEXT_SIZE = 602  # fixed part of version 1, without coding history
_TIME_REFERENCE = 338  # offset: description 256, originator 32, reference 32, date 10, time 8
# Lengths of audio that ffmpeg and sox write when they cannot go back to fill in the right one.
_UNKNOWN = (0xFFFFFFFF, 0x7FFFF000)
_MAX_CHUNKS = 1000  # more than any real file; a damaged one must not be walked for hours


def check_size(path: Path) -> None:
    """Raise InputError when the header of a file promises more bytes than there are.

    Of WAV in either byte order, RF64, W64, AIFF and AU files; others pass.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        promised = _promised(file)
    if promised > size + 1:  # some writers leave out the last pad byte
        raise InputError(
            f"{path} is cut off: its header promises {promised} bytes, it has {size}; copy it again"
        )


def _promised(file: BinaryIO) -> int:
    """Bytes that an open file should have by its header; 0 where it does not say."""
    head = file.read(12)
    if head[:4] == b"riff":  # W64: a GUID of 16 bytes, then the size of the file
        return _number(file, 16, "<Q")
    if len(head) == 12 and head[:4] in (b".snd", b"dns."):  # AU: start and length of the audio
        start, length = struct.unpack(">II" if head[:4] == b".snd" else "<II", head[4:])
        return 0 if length in _UNKNOWN else int(start + length)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        return 0
    order = ">" if head[:4] in (b"RIFX", b"FORM") else "<"
    # RF64 (EBU Tech 3306) keeps its 64-bit size at the start of the ds64 chunk.
    size = _number(file, 20, "<Q") if head[:4] == b"RF64" else _number(file, 4, f"{order}I")
    promised = 0 if size in _UNKNOWN else size + 8
    for name, start, length in _chunks(file, order):
        if name in (b"data", b"SSND"):
            if length in _UNKNOWN:
                return 0
            promised = max(promised, start + length)
    return promised


def read_time_reference(path: Path) -> int | None:
    """Frames since midnight from the `bext` chunk of a WAV file, or None where there is none."""
    with path.open("rb") as file:
        if file.read(4) not in (b"RIFF", b"RF64"):
            return None
        for name, start, length in _chunks(file, "<"):
            if name == b"bext" and length >= _BEXT_SIZE:
                return _number(file, start + _TIME_REFERENCE, "<Q")
    return None


def append_time_reference(path: Path, frames: int) -> None:
    """Append a `bext` chunk with a time reference of `frames` since midnight to a WAV file."""
    body = bytearray(_BEXT_SIZE)
    body[256:288] = b"Stem Bridge".ljust(32, b"\0")
    struct.pack_into("<Q", body, _TIME_REFERENCE, frames)
    struct.pack_into("<H", body, _TIME_REFERENCE + 8, 1)
    with path.open("r+b") as file:
        riff64 = file.read(4) == b"RF64"
        file.seek(0, 2)
        file.write(b"\0" * (file.tell() % 2))
        file.write(b"bext" + struct.pack("<I", len(body)) + body)
        total = file.tell() - 8
        file.seek(20 if riff64 else 4)
        file.write(struct.pack("<Q" if riff64 else "<I", total))


def _number(file: BinaryIO, position: int, layout: str) -> int:
    """The integer at `position`; 0 where the file has ended."""
    file.seek(position)
    data = file.read(struct.calcsize(layout))
    return int(struct.unpack(layout, data)[0]) if len(data) == struct.calcsize(layout) else 0


def _chunks(file: BinaryIO, order: str) -> list[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk of an open file, as far as they make sense."""
    found: list[tuple[bytes, int, int]] = []
    position = 12
    while len(found) < _MAX_CHUNKS:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            break
        length = struct.unpack(f"{order}I", head[4:])[0]
        if head[:4] == b"data" and length == 0xFFFFFFFF and found and found[0][0] == b"ds64":
            length = _number(file, found[0][1] + 8, "<Q")
        found.append((head[:4], position + 8, length))
        position += 8 + length + length % 2
    return found
