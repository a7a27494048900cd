"""Takes out of written files what libsndfile puts in that is not the same at every run.

Float WAV and AIFF files carry the time of day in their PEAK chunk, Ogg streams a random serial
number. Without them, equal samples make equal files, which is what `--resume` promises.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

_OGG_HEADER = 27  # bytes before the table of segments (RFC 3533)
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def remove_stamps(path: Path) -> None:
    """Set the clock of a PEAK chunk, or the serial number of an Ogg stream, to zero."""
    with path.open("r+b") as file:
        magic = file.read(4)
        if magic in (b"RIFF", b"RF64", b"FORM"):
            _clear_peak_clock(file, ">" if magic == b"FORM" else "<")
        elif magic == b"OggS":
            _clear_serial(file)


def _clear_peak_clock(file: BinaryIO, order: str) -> None:
    position = 12
    while True:
        file.seek(position)
        head = file.read(8)
        # libsndfile writes PEAK before the samples, so that their size is of no interest.
        if len(head) < 8 or head[:4] in (b"data", b"SSND"):
            return
        if head[:4] == b"PEAK":
            file.seek(position + 12)  # after the chunk's version
            file.write(bytes(4))
            return
        length = struct.unpack(f"{order}I", head[4:])[0]
        position += 8 + length + length % 2


def _clear_serial(file: BinaryIO) -> None:
    position = 0
    while True:
        file.seek(position)
        header = file.read(_OGG_HEADER)
        if len(header) < _OGG_HEADER:
            return
        segments = file.read(header[26])
        page = bytearray(header + segments + file.read(sum(segments)))
        page[14:18] = bytes(4)
        page[22:26] = bytes(4)
        page[22:26] = struct.pack("<I", _ogg_checksum(page))
        file.seek(position)
        file.write(page)
        position += len(page)


def _ogg_checksum(page: bytes | bytearray) -> int:
    """CRC-32 of RFC 3533: zlib's polynomial with mirrored bits, and no initial or final value."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
