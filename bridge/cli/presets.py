"""`stembridge presets`: which presets there are, what is in them, and whether one is right."""

from __future__ import annotations

import json
from typing import Any

import click

from bridge.cli.show import beside
from bridge.errors import BridgeError

_JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
# Columns that the labels of `show` take.
_LABEL = 13


@click.group(name="presets")
def command() -> None:
    """Show presets, and check those of your own.

    `stembridge bounce --preset NAME` separates with one, `stembridge chain NAME` only puts its
    effects on a file. docs/PRESETS.md says how to write one.
    """


@command.command(name="list")
@_JSON
def list_presets(*, as_json: bool) -> None:
    """Show all presets: those that came along, and your own."""
    from bridge.runtime.preset_store import entries

    rows = [_row(entry) for entry in entries()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = 2 + max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        text = row["damage"] or row["description"]
        note = " [yours]" if row["own"] else ""
        note = " [yours, instead of the one that came along]" if row["hides"] else note
        beside(row["name"], text + note, width)


@command.command()
@click.argument("name")
@_JSON
def show(name: str, *, as_json: bool) -> None:
    """Show what the preset NAME (or in the file NAME) does."""
    from bridge.runtime.preset_store import find_preset
    from bridge.runtime.preset_words import as_facts, as_lines

    preset = find_preset(name)
    if as_json:
        click.echo(json.dumps(as_facts(preset), indent=2))
        return
    for label, text in as_lines(preset):
        beside(label, text, _LABEL)


@command.command()
@click.argument("names", nargs=-1)
@_JSON
def check(names: tuple[str, ...], *, as_json: bool) -> None:
    """Check the presets NAMES, or all: every value, and every effect and plug-in once."""
    from bridge.runtime.preset_store import entries, find_preset

    failed: BridgeError | None = None
    rows = []
    for name in names or tuple(entry.name for entry in entries()):
        try:
            find_preset(name).check()
        except BridgeError as error:
            failed = error
            rows.append({"name": name, "ok": False, "message": str(error)})
        else:
            rows.append({"name": name, "ok": True, "message": ""})
        if not as_json and not (failed and len(names) == 1):
            click.echo(f"{name}: {rows[-1]['message'] or 'good'}")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    if failed is not None:
        bad = sum(not row["ok"] for row in rows)
        raise failed if len(rows) == 1 else type(failed)(f"{bad} of {len(rows)} presets are wrong")


@command.command()
@click.argument("name", required=False)
@_JSON
def path(name: str | None, *, as_json: bool) -> None:
    """Print the file of the preset NAME, or the folder for your own."""
    from bridge.runtime.preset_store import find_preset, own_folder

    found = own_folder() if name is None else find_preset(name).path
    click.echo(json.dumps({"name": name, "path": str(found)}) if as_json else found)


def _row(entry: Any) -> dict[str, Any]:
    from bridge.runtime.preset_reader import read_preset

    facts = {
        "name": entry.name,
        "path": str(entry.path),
        "own": entry.own,
        "hides": entry.hides,
        "description": "",
        "when": "",
        "damage": "",
    }
    try:
        preset = read_preset(entry.path)
    except BridgeError as error:
        return facts | {"damage": str(error)}
    return facts | {"description": preset.description, "when": preset.when}
