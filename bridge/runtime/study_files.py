"""The files of a study: every row as CSV, and a picture, which needs matplotlib."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bridge.runtime.study import Row, lived
from bridge.runtime.writing import writing

NAMES = {"csv": "study.csv", "picture": "study.png"}


def can_draw() -> bool:
    """Whether what draws the picture is installed."""
    return find_spec("matplotlib") is not None


def write_csv(path: Path, rows: Sequence[Row], stems: Sequence[str]) -> None:
    """Write a line for each row; dB by stem in columns of their own. Raises OutputError."""
    names = [
        *("window_s", "hop_s", "lookahead_ms", "join", "compared_s"),
        *(f"snr_db_{stem}" for stem in stems),
        *("seams_db", "latency_ms", "smallest_latency_ms"),
        *(f"sdr_db_{stem}" for stem in stems if rows and rows[0].sdr),
    ]
    with writing(path), path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(_cells(row) for row in rows)


def _cells(row: Row) -> list[str]:
    return [
        *(f"{row.window:.4f}", f"{row.hop:.4f}", f"{1000 * row.lookahead:.1f}", row.join),
        f"{row.seconds:.3f}",
        *(f"{value:.2f}" for value in row.snr.values()),
        f"{row.seams:.2f}",
        *("" if value is None else f"{value:.1f}" for value in (row.latency, row.smallest)),
        *(f"{value:.3f}" for value in row.sdr.values()),
    ]


def draw(path: Path, rows: Sequence[Row], summary: dict[str, Any]) -> None:
    """Draw the SNR over the look-ahead, by window and hop, and the error at seams.

    A panel for each length of the window; `can_draw` must hold. Raises OutputError.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = lived(rows)
    windows = sorted({row.window for row in shown}, reverse=True)
    figure = Figure(figsize=(4 * max(1, len(windows)), 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, max(1, len(windows)), sharex=True, sharey="row", squeeze=False)
    for column, window in enumerate(windows):
        above, below = panels[:, column]
        for hop, line in _lines(shown, window):
            ahead = [1000 * row.lookahead for row in line]
            label = f"hop {1000 * hop:.0f} ms"
            above.plot(ahead, [worst(row) for row in line], marker="o", markersize=3, label=label)
            below.plot(ahead, [row.seams for row in line], marker="o", markersize=3)
        if summary["moved"]:
            limit = min(summary["moved"].values())
            above.axhline(limit, color="grey", linestyle=":", label="offline, moved")
        above.set_title(f"window {window:.2f} s")
        below.set_xlabel("look-ahead in ms")
        below.set_xscale("symlog", linthresh=23)
        below.set_xticks(
            [0, 23, 46, 93, 186, 372, 743], ["0", "23", "46", "93", "186", "372", "743"]
        )
        below.minorticks_off()
        below.axhline(0, color="grey", linewidth=0.5)
        for panel in (above, below):
            panel.grid(alpha=0.3)
    panels[0, 0].set_ylabel("SNR against offline in dB, worst stem")
    panels[1, 0].set_ylabel("error at seams over elsewhere in dB")
    panels[0, 0].legend(fontsize="small")
    figure.suptitle(
        f"{summary['model']}, {summary['from']:.1f} to {summary['to']:.1f} s of "
        f"{summary['song']}: live against offline"
    )
    with writing(path):
        figure.savefig(path, dpi=110, metadata={"Software": None})


def worst(row: Row) -> float:
    """SNR of the stem that is furthest from the offline one."""
    return min(row.snr.values())


def _lines(rows: Sequence[Row], window: float) -> Iterator[tuple[float, list[Row]]]:
    """Rows of one window by hop, in the order of their look-ahead."""
    for hop in sorted({row.hop for row in rows if row.window == window}):
        line = [row for row in rows if (row.window, row.hop) == (window, hop)]
        yield hop, sorted(line, key=lambda row: row.lookahead)
