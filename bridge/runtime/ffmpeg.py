"""Decodes what libsndfile cannot read through ffmpeg, where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from bridge.errors import InputError, OutputError
from bridge.runtime.decoded import decoded_path

# Containers that hold their audio themselves. Playlists and scripts (hls, dash, concat) are not
# among them: they would make ffmpeg read other files, whatever their own name looks like.
_CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "dsf", "dts", "eac3", "flac"),
    *("flv", "matroska", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "ogg", "tak", "tta", "w64"),
    *("wav", "wv"),
)
# A cover that cannot be shown says nothing about the music.
_OF_PICTURES = re.compile(r"\[(mjpeg|png|gif|bmp|webp|tiff) @ ")


def decode(path: Path, work: Path) -> Path:
    """Decode the first audio stream of `path` into the folder `work`; tags come along.

    Raises InputError when ffmpeg is missing or finds anything wrong, OutputError on a full disk.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise InputError(
            f"{path} is not audio that libsndfile reads (wav, flac, mp3, ogg, opus, aiff, caf); "
            "other formats work when ffmpeg is installed"
        )
    decoded = decoded_path(work)
    command = [program, "-nostdin", "-v", "error", "-xerror", "-y"]
    command += ["-protocol_whitelist", "file", "-format_whitelist", ",".join(_CONTAINERS)]
    command += ["-i", f"file:{path}", "-map", "0:a:0", "-c:a", "pcm_f32le"]
    # RF64 beyond 4 GB. W64 would hold as much, but no tags.
    command += ["-f", "wav", "-rf64", "auto", f"file:{decoded}"]
    result = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    said = result.stderr.decode(errors="replace")
    if "No space left" in said:
        raise OutputError(f"{work}: the disk is full; make room, or choose another -o")
    if "not on whitelist" in said:
        raise InputError(
            f"{path} is a playlist or of another kind that is not opened; name the audio files"
        )
    lines = [line for line in said.splitlines() if _matters(line)]
    if result.returncode != 0 or not decoded.exists():
        last = (lines or ["it holds no audio"])[-1]
        raise InputError(f"{path} is not audio that ffmpeg can read ({last[:120]})")
    if lines:  # of a file that ends early it only says so, and succeeds
        what = lines[0].rpartition("] ")[2]
        raise InputError(f"{path} is cut off or damaged ({what[:120]}); copy it again")
    return decoded


def _matters(line: str) -> bool:
    """Whether a line speaks of the audio; those that begin with a space repeat the one before."""
    return bool(line.strip()) and not line.startswith(" ") and not _OF_PICTURES.match(line)
