"""How commands write sizes, and text beside a label."""

from __future__ import annotations

import shutil
import textwrap

import click


def megabytes(size: int) -> str:
    """Write a number of bytes in decimal units, as download pages do: `84.1 MB`."""
    return f"{size / 1e6:,.1f} MB" if size >= 50_000 else f"{size:,} bytes"


def times(count: int) -> str:
    """How often something happened: `once`, or `2 times`."""
    return "once" if count == 1 else f"{count} times"


def beside(label: str, text: str, indent: int, *, err: bool = False) -> None:
    """Print `text` beside `label`, wrapped to the terminal but never within a word or a path.

    `indent` is the column in which the text begins; the label may hold colours.
    `err` prints to standard error.
    """
    width = shutil.get_terminal_size().columns - indent
    lines = textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)
    gap = " " * (indent - len(click.unstyle(label)))
    click.echo(label + gap + f"\n{'':<{indent}}".join(lines), err=err)
