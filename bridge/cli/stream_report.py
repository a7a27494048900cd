"""What `stembridge stream` says: how far it is, what the sidecar refuses, and what came of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import click

from bridge.cli.show import times
from bridge.errors import BridgeError, ModelError, NetworkError, ServerError, UsageError
from bridge.protocol.codes import Code

if TYPE_CHECKING:
    from bridge.client.playing import Played

_REFUSED: dict[str, type[BridgeError]] = {
    Code.MODEL: ModelError,
    Code.NETWORK: NetworkError,
    Code.LATENCY: UsageError,
    Code.PLAN: UsageError,
}
"""Codes of ERROR that tell of something else than the sidecar."""

_IN_OPTIONS = {
    "leave the context at 0": "leave --context out",
    "or 0 for all of it": "or leave --context out for all of it",
    "lengthen the window, shorten the look-ahead or": "make --context longer, leave it out or",
}
"""What the sidecar advises to programs, and what that is on a command line."""

_LASTING = 1.0
"""Seconds after which whoever reads a log wants to know what is waited for."""


class Line:
    """One line on the terminal that says how far it is; elsewhere one for each step that lasts."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._told = not quiet and not self._shown
        self._last = 0.0
        self._step, self._since = "", 0.0

    def progress(self, what: str, done: int, total: int) -> None:
        """It is at `what`, and `done` of `total` are done; 0 is an unknown total."""
        if self._told and what != self._step:
            self._step, self._since = what, time.monotonic()
        elif self._told and self._since and time.monotonic() - self._since > _LASTING:
            self._since = 0.0
            click.echo(f"{what} ...", err=True)
        if self._shown and time.monotonic() - self._last > 0.1:
            self._last = time.monotonic()
            share = f" {100 * done // total} %" if total else ""
            click.echo(f"\r\x1b[K{what}{share}", err=True, nl=False)

    def warn(self, text: str) -> None:
        """Something that the user should know."""
        self._clear()
        click.echo(f"stembridge: warning: {text}", err=True)

    def _clear(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()  # before an error as well


@contextmanager
def refusals() -> Iterator[None]:
    """Tell what the sidecar refuses in the words, and with the exit status, of a command."""
    try:
        yield
    except ServerError as error:
        kind = _REFUSED.get(error.code)
        if kind is None:
            raise
        text = str(error)
        for advice, option in _IN_OPTIONS.items():
            text = text.replace(advice, option)
        raise kind(text) from error


def report(played: Played) -> list[str]:
    """The lines at the end: files, latency, what was late, and how long things took."""
    live = played.manifest["live"]
    rate, frames = played.manifest["rate"], live["latency_frames"]
    figures = live["figures"]
    trips, slack = figures["round_trip_us"], figures["slack_us"]
    lines = [
        *(str(path) for name, path in played.paths.items() if name != "manifest"),
        f"latency {frames} frames, {1000 * frames / rate:.1f} ms at {rate} Hz",
        f"late {figures['late_frames']} of {played.manifest['frames']} frames",
    ]
    if trips["count"]:
        lines.append(
            f"round trip p50 {trips['p50'] / 1000:.1f} ms, p99 {trips['p99'] / 1000:.1f} ms, "
            f"longest {trips['max'] / 1000:.1f} ms"
        )
    if slack["min"] is not None and slack["min"] < 0:
        lines.append(f"stems came up to {-slack['min'] / 1000:.1f} ms late")
    elif slack["min"] is not None:
        lines.append(f"stems came at least {slack['min'] / 1000:.1f} ms before their time")
    if figures["reconnects"]:
        lines.append(f"connected again {times(figures['reconnects'])}")
    return lines
