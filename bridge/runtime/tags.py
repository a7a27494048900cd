"""Text fields of audio files, as far as libsndfile knows them."""

from __future__ import annotations

import soundfile

TAGS = ("title", "artist", "album", "date", "genre", "tracknumber", "comment", "copyright")
# Bytes of one field. libsndfile 1.2 reads no field of a WAV file when one has 2048 or more, or all
# have 16384; from 90,000 on its headers of AIFF and WAV files are damaged.
_LIMIT = 2000


def read_tags(file: soundfile.SoundFile) -> dict[str, str]:
    """The fields of an open file that are not empty."""
    return {name: value for name in TAGS if (value := getattr(file, name, ""))}


def write_tags(file: soundfile.SoundFile, tags: dict[str, str]) -> None:
    """Give an open file its fields, each cut to what every format can hold."""
    for name, value in tags.items():
        setattr(file, name, value.encode()[:_LIMIT].decode(errors="ignore"))
