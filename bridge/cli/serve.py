"""`stembridge serve`: the sidecar, in the foreground."""

from __future__ import annotations

import click


@click.command(name="serve")
@click.option(
    "--bind",
    default="ipc",
    show_default=True,
    metavar="ipc|tcp://ADDRESS[:PORT]",
    help="Where to listen. Anything but ipc and loopback needs keys: see `stembridge keys`.",
)
@click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="cpu, cuda, cuda:N or mps."
)
@click.option(
    "--calibrate",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0, 600),
    metavar="SECONDS",
    help="How long to measure a model before its first live use.",
)
@click.option(
    "--idle-exit",
    default=0.0,
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="End after so long without a session.  [default: stay]",
)
@click.option("-v", "--verbose", is_flag=True, help="Log what is refused, too.")
def command(*, bind: str, device: str, calibrate: float, idle_exit: float, verbose: bool) -> None:
    """Separate live streams for plug-ins and scripts, until Ctrl-C or `stembridge stop`.

    Logs go to standard error, one event a line. Clients find the server by the file
    connection.json in the runtime folder.
    """
    from bridge.runtime.serving import serve

    serve(
        bind,
        device=device,
        calibrate_seconds=calibrate,
        idle_exit_seconds=idle_exit,
        verbose=verbose,
    )
