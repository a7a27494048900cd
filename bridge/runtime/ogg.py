"""What libsndfile does not tell about Ogg files (RFC 3533): whether they are whole, and chains.

It takes the end of a file that was cut off for the end of the music, and of several streams that
follow one another, as radio stations send them, it reads the first.
"""

from __future__ import annotations

import io
from pathlib import Path

import soundfile

from bridge.errors import InputError
from bridge.runtime.decoded import append, create_decoded, decoded_path
from bridge.runtime.tags import read_tags
from bridge.runtime.writing import writing

_HEADER = 27  # bytes of a page before its table of segments
_FIRST, _LAST = 2, 4  # flags of a stream's first and last page


def links(path: Path) -> list[int]:
    """Positions where the chained streams of an Ogg file begin; none for other files.

    Raises InputError unless every stream has its last page.
    """
    starts: list[int] = []
    streams: set[bytes] = set()
    position, opening, size = 0, False, path.stat().st_size
    with path.open("rb", buffering=1 << 16) as file:
        while (page := file.read(_HEADER))[:4] == b"OggS":
            table = file.read(page[26]) if len(page) == _HEADER else b""
            flags, stream = page[5:6], page[14:18]
            if flags and flags[0] & _FIRST:
                if not opening:  # streams that run side by side begin on adjoining pages
                    starts.append(position)
                streams.add(stream)
            opening = bool(flags and flags[0] & _FIRST)
            position += len(page) + len(table) + sum(table)
            if len(page) < _HEADER or len(table) < page[26] or position > size:
                break
            if flags[0] & _LAST:
                streams.discard(stream)
            file.seek(position)
    if streams or position > size:
        raise InputError(
            f"{path} is cut off or damaged after {min(position, size)} of its {size} bytes, "
            "before the last page of its audio; copy it again"
        )
    return starts


def join(path: Path, starts: list[int], work: Path) -> Path:
    """Decode the streams that begin at `starts` into one file in the folder `work`.

    Raises InputError when they differ in rate or channels, or one cannot be read.
    """
    decoded = decoded_path(work)
    whole = path.read_bytes()
    target: soundfile.SoundFile | None = None
    for start, stop in zip(starts, [*starts[1:], len(whole)], strict=True):
        try:
            with soundfile.SoundFile(io.BytesIO(whole[start:stop])) as file:
                kind = file.samplerate, file.channels
                target = target or create_decoded(decoded, *kind, read_tags(file))
                if kind != (target.samplerate, target.channels):
                    raise InputError(
                        f"{path} changes its rate or channels on the way; split it into its parts"
                    )
                if append(file, decoded, target) != file.frames:
                    raise InputError(f"{path} is cut off or damaged; copy it again")
        except soundfile.LibsndfileError as error:
            raise InputError(f"{path} is damaged ({error.error_string}); copy it again") from error
    with writing(decoded):
        if target:
            target.close()
    return decoded
