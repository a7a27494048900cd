"""What all parts share: how long and how often, and the audio and the networks that they run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.compare.rounds import say
from benchmarks.compare.variant import Variant

RATE = 44_100
FOLDER = Path(__file__).parents[2] / "build" / "bench"
# What both programs call these networks, so that both find them in the hub's cache.
SINGLE, BAG = ("adefossez/HTDemucs", "htdemucs"), ("adefossez/HTDemucs-ft", "htdemucs_ft")
SMALL = {"channels": 8, "bottom_channels": 16, "t_layers": 1, "segment": 2}


@dataclass(frozen=True)
class Setting:
    """How a part is measured.

    runs: rounds that count. seconds: of audio. variants: of ours, side by side. song: audio to
    take; without one STEMBRIDGE_TEST_AUDIO, or else a synthesised song. small: with networks of a
    few channels, to try the program out; its figures mean nothing.
    """

    runs: int
    seconds: float
    variants: tuple[Variant, ...]
    song: Path | None = None
    small: bool = False

    @property
    def home(self) -> Path:
        """The hub's cache folder with the random networks."""
        return FOLDER / ("hub-small" if self.small else "hub")

    def environment(self) -> dict[str, str]:
        """Of the programs that are compared: these networks, no network, nobody's own settings."""
        kept = {name: v for name, v in os.environ.items() if not name.startswith("STEMBRIDGE_")}
        return kept | {
            "HF_HOME": str(self.home),
            "HF_HUB_OFFLINE": "1",
            "STEMBRIDGE_CACHE_DIR": str(FOLDER / "cache"),
            "STEMBRIDGE_CONFIG_DIR": str(FOLDER / "config"),
            "STEMBRIDGE_RUNTIME_DIR": str(FOLDER / "run"),
        }

    def audio(self, seconds: float | None = None) -> Path:
        """A 16-bit stereo file of so many seconds at 44.1 kHz: a song, again and again."""
        wanted = round((seconds or self.seconds) * RATE)
        path = FOLDER / f"song-{wanted}.wav"
        source = self.song or os.environ.get("STEMBRIDGE_TEST_AUDIO")
        path.parent.mkdir(parents=True, exist_ok=True)
        mix = _read(Path(source)) if source else _synthesised()
        times = -(-wanted // len(mix))
        soundfile.write(path, np.tile(mix, (times, 1))[:wanted], RATE, subtype="PCM_16")
        return path

    def networks(self, *, bag: bool = False) -> str:
        """The name of the random network, or of the bag of four; makes it once."""
        from demucs.htdemucs import HTDemucs

        from tests import networks

        repo, name = BAG if bag else SINGLE
        if not (self.home / "hub" / f"models--{repo.replace('/', '--')}").exists():
            say(f"making {name} with random weights")
            arguments = networks.FULL | (SMALL if self.small else {})
            seeds = range(1, 5) if bag else range(1)
            made = [networks.network(HTDemucs, arguments, seed) for seed in seeds]  # type: ignore[no-untyped-call]
            weights = {"weights": networks.FT_WEIGHTS} if bag else {}
            networks.fill_hub_cache(self.home, repo, name, made, **weights)
        return name


def _read(path: Path) -> np.ndarray:
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples = samples[:, :2] if samples.shape[1] > 1 else np.repeat(samples, 2, axis=1)
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


def _synthesised() -> np.ndarray:
    from tests.tiny.synth import song

    return np.asarray(np.sum(list(song(1, 20, RATE).values()), axis=0).T)
