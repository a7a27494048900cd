"""Audio that tests use and that is not part of the project."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "audio" / "real-music-20s.mp3"


def real_song():
    """The real song, 882,000 frames of stereo at 44.1 kHz; skips the test where it is absent."""
    path = Path(os.environ.get("STEMBRIDGE_TEST_AUDIO", _BESIDE))
    if not path.is_file():
        pytest.skip(f"no {path}: set STEMBRIDGE_TEST_AUDIO to a song")
    return path
