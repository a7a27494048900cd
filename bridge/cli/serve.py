"""`stembridge serve`: the sidecar, in the foreground."""

from __future__ import annotations

import click

from bridge.cli.options import device_option
from bridge.config import ServeSettings


@click.command(name="serve")
@click.option(
    "--bind",
    default="ipc",
    show_default=True,
    metavar="ipc|tcp://ADDRESS[:PORT]",
    help="Where to listen. Anything but ipc and loopback needs keys: see `stembridge keys`.",
)
@device_option
@click.option(
    "--calibrate",
    default=20.0,
    show_default=True,
    type=float,
    metavar="SECONDS",
    help="How long to measure a model before its first live use.",
)
@click.option(
    "--idle-exit",
    default=0.0,
    type=float,
    metavar="SECONDS",
    help="End after so long without a session.  [default: stay]",
)
@click.option("-v", "--verbose", is_flag=True, help="Log what is refused, too.")
def command(*, bind: str, device: str, calibrate: float, idle_exit: float, verbose: bool) -> None:
    """Separate live streams for plug-ins and scripts, until Ctrl-C or `stembridge stop`.

    Logs go to standard error, one event a line. Clients find the server by the file
    connection.json in the runtime folder.
    """
    settings = ServeSettings(device, calibrate, idle_exit)
    from bridge.runtime.serving import serve

    serve(bind, settings, verbose=verbose)
