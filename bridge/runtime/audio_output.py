"""Writes stems: formats, quantisation with dither, tags, and a check that a file is whole."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.errors import OutputError, UsageError
from bridge.runtime import riff
from bridge.runtime.stamps import remove_stamps
from bridge.runtime.tags import write_tags
from bridge.runtime.writing import native, writing

_SUBTYPES = {"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"}
_LOSSY = {"mp3": "MPEG_LAYER_III", "ogg": "VORBIS"}
_BYTES: dict[str | None, int] = {"16": 2, "24": 3, "32f": 4}
_SCALES = {"16": 2.0**15, "24": 2.0**23}
# Sizes are 32 bits in WAV and AIFF; a WAV that could pass this is written as RF64. Room is left
# for other chunks.
_LIMIT = 2**32 - 2**20


@dataclass(frozen=True)
class Encoding:
    """File format and bits of the samples; bits are None for lossy formats."""

    format: str
    bits: str | None

    @property
    def lossy(self) -> bool:
        """True for mp3 and ogg, whose samples change when they are written."""
        return self.format in _LOSSY

    @property
    def subtype(self) -> str:
        """libsndfile's name of the sample format."""
        return _LOSSY[self.format] if self.bits is None else _SUBTYPES[self.bits]


def choose_encoding(audio_format: str, bits: str | None, rate: int, channels: int) -> Encoding:
    """The encoding for a format and bits (None: 24, or the format's own), tried out in memory.

    Raises UsageError for a combination that cannot be written, before any work.
    """
    encoding = Encoding(audio_format, None if audio_format in _LOSSY else bits or "24")
    try:
        with soundfile.SoundFile(
            io.BytesIO(), "w", rate, channels, encoding.subtype, format=audio_format.upper()
        ) as file:
            file.write(np.zeros((64, channels), np.float32))
    except (soundfile.LibsndfileError, ValueError, OSError):
        bits_text = f" with {encoding.bits} bits" if encoding.bits else ""
        raise UsageError(
            f"{audio_format}{bits_text} cannot hold {rate} Hz; use --format wav or flac --bits 24"
        ) from None
    return encoding


def check_size(encoding: Encoding, frames: int, channels: int) -> None:
    """Raise UsageError when a file of `frames` frames is more than its format can hold."""
    size = frames * channels * _BYTES.get(encoding.bits, 0)
    if encoding.format == "aiff" and size > _LIMIT:
        raise UsageError(
            f"aiff holds 4.2 GB and each stem needs {size / 1e9:.1f}; use --format wav or flac"
        )


@dataclass
class StemWriter:
    """Writes one stem to `path`. Blocks are float64 or float32 of shape (C, n).

    `seed` starts the dither; `frames` is what will be written; `clamp` limits every sample to full
    scale first. peak: highest absolute sample so far, before that. over: samples over full scale.
    """

    path: Path
    encoding: Encoding
    rate: int
    channels: int
    seed: tuple[int, ...]
    frames: int
    clamp: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    peak: float = 0.0
    over: int = 0

    def __enter__(self) -> Self:
        self._dither = np.random.default_rng(self.seed)
        size = self.frames * self.channels * _BYTES.get(self.encoding.bits, 0)
        big = self.encoding.format == "wav" and size > _LIMIT
        with writing(self.path):
            self._file = soundfile.SoundFile(
                native(self.path),
                "w",
                self.rate,
                self.channels,
                self.encoding.subtype,
                format="RF64" if big else self.encoding.format.upper(),
            )
            write_tags(self._file, self.tags)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with writing(self.path):
            self._file.close()

    def write(self, block: NDArray[Any]) -> None:
        """Append a block. Raises OutputError when the disk is full or the file cannot grow."""
        self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)))
        self.over += int(np.count_nonzero(np.abs(block) > 1.0))
        if self.clamp:
            block = np.clip(block, -1.0, 1.0)
        samples = self._samples(block)
        with writing(self.path):
            self._file.write(samples.T)

    def _samples(self, block: NDArray[Any]) -> NDArray[Any]:
        bits = self.encoding.bits
        if bits is None or bits == "32f":
            return block.astype(np.float32)
        scale = _SCALES[bits]
        exact = block.astype(np.float64) * scale
        if bits == "16" and not np.array_equal(exact, np.rint(exact)):
            # TPDF dither of +-1 LSB (Lipshitz, Wannamaker and Vanderkooy 1992). Blocks that are
            # whole numbers already lose nothing and get none; digital silence stays silent.
            noise = self._dither.random((2, *exact.shape))
            exact += np.where(exact == 0, 0, noise[0] - noise[1])
        whole = np.clip(np.rint(exact), -scale, scale - 1).astype(np.int32)
        return whole.astype(np.int16) if bits == "16" else whole << 8


def check_whole(path: Path, frames: int) -> None:
    """Reopen a file that was written and raise OutputError unless it has `frames` frames."""
    with writing(path), soundfile.SoundFile(native(path)) as file:
        whole = file.frames == frames
        file.seek(max(0, frames - 1))
        if not whole or len(file.read(1)) != 1:
            raise OutputError(
                f"cannot write {path}: it has {file.frames} of {frames} frames; is the disk full? "
                "Make room, or choose another -o"
            )


def losses(encoding: Encoding, origination: int | None) -> list[str]:
    """What files of this encoding will not hold of the input, as warnings."""
    if origination is None or encoding.format == "wav":
        return []
    return [f"{encoding.format} cannot hold the song's time reference; use --format wav"]


def finish(path: Path, encoding: Encoding, origination: int | None) -> None:
    """Make a written file depend on its samples alone, and give a WAV its time reference.

    `origination` is the Broadcast Wave time reference in frames, or None where there is none.
    """
    with writing(path):
        remove_stamps(path)
        if origination is not None and encoding.format == "wav":
            riff.append_time_reference(path, origination)
