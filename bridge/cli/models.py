"""`stembridge models`: which models there are, which are here, and how to get the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.consent import consent
from bridge.cli.fetching import fetch_in_sight
from bridge.cli.show import beside, megabytes
from bridge.engine.catalog import CATALOG, Entry, find
from bridge.errors import ModelError

if TYPE_CHECKING:
    from bridge.runtime.hub import ModelFiles

_JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
# Columns that the labels of `info` take.
_LABEL = 12


@click.group(name="models")
def command() -> None:
    """Show the models that have a name, and fetch them."""


@command.command(name="list")
@_JSON
def list_models(*, as_json: bool) -> None:
    """Show all models, and which of them are on this machine."""
    rows = [_facts(entry) for entry in CATALOG.values()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        _print_table(rows)


@command.command()
@click.argument("name")
@_JSON
def info(name: str, *, as_json: bool) -> None:
    """Show all there is to know about the model NAME."""
    entry = find(name)
    facts = _facts(entry) | {"description": entry.description, "licence": entry.licence}
    files = _look_up(entry)[0]
    if files is not None:
        facts["folder"] = str(files.folder)
        facts["files"] = _file_facts(files)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        _print_facts(facts)


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Agree to the size and the licence beforehand.")
def fetch(name: str, *, yes: bool) -> None:
    """Fetch the model NAME, after showing its size and its licence."""
    from bridge.runtime import hub

    files = hub.cached(name)
    if files is None:
        consent(hub.reach(name), yes=yes)
        files = fetch_in_sight(name)
    click.echo(f"{name} is in {files.folder} ({megabytes(files.size)})")


@command.command()
@click.argument("name", required=False)
def path(name: str | None) -> None:
    """Print the folder of the model NAME, or that of the whole cache."""
    from bridge.runtime import hub

    if name is None:
        click.echo(hub.cache_folder())
        return
    files = hub.cached(name)
    if files is None:
        raise ModelError(f"{name} is not on this machine; `stembridge models fetch {name}` gets it")
    click.echo(files.folder)


def _look_up(entry: Entry) -> tuple[ModelFiles | None, str]:
    """Files of an entry, or None and what is wrong with those that are here."""
    from bridge.runtime import hub

    if not entry.repo:
        return None, ""
    try:
        return hub.cached(entry.name), ""
    except ModelError as error:
        return None, str(error)


def _facts(entry: Entry) -> dict[str, Any]:
    files, damage = _look_up(entry)
    return {
        "name": entry.name,
        "stems": list(entry.sources),
        "networks": entry.networks,
        "weights": bool(entry.repo),
        "repository": entry.repo,
        "cached": files is not None,
        "bytes": files.size if files else 0,
        "damage": damage,
        "needs_diffq": entry.needs_diffq,
        "note": entry.note,
    }


def _file_facts(files: ModelFiles) -> list[dict[str, Any]]:
    from bridge.engine.weights import file_hash

    return [
        {"name": path.name, "bytes": path.stat().st_size, "sha256": file_hash(path)}
        for path in files.files
    ]


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Model", no_wrap=True)
    table.add_column("Stems", justify="right")
    table.add_column("Networks", justify="right")
    table.add_column("Here", no_wrap=True)
    table.add_column("Note")
    for row in rows:
        count = str(len(row["stems"]) or "")
        style = "" if row["cached"] or not row["weights"] else "dim"
        table.add_row(
            row["name"], count, str(row["networks"] or ""), _presence(row), row["note"], style=style
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(
        "\n4 stems are drums, bass, other and vocals; 6 are guitar and piano as well.\n"
        "Trained weights are for scientific purposes only, says their author.\n"
        "`stembridge models info NAME` tells more, `models fetch NAME` gets one."
    )


def _presence(row: dict[str, Any]) -> str:
    if row["damage"]:
        return "damaged"
    if not row["weights"]:
        return "built in"
    return f"yes, {megabytes(row['bytes'])}" if row["cached"] else "no"


def _print_facts(facts: dict[str, Any]) -> None:
    lines = {
        "Model": facts["name"],
        "What": facts["description"],
        "Stems": ", ".join(facts["stems"]) or "those of the model it takes",
        "Networks": facts["networks"] or "none",
        "Licence": facts["licence"],
        "Repository": facts["repository"] or "none",
        "Here": facts["damage"] or _presence(facts),
        "Folder": facts.get("folder", ""),
    }
    for label, value in lines.items():
        if value:
            beside(label, str(value), _LABEL)
    for file in facts.get("files", []):
        size = megabytes(file["bytes"])
        beside("File", f"{file['name']} {size} sha256 {file['sha256']}", _LABEL)
