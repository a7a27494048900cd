"""Each part's figures as lines of Markdown. Nothing here knows how they were measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.compare.results import Result
from benchmarks.compare.rounds import ratio


def offline(result: Result) -> list[str]:
    """Speed of every way beside `apply_model`, with its error."""
    note = (
        "Plain attention is `apply_model` with torch's fused attention off, as it is off in ours. "
        "spectral is another method, without weights."
    )
    return [*_speeds(result, "apply_model"), "", note]


def bag(result: Result) -> list[str]:
    """The same of a bag."""
    note = (
        "`apply_model` always computes all four networks; ours only those that a wanted stem needs."
    )
    return [*_speeds(result, "apply_model"), "", note]


def commands(result: Result) -> list[str]:
    """Speed of whole commands beside that of demucs."""
    note = (
        "`demucs -n htdemucs --shifts 0 --float32 --clip-mode none` and `stembridge bounce -m "
        "htdemucs --residual off --bits 32f`, so that both write files of one kind; each ran once "
        "before, which does not count. SNR is against `apply_model`; the command of demucs scales "
        "the song by its mean and deviation first, which is why its own is not higher."
    )
    return [*_speeds(result, "demucs"), "", note]


def memory(result: Result) -> list[str]:
    """Peaks beside those of demucs, and how they grow."""
    peaks: dict[str, list[float]] = result.found["peak"]
    short, long = result.seconds, result.found["longer"] * result.seconds
    rows = [
        [
            name,
            f"{at[0] / peaks['demucs'][0]:.2f}",
            f"{at[1] / peaks['demucs'][1]:.2f}",
            f"{(at[1] - at[0]) / 1e6:+,.0f} MB",
        ]
        for name, at in peaks.items()
    ]
    head = ["command", f"{short:g} s, times demucs", f"{long:g} s, times demucs", "growth"]
    return [
        *_table(head, rows),
        "",
        f"demucs takes {peaks['demucs'][0] / 1e9:.2f} GB for {short:g} s.",
    ]


def outside(result: Result) -> list[str]:
    """Shares of whole bounces."""
    rows = []
    for name, seconds in result.found["seconds"].items():
        shares = [1 - a / b for a, b in zip(result.found["network"][name], seconds, strict=True)]
        rows.append([name, *(f"{100 * pick(shares):.1f} %" for pick in _PICKS)])
    note = (
        f"Share of a bounce of {result.seconds:g} s, from a file to four with the model loaded, in "
        "which no network was being computed: read, resample, STFT and its inverse, join, write."
    )
    return [*_table(["bounce", *_PICKED], rows), "", note]


def sdr(result: Result) -> list[str]:
    """SDR in dB by stem, and the largest difference from demucs."""
    names: dict[str, list[float]] = result.found["sdr"]
    rows = []
    for name, values in names.items():
        moved = max(abs(a - b) for a, b in zip(values, names["demucs"], strict=True))
        rows.append([name, *(f"{value:.2f}" for value in values), f"{moved:.3f} dB"])
    head = ["SDR in dB", *result.found["stems"], "moved by at most"]
    songs = result.found["songs"]
    note = f"The tiny trained network; medians of {songs} synthesised songs that it never saw."
    return [*_table(head, rows), "", note]


def startup(result: Result) -> list[str]:
    """Times beside that of Python itself."""
    seconds = result.found["seconds"]
    bare, other = seconds["python -c pass"], seconds["demucs --help"]
    rows = [
        [f"`{name}`", f"{statistics.median(at):.2f} s", str(ratio(at, bare)), str(ratio(other, at))]
        for name, at in seconds.items()
    ]
    return _table(["", "median", "times `python -c pass`", "faster than `demucs --help`"], rows)


def live(result: Result) -> list[str]:
    """Whole runs beside the network alone."""
    found = result.found
    rows = []
    for name in found["seconds"]:
        shares = [a / b for a, b in zip(found["around"][name], found["hop"][name], strict=True)]
        whole, alone = found["whole"][name], found["alone"][name]
        rows.append([name, str(ratio(whole, alone)), f"{100 * statistics.median(shares):.2f} %"])
    note = (
        "A run: a hop of input at 48 kHz in blocks of 128, resampled; the network; stems faded, "
        "resampled back, and the rest. Around the network: processor time beside the time that the "
        "hop lasts."
    )
    head = ["", "whole run, times the network alone", "around the network, of one core"]
    return [*_table(head, rows), "", note]


def sidecar(result: Result) -> list[str]:
    """Processor time of a session, as a share of one core."""
    found = result.found
    seconds = found["seconds"]["one session"]
    rows = []
    for name in ("server", "worker"):
        shares = [100 * a / b for a, b in zip(found[name]["one session"], seconds, strict=True)]
        rows.append([name, *(f"{pick(shares):.1f} %" for pick in _PICKS)])
    both = zip(found["server"]["one session"], found["worker"]["one session"], seconds, strict=True)
    total = [100 * (a + b) / c for a, b, c in both]
    rows.append(["together", *(f"{pick(total):.1f} %" for pick in _PICKS)])
    note = (
        "Of one core, for one session at 48 kHz in blocks of 128 whose model costs nothing and has "
        f"the window of htdemucs; {found['late']} frames late."
    )
    return [*_table(["process", *_PICKED], rows), "", note]


def latency(result: Result) -> list[str]:
    """Smallest latencies, and what was late."""
    found = result.found
    first = next(iter(found["latency"].values()))
    rows = [
        [
            name,
            f"{value:.2f} s",
            f"{value / first:.2f}",
            str(found["late"][name]),
            f"{1000 * found['slack'][name]:.0f} ms",
        ]
        for name, value in found["latency"].items()
    ]
    head = ["full-size htdemucs", "latency", "times the first", "late frames", "least slack"]
    note = f"In real time for {result.seconds:g} s, at 48 kHz in blocks of 128."
    return [*_table(head, rows), "", note]


def roundtrip(result: Result) -> list[str]:
    """The sidecar's round trip beside the echo's."""
    rows = [
        [
            name,
            f"{statistics.median(at['bare echo']):.0f} µs",
            f"{statistics.median(at['sidecar']):.0f} µs",
            str(ratio(at["sidecar"], at["bare echo"])),
        ]
        for name, at in result.found.items()
    ]
    return _table(["", "bare echo", "sidecar", "times the echo"], rows)


_PICKED = ("median", "lowest", "highest")
_PICKS = (statistics.median, min, max)


def _speeds(result: Result, reference: str) -> list[str]:
    """Speed beside the reference, with SNR, cores and multiples of real time."""
    found = result.found
    seconds: dict[str, list[float]] = found["seconds"]
    rows = []
    for name, at in seconds.items():
        used = statistics.median(a / b for a, b in zip(found["cpu"][name], at, strict=True))
        snr = found["snr"].get(name)
        rows.append(
            [
                name,
                "1" if name == reference else str(ratio(seconds[reference], at)),
                _decibels(snr) if snr is not None else "-",
                f"{result.seconds / statistics.median(at):.2f} x",
                f"{used:.2f}",
            ]
        )
    head = ["", f"faster than {reference}", "SNR, worst stem", "real time", "cores busy"]
    rounds = "1 round" if result.runs == 1 else f"{result.runs} rounds"
    return [f"{result.seconds:g} s of audio, {rounds}.", "", *_table(head, rows)]


def _decibels(value: float) -> str:
    return f"{value:.1f} dB" if value < 1000 else "the same bits"


def _table(head: Sequence[Any], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [list(map(str, head)), ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
