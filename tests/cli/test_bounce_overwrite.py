"""Results that replace earlier ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.helpers import FAKE, STEMS, bounce, good, manifest, read, refused, song


def stems(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.wav")}


def test_overwrite_replaces(tmp_path: Path):
    song(tmp_path)
    good("song.wav", *FAKE, "-o", "out", cwd=tmp_path)
    (tmp_path / "out/song/notes.txt").write_text("mine")
    mix = read(song(tmp_path, seed=1, seconds=0.5))
    good("song.wav", *FAKE, "-o", "out", "--overwrite", cwd=tmp_path)
    assert np.array_equal(sum(read(tmp_path / f"out/song/{name}.wav") for name in STEMS), mix)
    assert (tmp_path / "out/song/notes.txt").read_text() == "mine"
    assert {str(path.relative_to(tmp_path / "out")) for path in tmp_path.glob("out/**/*.*")} == {
        "song/manifest.json",
        "song/notes.txt",
        *(f"song/{name}.wav" for name in STEMS),
    }


@pytest.mark.slow
@pytest.mark.parametrize("rename", [4, 6])
def test_killed_between_two_final_names(rename: int, tmp_path: Path):
    if shutil.which("strace") is None:
        pytest.skip("killing between two renames needs strace")
    song(tmp_path)
    old, new = ("--bits", "16"), ("--end", "0.5")
    good("song.wav", *FAKE, *new, "-o", "fresh", cwd=tmp_path)
    good("song.wav", *FAKE, *old, "-o", "out", cwd=tmp_path)
    inject = f"inject=rename:signal=KILL:when={rename}"
    trap = ("strace", "-f", "-o", "/dev/null", "-e", "trace=rename", "-e", inject)
    whole = [stems(tmp_path / "out/song"), stems(tmp_path / "fresh/song")]
    ended = bounce("song.wav", *FAKE, *new, "-o", "out", "--overwrite", cwd=tmp_path, before=trap)
    assert ended.status < 0
    mixed = stems(tmp_path / "out/song")
    assert all(content in (whole[0][name], whole[1][name]) for name, content in mixed.items())
    assert mixed not in whole
    # The earlier manifest must not vouch for what is a mixture now.
    refused(bounce("song.wav", *FAKE, *old, "-o", "out", "--resume", cwd=tmp_path), 8, "resume")
    good("song.wav", *FAKE, *new, "-o", "out", "--resume", cwd=tmp_path)
    assert stems(tmp_path / "out/song") == whole[1]
    assert manifest(tmp_path / "out/song")["windows"]["computed"] == 0
