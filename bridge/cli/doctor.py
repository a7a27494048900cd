"""`stembridge doctor`: whether this machine has what Stem Bridge needs, and what to do if not."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

from bridge.cli.show import beside

if TYPE_CHECKING:
    from bridge.runtime.doctor import Finding

_TEXT = 24  # column in which the text begins
_COLOURS = {"ok": "green", "note": "yellow", "broken": "red"}


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Check what Stem Bridge needs on this machine, and say what to do about the rest.

    The exit status is 1 when something is broken, 0 otherwise; notes are not broken.
    """
    from bridge.runtime.doctor import BROKEN, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            _print(finding)
    broken = sum(finding.state == BROKEN for finding in findings)
    if as_json:
        rows = [dataclasses.asdict(finding) for finding in findings]
        click.echo(json.dumps({"broken": broken, "findings": rows}, indent=2))
    else:
        click.echo(f"\n{broken} broken" if broken else "\nNothing is broken.")
    context.exit(1 if broken else 0)


def _print(finding: Finding) -> None:
    state = click.style(f"{finding.state:<8}", fg=_COLOURS[finding.state])
    beside(f"{state}{finding.name}", finding.text, _TEXT)
    if finding.advice:
        beside("", f"-> {finding.advice}", _TEXT)
