"""The file that holds the samples of a song which cannot be read where it lies."""

from __future__ import annotations

from pathlib import Path

import soundfile

from bridge.runtime.tags import write_tags
from bridge.runtime.writing import native, writing

_BLOCK = 1 << 16  # frames


def decoded_path(work: Path) -> Path:
    """Where decoders put the samples: a WAV or RF64 file of 32-bit floats in the folder `work`."""
    return work / "decoded.wav"


def create_decoded(
    path: Path, rate: int, channels: int, tags: dict[str, str]
) -> soundfile.SoundFile:
    """Open the file at `path` to be written. RF64, since nobody knows yet how long it gets."""
    with writing(path):
        file = soundfile.SoundFile(native(path), "w", rate, channels, "FLOAT", format="RF64")
        write_tags(file, tags)
    return file


def append(source: soundfile.SoundFile, path: Path, target: soundfile.SoundFile) -> int:
    """Copy the frames of `source`, to its end, to the file `target` at `path`; returns how many.

    Raises OutputError, and LibsndfileError when `source` is damaged.
    """
    frames = 0
    while len(block := source.read(_BLOCK, dtype="float32", always_2d=True)):
        with writing(path):
            target.write(block)
        frames += len(block)
    return frames
