"""Reads audio files through libsndfile, and others through ffmpeg, and trusts none of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.errors import InputError, OutputError
from bridge.runtime import riff
from bridge.runtime.quiet import native_silence
from bridge.runtime.writing import native

BLOCK = 1 << 16  # frames read at once: large enough to be fast, 0.5 MB in stereo
MAX_RATE = 768_000
TAGS = ("title", "artist", "album", "date", "genre", "tracknumber", "comment", "copyright")
# What a folder is searched for. The first are read by libsndfile, the others need ffmpeg.
EXTENSIONS = (
    *(".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc"),
    *(".caf", ".w64", ".rf64", ".au"),
    *(".m4a", ".mp4", ".aac", ".wma", ".ape", ".wv", ".mka", ".webm"),
)


@dataclass(frozen=True)
class Source:
    """An audio file that was opened once and looks right.

    path: as the user gave it. readable: the file to read, another one when ffmpeg decoded it.
    rate: Hz. channels: 1 or 2. frames: at `rate`. bits: of integer samples, 0 for floats and
    lossy formats. tags: text fields by name. origination: BWF time reference in frames since
    midnight, or None.
    """

    path: Path
    readable: Path
    rate: int
    channels: int
    frames: int
    bits: int
    tags: dict[str, str]
    origination: int | None


def open_source(path: Path, work: Path) -> Source:
    """Look at the header of `path`. ffmpeg, if needed, decodes into the folder `work`.

    Raises InputError, which names the file and what is wrong with it.
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
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; copy it again")
    riff.check_size(path)
    try:
        return _inspect(path, path)
    except soundfile.LibsndfileError:
        decoded = _decode_with_ffmpeg(path, work)
        return replace(_inspect(path, decoded), bits=0)


def verify(source: Source) -> str:
    """Decode the whole file once and return the sha256 of its bytes, as hexadecimal digits.

    Raises InputError when it is shorter than its header says or holds values that are no numbers.
    """
    with nullcontext() if source.bits else native_silence():
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
        with _open(source.readable) as file:
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


def _open(path: Path) -> soundfile.SoundFile:
    with native_silence():
        return soundfile.SoundFile(native(path))


def _inspect(path: Path, readable: Path) -> Source:
    with _open(readable) as file:
        if file.channels not in (1, 2):
            raise InputError(f"{path} has {file.channels} channels; only mono and stereo work")
        if not 1000 <= file.samplerate <= MAX_RATE:
            raise InputError(
                f"{path} has a sample rate of {file.samplerate} Hz; 1000 to {MAX_RATE} work"
            )
        if file.frames < 1:
            raise InputError(f"{path} holds no audio: it has zero frames")
        bits = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
        tags = {name: value for name in TAGS if (value := getattr(file, name, ""))}
        return Source(
            path=path,
            readable=readable,
            rate=file.samplerate,
            channels=file.channels,
            frames=file.frames,
            bits=bits.get(file.subtype, 0),
            tags=tags,
            origination=riff.read_time_reference(path),
        )


def _decode_with_ffmpeg(path: Path, work: Path) -> Path:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise InputError(
            f"{path} is not audio that libsndfile reads (wav, flac, mp3, ogg, opus, aiff, caf); "
            "other formats work when ffmpeg is installed"
        )
    decoded = work / "decoded.w64"
    command = [ffmpeg, "-nostdin", "-v", "error", "-xerror", "-y", "-i", f"file:{path}"]
    command += ["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "w64", f"file:{decoded}"]
    result = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    said = result.stderr.decode(errors="replace")
    if "No space left" in said:
        raise OutputError(f"{work}: the disk is full; make room, or choose another -o")
    if result.returncode != 0 or not decoded.exists():
        last = (said.strip().splitlines() or ["it holds no audio"])[-1]
        raise InputError(f"{path} is not audio that ffmpeg can read ({last[:120]})")
    return decoded


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", "") or getattr(error, "strerror", "") or str(error)
