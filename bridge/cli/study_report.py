"""What `stembridge study` says: how far it is, tables, and a picture in characters."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from bridge.runtime.study import Row, Study

_LINE_EVERY = 10.0  # seconds between two plain lines
_SURE_AFTER = 0.02  # share of the work after which the rest can be foretold
_CHART_ROWS = 12
_MARKS = "●○◇"
_Table = list[list[str]]


class Progress:
    """A bar on a terminal, plain lines elsewhere, nothing when `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._began = self._last = time.monotonic()
        self._foretold = False

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(compact=True),
                TextColumn("left"),
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=False,  # it would lead what goes into a file to the terminal
            )
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, what: str, done: float, total: float) -> None:
        """It is at `what`, and `done` of `total` are done."""
        if self._bar is not None:
            self._bar.update(self._task, description=what, completed=done, total=total)
        elif not self._quiet and done >= _SURE_AFTER * total:
            now = time.monotonic()
            if self._foretold and now - self._last < _LINE_EVERY:
                return
            self._last, self._foretold = now, True
            left = (now - self._began) * (total - done) / done
            click.echo(f"{what}: {done / total:.0%}, {duration(left)} left", err=True)


def duration(seconds: float) -> str:
    """A time such as `40 s` or `3 min`."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def report(study: Study) -> list[str]:
    """All that is printed: what was measured and how, the tables, the picture."""
    from bridge.runtime.study import lived

    summary, rows = study.summary(), study.rows
    shown = lived(rows)
    windows = sorted({row.window for row in shown}, reverse=True)
    lines = _heading(summary)
    for window in windows:
        some = [row for row in shown if row.window == window]
        lines += ["", *_title(summary, window), *_aligned(_snr_table(some))]
    if shown:
        full = [row for row in rows if row.window == windows[0]]
        lines += ["", *_details(full, summary["offline_sdr"]), *chart(shown)]
    return lines


def _heading(summary: dict[str, Any]) -> list[str]:
    part = f"{summary['from']:.2f} to {summary['to']:.2f} s of the song"
    before = f"after {summary['lead']:.2f} s of run-up"
    lines = [f"{summary['model']}, {part}, {before}; window {summary['window']:.2f} s"]
    if summary["moved"]:
        lines.append(
            "how far offline is from itself, with its windows elsewhere: "
            f"{_by_stem(summary['moved'], 1)} dB"
        )
    if summary["offline_sdr"]:
        lines.append(
            f"offline against the true stems: {_by_stem(summary['offline_sdr'], 2)} dB SDR"
        )
    return lines


def _by_stem(values: dict[str, float], digits: int) -> str:
    return ", ".join(f"{name} {value:.{digits}f}" for name, value in values.items())


def _title(summary: dict[str, Any], window: float) -> list[str]:
    lines = [f"window {window:.2f} s: SNR of the worst stem in dB, by look-ahead and hop"]
    lines += [
        f"latencies with runs of {cost['typical_ms']:.0f} ms, at worst {cost['longest_ms']:.0f}, "
        f"measured on {summary['device']} and a margin added"
        for cost in summary["runs"]
        if math.isclose(cost["window"], window)
    ]
    return lines


def _snr_table(rows: Sequence[Row]) -> _Table:
    """A line for each look-ahead: the SNR by hop, and the latency."""
    table = _table(rows, lambda row: f"{min(row.snr.values()):.1f}")
    table[0].append("smallest latency")
    smallest = {row.lookahead: row.smallest for row in rows}
    for line, lookahead in zip(table[1:], sorted(smallest), strict=True):
        line.append(_milliseconds(smallest[lookahead]))
    return table


def _table(rows: Iterable[Row], cell: Callable[[Row], str]) -> _Table:
    """A line for each look-ahead and a column for each hop."""
    found = {(row.lookahead, row.hop): cell(row) for row in rows}
    hops = sorted({hop for _, hop in found})
    return [
        ["look-ahead", *(f"{1000 * hop:.0f} ms" for hop in hops)],
        *(
            [f"{1000 * ahead:.0f} ms", *(found.get((ahead, hop), "-") for hop in hops)]
            for ahead in sorted({ahead for ahead, _ in found})
        ),
    ]


def _details(rows: Sequence[Row], offline: dict[str, float]) -> Iterator[str]:
    """More of the full window: its seams, averaging, and what it costs against the truth."""
    from bridge.runtime.study import lived

    shown = lived(rows)
    faded = {(row.lookahead, row.hop): row for row in rows if row.join == "fade"}
    averaged = [row for row in shown if row.join == "average"]

    def gain(row: Row) -> str:
        return f"{_mean(row.snr) - _mean(faded[row.lookahead, row.hop].snr):+.1f}"

    window = f"window {rows[0].window:.2f} s: "
    yield f"{window}error within 5 ms of a seam over that elsewhere in dB"
    yield from _aligned(_table(shown, lambda row: f"{row.seams:+.1f}"))
    if averaged:
        yield ""
        yield f"{window}gain in dB by averaging, where a hop is shorter than the look-ahead"
        yield from _aligned(_table(averaged, gain))
    if offline:
        yield ""
        yield f"{window}SDR against the true stems over that of offline in dB, mean of stems"
        yield from _aligned(_table(shown, lambda row: f"{_mean(row.sdr) - _mean(offline):+.2f}"))
    yield ""


def _mean(values: dict[str, float]) -> float:
    return sum(values.values()) / len(values)


def _milliseconds(value: float | None) -> str:
    return "too slow" if value is None else f"{value:.0f} ms"


def _aligned(table: _Table) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    ]


def chart(rows: Iterable[Row]) -> list[str]:
    """SNR over look-ahead of each window, with a hop that all windows have: the middle one."""
    rows = list(rows)
    windows = sorted({row.window for row in rows}, reverse=True)
    common = set.intersection(*({r.hop for r in rows if r.window == w} for w in windows))
    if not common:
        return []
    hop = sorted(common)[len(common) // 2]
    ahead = sorted({row.lookahead for row in rows})
    points = {
        (row.window, row.lookahead): min(row.snr.values())
        for row in rows
        if row.hop == hop and math.isfinite(min(row.snr.values()))
    }
    if not points:
        return []
    low, high = math.floor(min(points.values())), math.ceil(max(points.values()))
    scale = max(1e-9, high - low) / (_CHART_ROWS - 1)
    grid = [[" "] * (7 * len(ahead)) for _ in range(_CHART_ROWS)]
    for mark, window in reversed(list(zip(_MARKS, windows, strict=False))):
        for column, lookahead in enumerate(ahead):
            if (window, lookahead) in points:
                line = round((high - points[window, lookahead]) / scale)
                grid[line][7 * column + 4] = mark
    lines = [
        f"{high - number * scale:6.1f} ┤{''.join(line).rstrip()}"
        for number, line in enumerate(grid)
    ]
    names = ", ".join(f"{m} {w:.2f} s" for m, w in zip(_MARKS, windows, strict=False))
    return [
        f"SNR of the worst stem in dB over the look-ahead; hop {1000 * hop:.0f} ms; window {names}",
        *lines,
        f"{'':7}└{'─' * 7 * len(ahead)}",
        f"{'ms':>7} {''.join(f'{1000 * each:^7.0f}' for each in ahead).rstrip()}",
    ]
