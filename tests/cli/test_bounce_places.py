"""Places that cannot be read from or written to: permissions and full disks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.helpers import FAKE, NOBODY, bounce, good, music, refused, song, tree, write

FORMATS = ["wav 16", "wav 24", "wav 32f", "flac", "mp3", "ogg", "aiff"]
FRAMES = 60_000
# Three stems in stereo float32 (`other` is the rest), and pages for what is small beside them.
WORKING_DATA = FRAMES * 3 * 2 * 4 + 4 * 4096


def refused_to_nobody(folder: Path, status: int, *words: str, arguments: tuple[str, ...]) -> None:
    before = tree(folder)
    refused(bounce(*arguments, *FAKE, cwd=folder, before=NOBODY), status, *words)
    assert tree(folder) == before


def test_file_and_folder_that_may_not_be_read(common: Path):
    (common / "out").mkdir()
    (common / "out").chmod(0o777)
    song(common / "private").chmod(0o600)
    denied = ("cannot be read", "permission", "check")
    arguments = ("private/song.wav", "-o", "out/here")
    refused_to_nobody(common, 3, "private/song.wav", *denied, arguments=arguments)
    (common / "private").chmod(0o700)
    refused_to_nobody(common, 3, "private/song.wav", "cannot be read", arguments=arguments)
    refused_to_nobody(common, 3, "private ", "cannot be read", arguments=("private", "-o", "out"))


@pytest.mark.slow
def test_folder_that_may_not_be_written(common: Path):
    song(common)
    (common / "out").mkdir()
    for output in ("new", "out", "out/new"):
        arguments = ("song.wav", "-o", output)
        refused_to_nobody(common, 4, output, "permission denied", "-o", arguments=arguments)
    (common / "out").chmod(0o777)
    (common / "out/song").mkdir()
    arguments = ("song.wav", "-o", "out")
    refused_to_nobody(common, 4, "out/song", "permission denied", arguments=arguments)
    (common / "out/.stembridge-part/other").mkdir(parents=True)
    refused_to_nobody(common, 4, ".stembridge-part", "permission", arguments=arguments)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder `disk` that takes four million bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4000k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root's rights")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_disk_that_cannot_take_the_results(kind: str, disk: Path):
    write(disk.parent / "song.wav", music(FRAMES))
    audio_format, *bits = kind.split()
    options = [*FAKE, "-o", "disk", "--format", audio_format, *(["--bits", *bits] if bits else [])]
    good("song.wav", *options, cwd=disk.parent)
    size = sum(path.stat().st_size for path in disk.rglob("*") if path.is_file())
    shutil.rmtree(disk / "song")
    filler = shutil.disk_usage(disk).free - WORKING_DATA - size // 2
    (disk / "others.bin").write_bytes(bytes(filler))
    before = tree(disk)
    ended = bounce("song.wav", *options, cwd=disk.parent)
    refused(ended, 4, "disk", "full", f".{audio_format}", "choose another -o")
    assert tree(disk) == before


def test_disk_that_cannot_take_the_working_data(disk: Path):
    write(disk.parent / "song.wav", music(400_000))
    for options in ((), ("--resume",)):
        ended = bounce("song.wav", *FAKE, *options, "-o", "disk/new", cwd=disk.parent)
        refused(ended, 4, "disk/new", "full", "choose another -o")
        if not options:
            assert tree(disk) == {}
    assert not (disk / "new/song").exists()
