"""The session that `--session ardour` writes, opened, exported and saved by a real Ardour."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio import real_song
from tests.cli.helpers import FAKE, good, music, read, write
from tests.hosts.ardour import host
from tests.hosts.plugin import NULL_DECIBELS, decibels
from tests.runtime.reading_sessions import one, parsed, read_ardour

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("ardour7-lua") is None,
        reason="no Ardour 7; `apt-get install --no-install-recommends ardour`",
    ),
]


class Ardour(host.Ardour):
    """One without the plug-in."""

    def _install(self) -> None:
        folder = self.home / ".config/ardour7/export"
        folder.mkdir(parents=True)
        (folder / "float.preset").write_text(host._PRESET)

    def export(self, session: Path, frames: int) -> tuple[np.ndarray, str]:
        """What its master gives, (frames, channels), and what it says of the session."""
        out = self.home / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        names = (str(session.parent), session.stem, str(out), str(frames))
        said = self._script("export.lua", *names)
        assert re.search(r"^exported true$", said, re.MULTILINE), said
        return read(out / "export.wav"), said


@pytest.fixture
def ardour(tmp_path: Path) -> Ardour:
    return Ardour(tmp_path / "home")


def check(ardour: Ardour, folder: Path, mix: np.ndarray, rate: int) -> str:
    """Its export is the mix, whatever else it has; twice, since it saves the session between."""
    (session,) = folder.glob("*-ardour/*.ardour")
    frames, more = len(mix), 3000
    stereo = np.repeat(mix, 2, axis=1) if mix.shape[1] == 1 else mix
    wanted = np.concatenate([stereo, np.zeros((more, 2))])
    for _ in range(2):
        heard, said = ardour.export(session, frames + more)
        assert heard.shape == wanted.shape
        assert decibels(heard[:frames]) > -20
        assert decibels(heard - wanted) <= NULL_DECIBELS
        assert f"session {rate} 0 {frames}\n" in said
    assert all(
        read.muted == ("original" in read.name) for read in read_ardour(session.read_bytes())
    )
    return said


def test_stems_of_the_real_song_are_the_song(ardour: Ardour, tmp_path: Path):
    start, end = 5, 9.25
    options = ("-m", "spectral", "--session", "ardour", "--tempo", "97.5", "-o", "out")
    good(real_song(), *options, "--start", str(start), "--end", str(end), cwd=tmp_path)
    (folder,) = (tmp_path / "out").iterdir()
    mix = read(real_song())[start * 44100 : round(end * 44100)]
    said = check(ardour, folder, mix, 44100)
    regions = re.findall(r"^region (.*)$", said, re.MULTILINE)
    names = ("drums", "bass", "other", "vocals")
    assert regions == [f"0 {len(mix)} 0 false {name}" for name in names]
    (session,) = folder.glob("*-ardour/*.ardour")
    saved = parsed(session.read_bytes())
    assert one(saved, "ProgramVersion").get("modified-with", "").startswith("Ardour 7")
    # Ardour keeps whole ticks of its clock, not beats a minute.
    tempo = float(one(saved, "TempoMap/Tempos/Tempo").get("npm", ""))
    assert tempo == pytest.approx(97.5, rel=1e-8)


def test_a_mono_song_with_an_odd_name(ardour: Ardour, tmp_path: Path):
    name = "Dvořák & “x” 'y' <z>: 1%"
    mix = read(write(tmp_path / f"{name}.wav", music(40_001, 1), 48000))
    options = ("--session", "ardour", "--start", "0.1", "--format", "flac", "-o", "out")
    good(f"{name}.wav", *FAKE, *options, cwd=tmp_path)
    (folder,) = (tmp_path / "out").iterdir()
    said = check(ardour, folder, mix[4800:], 48000)
    # The song itself begins where the stems do, and is muted.
    assert re.search(r"^region 0 35201 4800 true .*\(original\)$", said, re.MULTILINE)


def test_a_muted_track_would_be_heard(ardour: Ardour, tmp_path: Path):
    """Or the tests above prove nothing of it."""
    mix = read(write(tmp_path / "song.wav", music(30_000, 2), 44100))
    good("song.wav", *FAKE, "--session", "ardour", "-o", "out", cwd=tmp_path)
    session = tmp_path / "out/song/song-ardour/song.ardour"
    text = session.read_text().replace('muted="1"', 'muted="0"')
    session.write_text(re.sub(r'(name="mute" id="\d+" value=)"1"', r'\1"0"', text))
    heard, _ = ardour.export(session, 30_000)
    assert decibels(heard - 2 * mix) <= NULL_DECIBELS
    assert soundfile.info(tmp_path / "song.wav").frames == 30_000
