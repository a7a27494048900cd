"""Separate one stretch of a song with two models, and write one stem of both to compare by ear.

    python compare_models.py song.wav OUT --models htdemucs spectral --stem vocals --start 60

Writes a.wav and b.wav at equal loudness, since the louder of two always seems the better one, and
difference.wav, which is what one has and the other has not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile

import bridge


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare a stem of two models.")
    parser.add_argument("song", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", nargs=2, default=["htdemucs", "spectral"])
    parser.add_argument("--stem", default="vocals")
    parser.add_argument("--start", type=float, default=0.0, help="seconds")
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()

    with soundfile.SoundFile(chosen.song) as file:
        rate = file.samplerate
        file.seek(round(chosen.start * rate))
        audio = file.read(round(chosen.seconds * rate), dtype="float32", always_2d=True).T

    # residual="off": what the model itself says, for `other` too.
    stems = [
        bridge.separate(audio, rate, model, residual="off", warn=print)[chosen.stem]
        for model in chosen.models
    ]
    levels = [float(np.sqrt(np.mean(stem**2))) for stem in stems]
    quieter = min(levels)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name, stem, level in zip("ab", stems, levels, strict=True):
        gain = quieter / level if level else 1.0
        soundfile.write(chosen.out / f"{name}.wav", (stem * gain).T, rate, subtype="FLOAT")
    difference = stems[0] - stems[1]
    soundfile.write(chosen.out / "difference.wav", difference.T, rate, subtype="FLOAT")
    for name, model, level in zip("ab", chosen.models, levels, strict=True):
        print(f"{name}: {model}, {20 * np.log10(level + 1e-12):.1f} dBFS rms before levelling")
    apart = np.sqrt(np.mean(difference**2)) / (max(levels) + 1e-12)
    print(f"they differ by {20 * np.log10(apart + 1e-12):.1f} dB of the louder one")


if __name__ == "__main__":
    main()
