"""An mp3 of variable bit rate that is read in blocks holds what it holds when read at once."""

import numpy as np
import pytest
import soundfile

from bridge.runtime.riff import append_time_reference
from bridge.runtime.sequential import SequentialFile
from tests.cli.helpers import FAKE, good

RATE = 44100


@pytest.fixture
def audio():
    """Noise and tones by turns, shape (n, 2): the bit rate goes up and down."""
    time = np.arange(RATE * 8) / RATE
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (len(time), 2))
    tone = 0.3 * np.sin(2 * np.pi * 440 * time)
    return np.where((time % 5 < 2)[:, None], noise, tone[:, None])


@pytest.mark.parametrize("audio_format", ["MP3", "OGG", "FLAC", "WAV"])
@pytest.mark.parametrize("block", [4096, 65_536])
def test_blocks_are_the_whole(tmp_path, audio, audio_format, block):
    path = tmp_path / "song"
    soundfile.write(path, audio, RATE, format=audio_format)
    whole = soundfile.read(path)[0]
    with SequentialFile(path) as file:
        blocks = []
        while len(read := file.read(block)):
            blocks.append(read)
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


@pytest.mark.slow
def test_the_rest_of_mp3_stems_is_what_they_leave(tmp_path, audio):
    soundfile.write(tmp_path / "song.wav", audio, RATE)
    good("song.wav", *FAKE, "-o", "out", "--format", "mp3", cwd=tmp_path)
    stems = {path.stem: soundfile.read(path)[0] for path in (tmp_path / "out/song").glob("*.mp3")}
    left = audio - stems["drums"] - stems["bass"] - stems["vocals"]
    # Where there are tones, all that differs is what the encoder made of `other` itself.
    where = slice(RATE * 5 // 2, RATE * 9 // 2)
    assert np.abs(stems["other"] - left)[where].max() < 0.01


@pytest.mark.slow
def test_nothing_is_said_about_stray_bytes_of_an_mp3(tmp_path, audio):
    path = tmp_path / "song.mp3"
    soundfile.write(path, audio, RATE)
    data = path.read_bytes()
    middle = data.index(data[:2], len(data) // 2)
    path.write_bytes(data[:middle] + bytes(64) + data[middle:])
    ended = good("song.mp3", *FAKE, "-o", "out", cwd=tmp_path)
    assert ended.err == ""


def test_a_time_reference_that_gets_lost_is_told(tmp_path, audio):
    soundfile.write(tmp_path / "song.wav", audio, RATE)
    append_time_reference(tmp_path / "song.wav", 44100)
    for audio_format, words in (("wav", ""), ("aiff", "aiff cannot hold the song's time")):
        options = ("-o", audio_format, "--format", audio_format)
        ended = good("song.wav", *FAKE, *options, cwd=tmp_path)
        assert words in ended.err
        assert len(ended.err.splitlines()) == (audio_format == "aiff")
