"""Reads audio files, and trusts none of them.

libsndfile reads most where they lie. What it does not read whole or not at all is decoded first,
into the folder of the unfinished work: mp3 (`mpeg`), chained streams (`ogg`), the rest (`ffmpeg`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.errors import InputError
from bridge.runtime import ffmpeg, mpeg, ogg, riff
from bridge.runtime.tags import read_tags
from bridge.runtime.writing import native

BLOCK = 1 << 16  # frames read at once: large enough to be fast, 0.5 MB in stereo
MAX_RATE = 768_000
# What a folder is searched for. The first are read by libsndfile, the others need ffmpeg.
EXTENSIONS = (
    *(".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc"),
    *(".caf", ".w64", ".rf64", ".au"),
    *(".m4a", ".mp4", ".aac", ".wma", ".ape", ".wv", ".mka", ".webm"),
)


@dataclass(frozen=True)
class Source:
    """An audio file that was opened once and looks right.

    path: as the user gave it. readable: the file to read, another one when it was decoded.
    rate: Hz. channels: 1 or 2. frames: at `rate`. tags: text fields by name. origination: BWF time
    reference in frames since midnight, or None.
    """

    path: Path
    readable: Path
    rate: int
    channels: int
    frames: int
    tags: dict[str, str]
    origination: int | None


def open_source(path: Path, work: Path) -> Source:
    """Look at the header of `path`; decode it into the folder `work` if that is needed.

    Raises InputError, which names the file and what is wrong with it; OutputError when `work` is
    full.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file; check the name") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {_reason(error)}; check its path") from None
    if path.is_dir() and os.access(path, os.R_OK):
        raise InputError(f"{path} holds no audio files; name a file or another folder")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} cannot be read: permission denied; check its permissions")
    if not path.is_file():
        raise InputError(f"{path} is no ordinary file; write the audio into one first")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; copy it again")
    return _inspect(path, _decoded(path, work) or path)


def verify(source: Source) -> str:
    """Decode the whole file once and return the sha256 of its bytes, as hexadecimal digits.

    Raises InputError when it is shorter than its header says or holds values that are no numbers.
    """
    for _ in read_blocks(source, Span(0, source.frames)):
        pass
    with source.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_blocks(source: Source, span: Span) -> Iterator[Audio]:
    """Frames of `span` in blocks of shape (C, n), float32, full scale 1.0.

    Raises InputError when the file ends early or holds NaN or infinity.
    """
    position = span.start
    try:
        with soundfile.SoundFile(native(source.readable)) as file:
            if position:
                file.seek(position)
            while position < span.stop:
                wanted = min(BLOCK, span.stop - position)
                block = file.read(wanted, dtype="float32", always_2d=True).T
                if not np.isfinite(block).all():
                    where = position + int(np.argmin(np.isfinite(block).all(axis=0)))
                    raise InputError(
                        f"{source.path} holds NaN or infinity at {where / source.rate:.3f} s; "
                        "repair it in an audio editor"
                    )
                if block.shape[1] < wanted:
                    _raise_short(source, position + block.shape[1])
                position += wanted
                yield np.ascontiguousarray(block)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(
            f"{source.path} is damaged after {position / source.rate:.1f} s "
            f"({_reason(error)}); copy it again"
        ) from error


def _raise_short(source: Source, have: int) -> None:
    raise InputError(
        f"{source.path} ends after {have} of {source.frames} frames: it is cut off or damaged; "
        "copy it again"
    )


def _decoded(path: Path, work: Path) -> Path | None:
    """The file in `work` that `path` was decoded into, or None where it can be read itself."""
    riff.check_size(path)
    first_frame = mpeg.first_frame(path)
    if first_frame is not None:
        return mpeg.decode(path, first_frame, work) or ffmpeg.decode(path, work)
    links = ogg.links(path)
    if len(links) > 1:
        return ogg.join(path, links, work)
    try:
        with soundfile.SoundFile(native(path)) as file:
            # Inside a WAV file as well, its length would be a guess.
            readable = not file.subtype.startswith("MPEG")
    except soundfile.LibsndfileError:
        readable = False
    return None if readable else ffmpeg.decode(path, work)


def _inspect(path: Path, readable: Path) -> Source:
    with soundfile.SoundFile(native(readable)) as file:
        if file.channels not in (1, 2):
            raise InputError(f"{path} has {file.channels} channels; only mono and stereo work")
        if not 1000 <= file.samplerate <= MAX_RATE:
            raise InputError(
                f"{path} has a sample rate of {file.samplerate} Hz; 1000 to {MAX_RATE} work"
            )
        if file.frames < 1:
            raise InputError(f"{path} holds no audio: it has zero frames")
        return Source(
            path=path,
            readable=readable,
            rate=file.samplerate,
            channels=file.channels,
            frames=file.frames,
            tags=read_tags(file),
            origination=riff.read_time_reference(path),
        )


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", "") or getattr(error, "strerror", "") or str(error)
