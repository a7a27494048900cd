"""`stembridge bench`: how fast this machine is with a model, in one line."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bridge.cli.options import allow_pickle_option, device_option, model_option
from bridge.cli.stream_report import Line
from bridge.config import PRECISIONS, BounceSettings

if TYPE_CHECKING:
    from bridge.runtime.bench import Speed


@click.command(name="bench")
@model_option
@click.option(
    "--precision", type=click.Choice(PRECISIONS), help="Only this one.  [default: each in turn]"
)
@device_option
@allow_pickle_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
def command(
    *, model: str, precision: str | None, device: str, allow_pickle: bool, as_json: bool
) -> None:
    """Measure how fast this machine bounces, and from which latency on it can play live.

    Some windows of noise are bounced, and a few run live: seconds on a fast machine, a minute on a
    slow one. It fetches no model, and other programs that compute meanwhile slow it down.
    """
    from bridge.runtime.bench import bench

    found: dict[str, Speed] = {}
    told: set[str] = set()
    with Line(quiet=as_json) as line:

        def warn(text: str) -> None:
            if text not in told:  # by the other precision
                line.warn(text)
            told.add(text)

        for wanted in (precision,) if precision else PRECISIONS:
            settings = BounceSettings(
                model=model, precision=wanted, device=device, allow_pickle=allow_pickle
            )
            found[wanted] = speed = bench(settings, line.progress, warn)
            if speed.weightless:
                break
    if as_json:
        click.echo(json.dumps({wanted: asdict(speed) for wanted, speed in found.items()}, indent=2))
        return
    for wanted, speed in found.items():
        what = speed.model if speed.weightless else f"{speed.model} {wanted}"
        click.echo(f"this machine, {what}: {_words(speed)}")
    if any(speed.live_ms is not None and not speed.calibrated for speed in found.values()):
        click.echo("`about`: from a few runs; the first session measures for longer.", err=True)


def _words(speed: Speed) -> str:
    if speed.live_ms is None:
        live = f"live not at all, since {speed.refusal}"
    else:
        ms = speed.live_ms if speed.calibrated else math.ceil(speed.live_ms / 10) * 10
        live = f"live from {'' if speed.calibrated else 'about '}{_time(ms)}"
    return f"bounce {_times(speed.bounce)} x real time, {live}"


def _times(number: float) -> str:
    return f"{number:.2g}" if number < 1 else f"{number:.1f}" if number < 100 else f"{number:.0f}"


def _time(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
