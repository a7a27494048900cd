"""How fast spectral is on one core, as multiples of real time.

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.spectral [SONG]

Medians of five runs over a minute of stereo at 44.1 kHz: in windows, as a bounce runs it, with
their context computed again; as one stream; and hop by hop, as it runs live. Then the time that
a single hop takes at several rates, whose tail is what a live session has to allow for.
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
LIVE_RATES = (44100, 48000, 96000, 192000)
LIVE_HOPS, FIRST_HOPS = 10_000, 300


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


def live_milliseconds(rate: int) -> tuple[float, float, float]:
    """Median, 99th percentile and 99.9th of the time that one hop of stereo noise takes."""
    stream = SpectralSeparator(rate).stream()
    rng = np.random.default_rng(1)
    hops = rng.uniform(-0.5, 0.5, (64, 2, stream.hop)).astype(np.float32)
    times = []
    for index in range(FIRST_HOPS + LIVE_HOPS):
        start = time.perf_counter()
        stream.process(hops[index % len(hops)])
        times.append(1000 * (time.perf_counter() - start))
    median, late, latest = np.percentile(times[FIRST_HOPS:], [50, 99, 99.9])
    return float(median), float(late), float(latest)


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
    for rate in LIVE_RATES:
        median, late, latest = live_milliseconds(rate)
        print(f"a hop at {rate:6} Hz: {median:.3f} ms, p99 {late:.3f}, p99.9 {latest:.3f}")


if __name__ == "__main__":
    main()
