"""Reads audio files from one end to the other without going back."""

from __future__ import annotations

import soundfile


class SequentialFile(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """An open file that is read in blocks, and gives the samples that one large read gives.

    After every block soundfile seeks to where the block ended, and after a seek in an mp3 of
    variable bit rate libsndfile 1.2 goes on with zeros or elsewhere. It does not in a file that
    cannot be sought, which is what this one tells it. `seek` itself still works.
    """

    def seekable(self) -> bool:
        """False, whatever the file can do."""
        return False
