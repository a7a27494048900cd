"""`stembridge stop`: end the sidecar on this machine."""

from __future__ import annotations

import click


@click.command(name="stop")
def command() -> None:
    """End the sidecar; its clients hear the dry signal until there is another one."""
    from bridge.runtime.asking import stop_server

    click.echo(f"The sidecar (process {stop_server()}) has ended.")
