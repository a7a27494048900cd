"""Fetches a model while its bytes are shown: as a bar on a terminal, as plain lines elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bridge.cli.show import megabytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.runtime.hub import ModelFiles, Progress

# Shares of a download at which a plain line is written, so that a log stays readable.
_PLAIN_PERCENT = 10


def fetch_in_sight(name: str) -> ModelFiles:
    """Fetch a model that the user has agreed to, and show its progress on standard error.

    Raises NetworkError and ModelError as `bridge.runtime.hub.fetch`.
    """
    from bridge.runtime.hub import fetch

    with (_bar if sys.stderr.isatty() else _lines)(name) as progress:
        return fetch(name, progress)


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(name, total=None)
        yield lambda here, total: bar.update(task, completed=here, total=total)


@contextmanager
def _lines(name: str) -> Iterator[Progress]:
    shown = 0

    def show(here: int, total: int) -> None:
        nonlocal shown
        percent = 100 * here // total
        if percent >= shown + _PLAIN_PERCENT:
            shown = percent - percent % _PLAIN_PERCENT
            click.echo(f"{name}: {shown} % of {megabytes(total)}", err=True)

    yield show
