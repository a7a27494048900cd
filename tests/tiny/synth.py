"""Songs made of arithmetic, with known stems, to train and test separators on.

`song(seed, seconds)` gives drums, bass, other and vocals whose sum is the mix. A seed decides on
tempo, key, chords, sections, instruments, levels and places in the stereo field.
`python -m tests.tiny.synth OUT_DIR` writes a demonstration song and its true stems.
"""
# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.tiny import players
from tests.tiny.score import compose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.tiny.instruments import Array

STEMS = ("drums", "bass", "other", "vocals")
DEMO_SEED = 900_100
PLAYERS = {
    "drums": players.drums,
    "bass": players.bass,
    "other": players.other,
    "vocals": players.vocals,
}
LEVELS = {"drums": 0.11, "bass": 0.1, "other": 0.08, "vocals": 0.1}


def song(seed: int, seconds: float, rate: int = 44100) -> dict[str, NDArray[np.float32]]:
    """Stems by name, each (2, seconds * rate) at `rate` Hz; they sum to a mix that peaks below 0.9.

    The same arguments give the same samples.
    """
    length = round(seconds * rate)
    score = compose(np.random.default_rng((seed, 0)), length, rate)
    stems: dict[str, Array] = {}
    for number, name in enumerate(STEMS, start=1):
        rng = np.random.default_rng((seed, number))
        track = PLAYERS[name](score, rng)
        power = float(np.sqrt(np.mean(track**2)))
        level = LEVELS[name] * 10 ** (rng.uniform(-4, 4) / 20)
        stems[name] = track * (level / max(power, 1e-3))
    peak = float(np.abs(np.sum(list(stems.values()), axis=0)).max(initial=1e-9))
    return {name: (stem * min(1.0, 0.88 / peak)).astype(np.float32) for name, stem in stems.items()}


def main() -> None:
    import soundfile

    parser = argparse.ArgumentParser(description="Write a synthetic song and its true stems.")
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--seed", type=int, default=DEMO_SEED, help="which song (%(default)s)")
    parser.add_argument("--seconds", type=float, default=18.0, help="length (%(default)s)")
    chosen = parser.parse_args()
    stems = song(chosen.seed, chosen.seconds)
    folder = chosen.out / "true-stems"
    folder.mkdir(parents=True, exist_ok=True)
    mix = np.sum(list(stems.values()), axis=0)
    files = {chosen.out / "demo-song.wav": mix}
    files |= {folder / f"{name}.wav": stem for name, stem in stems.items()}
    for path, audio in files.items():
        soundfile.write(path, audio.T, 44100, subtype="PCM_24")
        print(path)


if __name__ == "__main__":
    main()
