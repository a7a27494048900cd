"""How fast spectral is on one core, as multiples of real time.

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.spectral [SONG]

Medians of five runs over a minute of stereo at 44.1 kHz: in windows, as a bounce runs it, with
their context computed again; as one stream; and hop by hop, as it runs live.
"""
# ruff: noqa: T201 - a command: it prints

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.engine.base import Ensemble, Member
from bridge.engine.offline import OfflineRun, Settings
from bridge.engine.spectral import SpectralSeparator
from tests.tiny.synth import song

RATE, SECONDS, RUNS = 44100, 60, 5


def minute(path: str | None) -> NDArray[np.float32]:
    """A minute of stereo, shape (2, T): a song repeated, or a synthesised one."""
    if path is None:
        mix = np.sum(list(song(1, SECONDS, RATE).values()), axis=0)
    else:
        mix = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    times = -(-SECONDS * RATE // mix.shape[1])
    return np.ascontiguousarray(np.tile(mix, times)[:, : SECONDS * RATE], np.float32)


def median_speed(run: Callable[[], object]) -> float:
    """Seconds of audio for each second, the median of RUNS runs after one that is not counted."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return SECONDS / statistics.median(times[1:])


def main() -> None:
    """Measure and print."""
    mix = minute(sys.argv[1] if len(sys.argv) > 1 else None)
    separator = SpectralSeparator(RATE)
    hops = mix[:, : mix.shape[1] // separator.hop * separator.hop]

    def windows() -> None:
        ensemble = Ensemble("spectral", (Member(separator, (1.0,) * 4),))
        run = OfflineRun(ensemble, mix.shape[1], Settings(separator.sources))
        for _ in run.run(iter([mix])):
            pass

    def hop_by_hop() -> None:
        stream = separator.stream()
        for start in range(0, hops.shape[1], separator.hop):
            stream.process(hops[:, start : start + separator.hop])

    for name, run in {
        "in windows": windows,
        "as one stream": lambda: separator.stream().process(hops),
        "hop by hop": hop_by_hop,
    }.items():
        print(f"{name:<14} {median_speed(run):6.1f} x real time")


if __name__ == "__main__":
    main()
