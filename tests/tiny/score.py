"""What the players of a synthetic song agree on: tempo, key, chords and sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10))
PROGRESSIONS = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 0, 4), (1, 4, 0, 5), (0, 6, 5, 4))


@dataclass(frozen=True)
class Score:
    """What all the players of a song agree on. Times are in seconds, notes are MIDI numbers."""

    rate: int
    length: int
    beat: float
    swing: float
    tonic: int
    scale: tuple[int, ...]
    chords: tuple[int, ...]
    first_bar: int

    @property
    def bars(self) -> int:
        return int(self.length / self.rate / (4 * self.beat)) + 1

    def frame(self, bar: int, step: float) -> int:
        """Frame at which a sixteenth of a bar begins; odd sixteenths come late by the swing."""
        late = self.swing if step % 2 == 1 else 0.0
        return int((bar * 16 + step + late) * self.beat / 4 * self.rate)

    def chord(self, bar: int) -> int:
        return self.chords[(bar + self.first_bar) % len(self.chords)]

    def section(self, bar: int) -> int:
        """Sections of four bars: 0 verse, 1 chorus, 2 break."""
        return (0, 1, 0, 1, 2, 1)[(bar + self.first_bar) // 4 % 6]

    def note(self, degree: int) -> int:
        """MIDI note of a scale degree; 0 is the tonic near middle C, 7 an octave above."""
        return 60 + self.tonic + self.scale[degree % 7] + 12 * (degree // 7)


def compose(rng: np.random.Generator, length: int, rate: int) -> Score:
    """A score of `length` frames at `rate` Hz, drawn from `rng`."""
    return Score(
        rate=rate,
        length=length,
        beat=60.0 / rng.uniform(72, 150),
        swing=float(rng.choice([0.0, 0.0, 0.1, 0.25])),
        tonic=int(rng.integers(-6, 6)),
        scale=SCALES[rng.integers(len(SCALES))],
        chords=PROGRESSIONS[rng.integers(len(PROGRESSIONS))],
        first_bar=int(rng.integers(24)),
    )
