"""What networks cost on a GPU, beside demucs on the same one: all of it in one command.

    python -m benchmarks.gpu [--write FILE]            on a CUDA device; some 5 minutes
    python -m benchmarks.gpu --device cpu --small      tries the program without one

A full-size htdemucs with random weights. First how near everything is to demucs in float32 (it
ends there where `exact` is below 100 dB), then how long a song takes, then live streams through a
sidecar of their own. The result is text for docs/BENCH.md; what counts are ratios and zeros.
"""

# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.live import RATE, Player, open_stream, sidecar
from bridge.client import StemStream
from bridge.engine.arithmetic import BFLOAT16, FAST_ON_CUDA, FLOAT32, TF32
from bridge.errors import ModelError, ServerError

Audio = NDArray[np.float32]

GOOD_DB = 100
STRETCHES = (1.0, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 11, 16, 22, 32)
"""By how much the smallest latency is multiplied until as many sessions fit."""


@dataclass(frozen=True)
class Size:
    """What is measured: of the network, and of how much."""

    song_seconds: int = 180
    rounds: int = 5
    runs: int = 30
    batches: tuple[int, ...] = (1, 4, 8, 16)
    sessions: tuple[int, ...] = (1, 4, 16)
    live_seconds: tuple[int, ...] = (60, 20, 20)
    calibrate: float = 10.0
    small: bool = False


SMALL = Size(8, 1, 2, (1, 2), (1, 2), (2, 2), 0.3, small=True)


def make(size: Size) -> Any:
    """The network, random, whose every block counts."""
    from tests import networks

    made = networks.hybrid_transformer if size.small else networks.full_size
    return made()  # type: ignore[no-untyped-call]


def music(rate: int, seconds: int) -> Audio:
    """Noise with a beat and a tone, (2, T)."""
    time = np.arange(rate * seconds) / rate
    noise = np.random.default_rng(1).normal(0, 0.1, (2, len(time)))
    beat = np.exp(-10 * (time % 0.47))
    return (0.1 * np.sin(2 * np.pi * 220 * time) + beat * noise + 0.1 * noise).astype(np.float32)


def decibels(found: Audio, expected: Audio) -> float:
    """Signal to error of the worst stem; both (S, C, T)."""
    error = np.sum((found - expected).astype(np.float64) ** 2, axis=(1, 2)) + 1e-30
    return float(
        (10 * np.log10(np.sum(expected.astype(np.float64) ** 2, axis=(1, 2)) / error)).min()
    )


class Bench:
    """One network on one device, run by demucs and by ours."""

    def __init__(self, device: str, size: Size) -> None:
        self._device, self._size = device, size
        self._network = make(size)
        self._song = music(self._network.samplerate, size.song_seconds)

    def demucs(self, *, tf32: bool) -> Audio:
        """What demucs computes; it leaves TF32 on in convolutions, as torch does."""
        import torch
        from demucs.apply import apply_model

        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        mix = torch.from_numpy(self._song)[None]
        with torch.no_grad():
            stems = apply_model(self._network, mix, shifts=0, device=self._device)
        found: Audio = stems[0].numpy()
        return found

    def separator(self, kind: str, batches: tuple[int, ...], frames: int = 0) -> Any:
        """Ours, with numbers of that kind, ready for batches of so many windows."""
        from bridge.engine.cuda_core import CudaCore, CudaPlace
        from bridge.engine.demucs import DemucsSeparator

        place = CudaPlace(batches, kind)
        # Without CUDA nothing is recorded: the work is done anew.
        record = None if self._device.startswith("cuda") else (lambda work, _device: work)
        separator = DemucsSeparator(
            self._network,
            name="htdemucs",
            device=self._device,
            convert=partial(CudaCore, place=place, record=record),
            streams=place.streams,
        )
        separator.prepare(frames or separator.segment, lambda: None)
        return separator

    def ours(self, separator: Any, batch: int) -> Audio:
        """What our engine makes of the song."""
        from bridge.engine.base import Ensemble, Member
        from bridge.engine.offline import OfflineRun, Settings

        ensemble = Ensemble("htdemucs", (Member(separator, (1.0,) * len(separator.sources)),))
        length = self._song.shape[1]
        run = OfflineRun(ensemble, length, Settings(separator.sources, batch=batch))
        block = separator.rate
        blocks = (self._song[:, at : at + block] for at in range(0, length, block))
        return np.concatenate([chunk.stems for chunk in run.run(blocks)], axis=2)

    def correctness(self) -> Iterator[str]:
        """Rows of a table. Raises SystemExit where `exact` is not."""
        expected = self.demucs(tf32=False)
        yield from table("against demucs in float32", "worst stem")
        yield f"| demucs as it comes | {decibels(self.demucs(tf32=True), expected):.1f} dB |"
        batch = max(self._size.batches)
        for kind in (FLOAT32, TF32, BFLOAT16):
            found = decibels(self.ours(self.separator(kind, (batch,)), batch), expected)
            yield f"| {named(kind)} | {found:.1f} dB |"
            if kind == FLOAT32 and found < GOOD_DB:
                raise SystemExit(
                    f"exact is only {found:.1f} dB near demucs; {GOOD_DB} are expected"
                )

    def offline(self) -> Iterator[str]:
        """Rows of a table: a song, beside demucs in the same round."""
        ways: dict[str, Callable[[], object]] = {
            "demucs as it comes": partial(self.demucs, tf32=True),
            "demucs, float32": partial(self.demucs, tf32=False),
        }
        for kind, batch in product((FLOAT32, TF32, BFLOAT16), self._size.batches):
            with suppress(ModelError):  # more than the memory holds
                separator = self.separator(kind, (batch,))
                ways[f"{named(kind)}, {batch} at once"] = partial(self.ours, separator, batch)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(self._size.rounds):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                taken[name].append(time.perf_counter() - began)
        yield from table(f"{self._size.song_seconds} s of music", "time", "x real time", "x demucs")
        base = taken["demucs as it comes"]
        for name, times in taken.items():
            took = statistics.median(times)
            ratio = statistics.median(a / b for a, b in zip(base, times, strict=True))
            speed = self._size.song_seconds / took
            yield f"| {name} | {took:.3f} s | {speed:.0f} | {ratio:.2f} |"

    def runs(self) -> Iterator[str]:
        """Rows of a table: one live run, from windows on the device to stems on the host."""
        yield from table("a live run, hop of 20 ms", "median", "longest")
        for kind in (FLOAT32, TF32, BFLOAT16):
            separator = self.separator(kind, (1, 8))
            hop = separator.rate // 50
            window = separator.to_device(self._song[:, : separator.segment])
            for count in (1, 8):
                times = []
                for _ in range(self._size.runs + 2):
                    began = time.perf_counter()
                    separator.separate_windows([window] * count, slice(-6 * hop, -5 * hop))
                    times.append(1000 * (time.perf_counter() - began))
                middle, most = statistics.median(times[2:]), max(times[2:])
                yield f"| {named(kind)}, {count} windows | {middle:.1f} ms | {most:.1f} ms |"


def live(device: str, size: Size) -> Iterator[str]:
    """Rows of a table: sessions in real time through a sidecar, one after the other opened."""
    from tests import networks

    yield from table("live sessions", "latency", "late frames", "least slack")
    with sidecar("--device", device, "--calibrate", str(size.calibrate)) as file:
        path = file.parent / "htdemucs-random.safetensors"
        networks.save_network(make(size), path)  # type: ignore[no-untyped-call]
        for precision in ("fast", "exact"):
            for count, seconds in zip(size.sessions, size.live_seconds, strict=True):
                if precision == "fast":
                    yield row(file, str(path), precision, count, seconds)
                elif count == 1:
                    yield row(file, str(path), precision, count, min(seconds, 20))


def row(file: Path, model: str, precision: str, count: int, seconds: int) -> str:
    """Play `count` streams with the smallest latency that lets them all in."""
    block = 128 if count == 1 else 512
    with ExitStack() as stack:
        streams = opened(
            stack, partial(open_stream, file, block, model, precision=precision), count
        )
        if not streams:
            return f"| {count}, {precision} | does not fit | | |"
        player = Player(streams, block, seconds)
        player.play()
        latency = 1000 * streams[0].latency / RATE
        late = sum(stream.late_frames for stream in streams)
        slacks = [stream.stats()["slack_us"]["min"] for stream in streams]
        least = min((slack for slack in slacks if slack is not None), default=0) / 1000
        stalls = f" (the host stalled {player.stalls} times)" if player.stalls else ""
        return (
            f"| {count}, {precision}, blocks of {block}, {seconds} s | {latency:.0f} ms "
            f"| {late} of {seconds * RATE * count}{stalls} | {least:.1f} ms |"
        )


def opened(
    stack: ExitStack, open_one: Callable[[float | None], StemStream], count: int
) -> Sequence[StemStream]:
    """As many streams with the same latency, the smallest of `STRETCHES`; none if none will do."""
    with open_one(None) as first:
        smallest = 1000 * first.latency / RATE
    for stretch in STRETCHES:
        with ExitStack() as attempt:
            wish = smallest * stretch + 0.1
            try:
                streams = [attempt.enter_context(open_one(wish)) for _ in range(count)]
            except ServerError:
                continue
            stack.push(attempt.pop_all())
            return streams
    return ()


def named(kind: str) -> str:
    """What a user asks for to get numbers of that kind on a GPU."""
    return {FLOAT32: "exact", FAST_ON_CUDA: f"fast ({kind})"}.get(kind, kind)


def table(*titles: str) -> tuple[str, str, str]:
    """The beginning of a table of Markdown, behind an empty line."""
    return "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"


def machine(device: str) -> str:
    """What was measured on, and with what."""
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else "the CPU"
    today = datetime.now(UTC).date()
    return f"{today}, {name}, {os.cpu_count()} cores, torch {torch.__version__}"


def main() -> None:
    """Measure all, and print and write it."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="a small network, and little of it")
    parser.add_argument("--write", type=Path, default=Path("build/bench-gpu.md"))
    arguments = parser.parse_args()
    device: str = arguments.device
    if device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("no CUDA device is here; `--device cpu --small` tries the program without one")
    size = SMALL if arguments.small else Size()
    if not device.startswith("cuda"):
        os.environ["STEMBRIDGE_ENGINE"] = "torch"
    bench, lines = Bench(device, size), []
    arguments.write.parent.mkdir(parents=True, exist_ok=True)
    parts = (bench.correctness, bench.offline, bench.runs, partial(live, device, size))
    for line in (machine(device), *(line for part in parts for line in part())):
        print(line, flush=True)
        lines.append(line)
        arguments.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
