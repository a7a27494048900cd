"""`stembridge status`: what the sidecar does."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click


@click.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@click.option("--watch", is_flag=True, help="Again each second, until Ctrl-C.")
@click.option(
    "--connection",
    type=click.Path(path_type=Path),
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
        click.echo(json.dumps(found) if as_json else "\n".join(_lines(found)))
        if not watch:
            return
        time.sleep(1)


def _lines(found: dict[str, Any]) -> list[str]:
    server = found["server"]
    lines = [
        f"Sidecar {server['version']}, process {server['pid']}, up {_duration(server['up_us'])}"
    ]
    for kind, worker in found["workers"].items():
        what = ", ".join(worker.get("models", ())) or "no model"
        state = f"process {worker['pid']}" if worker["pid"] else "starting again"
        again = f", restarted {worker['restarts']} times" if worker["restarts"] else ""
        load = f", {worker['load_permille'] / 10:.0f} % busy" if "load_permille" in worker else ""
        lines.append(f"  {kind}: {what}, {state}{load}{again}")
    rows = [_row(session) for session in found["sessions"]]
    if not rows:
        return [*lines, "No session is open."]
    heads = ("session", "client", "model", "state", "latency", "run p50/p99.9", "late")
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    return [
        *lines,
        "",
        *(
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in (heads, *rows)
        ),
    ]


def _row(session: dict[str, Any]) -> tuple[str, ...]:
    name = (session["id"], session["client"])
    if "rate" not in session:
        return (*name, "", session["state"], "", "", "")
    latency = 1000 * session["latency_frames"] / session["rate"]
    times = "-"
    if session.get("runs"):
        times = f"{session['p50_us'] / 1000:.1f}/{session['p999_us'] / 1000:.1f} ms"
    return (
        *name,
        f"{session['model']} {session['rate']} Hz",
        session["state"],
        f"{latency:.1f} ms",
        times,
        str(session["late_frames"]),
    )


def _duration(time_us: int) -> str:
    minutes, seconds = divmod(time_us // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
