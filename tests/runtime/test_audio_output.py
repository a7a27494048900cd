"""What a format cannot hold is refused before work; what is cut short is noticed."""

import numpy as np
import pytest
import soundfile

from bridge.errors import OutputError, UsageError
from bridge.runtime.audio_output import (
    Encoding,
    StemWriter,
    check_size,
    check_whole,
    choose_encoding,
    losses,
)

FOUR_GIGABYTES = 2**32


def test_aiff_beyond_four_gigabytes_is_refused_and_wav_is_not():
    frames = FOUR_GIGABYTES // 8
    with pytest.raises(UsageError, match="aiff holds"):
        check_size(Encoding("aiff", "32f"), frames, 2)
    check_size(Encoding("aiff", "16"), frames, 2)
    check_size(Encoding("wav", "32f"), frames, 2)


@pytest.mark.parametrize(("bits", "kind"), [("16", "WAV"), ("24", "RF64"), ("32f", "RF64")])
def test_a_long_wav_is_written_as_rf64(tmp_path, bits, kind):
    frames = FOUR_GIGABYTES // 5  # stereo: 3.4 GB at 16 bits, 5.2 GB at 24
    with StemWriter(tmp_path / "x.wav", Encoding("wav", bits), 44100, 2, (0,), frames) as writer:
        writer.write(np.zeros((2, 10)))
    assert soundfile.info(tmp_path / "x.wav").format == kind


def test_a_file_with_a_frame_missing_is_noticed(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(99), 8000)
    check_whole(tmp_path / "x.wav", 99)
    with pytest.raises(OutputError, match="99 of 100 frames"):
        check_whole(tmp_path / "x.wav", 100)


@pytest.mark.parametrize(
    ("audio_format", "rate", "works"),
    [("mp3", 48000, True), ("mp3", 96000, False), ("flac", 192000, True), ("ogg", 8000, True)],
)
def test_rates_are_tried_out(audio_format, rate, works):
    if works:
        assert choose_encoding(audio_format, None, rate, 2).format == audio_format
    else:
        with pytest.raises(UsageError, match=f"cannot hold {rate} Hz"):
            choose_encoding(audio_format, None, rate, 2)


FIELDS = ("title", "artist", "album", "date", "genre", "tracknumber", "comment", "copyright")
HOLDS = {
    "wav": FIELDS,
    "flac": FIELDS,
    "ogg": FIELDS,
    "mp3": FIELDS[:-1],
    "aiff": ("title", "artist", "comment", "copyright"),
}


@pytest.mark.parametrize("length", [10, 1999, 150_000])
@pytest.mark.parametrize(
    ("audio_format", "letter"),
    # libsndfile writes some fields of mp3 and aiff in ASCII alone.
    [*((name, "a") for name in HOLDS), *((name, "音") for name in ("wav", "flac", "ogg"))],
)
def test_tags_of_any_length_leave_the_file_whole(tmp_path, audio_format, length, letter):
    path, value = tmp_path / "x", letter * length
    encoding = choose_encoding(audio_format, None, 44100, 2)
    tags = dict.fromkeys(FIELDS, value)
    with StemWriter(path, encoding, 44100, 2, (0,), 999, tags=tags) as writer:
        writer.write(np.full((2, 999), 0.25))
    check_whole(path, 999)
    with soundfile.SoundFile(path) as file:
        found = {name: getattr(file, name) for name in HOLDS[audio_format]}
    assert len(set(found.values())) == 1
    kept = found["title"]
    assert value.startswith(kept)
    assert kept == value or 1997 < len(kept.encode()) <= 2000


def test_a_time_reference_is_lost_without_wav_and_only_where_there_is_one():
    assert losses(Encoding("wav", "24"), 5) == losses(Encoding("aiff", "24"), None) == []
    assert losses(Encoding("aiff", "24"), 0) == [
        "aiff cannot hold the song's time reference; use --format wav"
    ]
