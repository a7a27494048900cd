"""Asks before anything large is fetched, and says under which licence it comes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bridge.cli.show import beside, megabytes
from bridge.errors import ModelError, UsageError

if TYPE_CHECKING:
    from bridge.runtime.hub import Offer

# Columns that the labels take.
_LABEL = 10


def can_ask() -> bool:
    """Whether somebody can see a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def consent(offer: Offer, *, yes: bool) -> None:
    """Show what an offer would fetch, from where and under which licence; return if it is wanted.

    Everything goes to standard error. `yes` answers the question beforehand. Raises UsageError
    where nobody can be asked, ModelError when the answer is no.
    """
    files = [file for file in offer.files if not file.here]
    count = f"{len(files)} of {len(offer.files)} files"
    beside("To fetch", f"{offer.name}: {count}, {megabytes(offer.size)}", _LABEL, err=True)
    beside("From", f"{offer.host}/{offer.repo}", _LABEL, err=True)
    beside("Licence", offer.licence, _LABEL, err=True)
    if yes:
        return
    if not can_ask():
        raise UsageError(
            f"nobody can be asked here whether to fetch {offer.name}; add --yes if its licence "
            "suits you"
        )
    if not click.confirm("Fetch it?", err=True):
        raise ModelError(f"{offer.name} was not fetched; `-m spectral` needs no weights")
