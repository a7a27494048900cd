"""`stembridge plugin`: puts the plug-in where hosts look, and lets it start the sidecar."""

from __future__ import annotations

import os
from pathlib import Path

import click

_PATH = 11  # column in which a path begins


@click.group(name="plugin")
def command() -> None:
    """Put the plug-in where hosts look for it.

    `make shim` builds it. Once it is installed, it starts the sidecar when it is needed; without
    `stembridge plugin install` it only uses one that runs.
    """
    # Whatever a shell or a host has set: what hosts load nobody else may write to.
    os.umask(os.umask(0o077) | 0o022)


@command.command()
@click.argument(
    "place",
    metavar="[FOLDER]",
    default="build/shim",
    type=click.Path(path_type=Path),
    required=False,
)
@click.option(
    "--connection",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Use the server of this copied connection file instead of one on this machine.",
)
def install(place: Path, connection: Path | None) -> None:
    """Copy the plug-in to where hosts look.

    From then on it starts the sidecar when it needs it. FOLDER is a bundle, or has them somewhere
    below it; `make shim` builds them into build/shim. Run it again after each build, and when this
    Stem Bridge was moved.
    """
    from bridge.runtime.plugin_files import find_bundles, install

    made = install(find_bundles(place), connection)
    for path in made.bundles:
        click.echo(f"{'Installed':<{_PATH}}{path}")  # whole: it has a space in it
    click.echo("Have your host scan its plug-ins again.")


@command.command()
def path() -> None:
    """Print where the bundles are that were installed."""
    from bridge.errors import InputError
    from bridge.runtime.plugin_files import installed

    found = installed()
    bundles = [bundle for bundle in found.bundles if bundle.is_dir()] if found else []
    if not bundles:
        raise InputError("no plug-in is installed; `stembridge plugin install` does it")
    for bundle in bundles:
        click.echo(bundle)


@command.command()
def uninstall() -> None:
    """Remove what `install` put there, and nothing else."""
    from bridge.runtime.plugin_files import uninstall

    removed = uninstall()
    for bundle in removed:
        click.echo(f"{'Removed':<{_PATH}}{bundle}")
    if not removed:
        click.echo("There was nothing to remove.")


@command.command(
    hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
@click.pass_context
def start(ctx: click.Context) -> None:
    """Serve in the background; for the plug-in. Options are those of `stembridge serve`.

    A host could not ask how a child of its own ended once the plug-in is gone, so that it would
    stay as a zombie: the server is nobody's child.
    """
    from bridge.cli import serve

    if hasattr(os, "fork") and os.fork():
        os._exit(0)  # nothing has been begun that would have to be finished
    serve.command.main(ctx.args, prog_name="stembridge serve", standalone_mode=False)
