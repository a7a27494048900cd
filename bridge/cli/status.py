"""`stembridge status`: what the sidecar does."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import click

from bridge.cli.connecting import ConnectionFile
from bridge.cli.show import times

_HEADS = ("id", "client", "model", "state", "latency", "run p50/p99.9", "late")
_CLIENT = 1  # the column that gives way where the terminal is narrow
_SHORTEST = 8  # characters that are left of it


@click.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@click.option("--watch", is_flag=True, help="Again each second, until Ctrl-C.")
@click.option(
    "--connection",
    type=ConnectionFile(),
    help="The connection file of a sidecar on another machine.",
)
def command(*, as_json: bool, watch: bool, connection: Path | None) -> None:
    """Show the sessions of the sidecar, their latency and load, and what was late."""
    from bridge.runtime.asking import ask_status
    from bridge.runtime.connection import read_connection

    while True:
        found = ask_status(read_connection(connection))
        if watch and not as_json:
            click.clear()
        width = shutil.get_terminal_size().columns
        click.echo(json.dumps(found) if as_json else "\n".join(_lines(found, width)))
        if not watch:
            return
        time.sleep(1)


def _lines(found: dict[str, Any], width: int) -> list[str]:
    """The report; its table is at most `width` wide, as far as clients' names can be shortened."""
    server = found["server"]
    lines = [
        f"Sidecar {server['version']}, process {server['pid']}, up {_duration(server['up_us'])}"
    ]
    for name, worker in found["workers"].items():
        what = ", ".join(worker.get("models", ())) or "no model"
        state = f"process {worker['pid']}" if worker["pid"] else "starting again"
        again = f", restarted {times(worker['restarts'])}" if worker["restarts"] else ""
        load = f", {worker['load_permille'] / 10:.0f} % busy" if "load_permille" in worker else ""
        lines.append(f"  {name}: {what}, {state}{load}{again}")
    rows = [_row(session) for session in found["sessions"]]
    if not rows:
        return [*lines, "No session is open."]
    rows.insert(0, _HEADS)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    over = sum(widths) + 2 * len(widths) - 2 - width
    widths[_CLIENT] = min(widths[_CLIENT], max(_SHORTEST, widths[_CLIENT] - over))
    return [*lines, "", *("  ".join(map(_cell, row, widths)).rstrip() for row in rows)]


def _cell(text: str, width: int) -> str:
    """`text` in so many columns; of one that is longer, the beginning and the end."""
    if len(text) > width:
        text = f"{text[: (width - 1) // 2]}…{text[-(width // 2) :]}"
    return text.ljust(width)


def _row(session: dict[str, Any]) -> tuple[str, ...]:
    name = (session["id"], _client(session["client"]))
    if "rate" not in session:
        return (*name, "", session["state"], "", "", "")
    latency = 1000 * session["latency_frames"] / session["rate"]
    runs = "-"
    if session.get("runs"):
        runs = f"{_short(session['p50_us'] / 1000)}/{_short(session['p999_us'] / 1000)} ms"
    return (
        *name,
        f"{session['model']} {session['rate'] / 1000:g} kHz",
        session["state"],
        f"{_short(latency)} ms",
        runs,
        str(session["late_frames"]),
    )


def _client(name: str) -> str:
    """A client's name; of the one that this package gives itself, what tells it from others."""
    return re.sub(r"stembridge \S+ in (\w+), process (\d+)", r"\1 \2", name)


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 100 else f"{number:.0f}"


def _duration(time_us: int) -> str:
    minutes, seconds = divmod(time_us // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
