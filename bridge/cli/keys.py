"""`stembridge keys`: whose client may use a server on this machine from another one."""

from __future__ import annotations

import json
import platform
import re

import click

from bridge.cli.show import beside

_KEY = 10  # column in which a key begins


@click.group(name="keys")
def command() -> None:
    """Say which clients on other machines may use a server on this one.

    On one machine no keys are needed. Between two:

    \b
    1. The client's machine shows its public key:
         stembridge keys new laptop
    2. The server's machine lets it in, and listens on its own address:
         stembridge keys allow laptop KEY
         stembridge serve --bind tcp://192.168.1.5:5555
       This takes the ports 5555 and 5556.
    3. Copy connection.json from the server's runtime folder to the client's
       machine, and name the copy there by --connection. After `--bind
       tcp://0.0.0.0:5555` write the server's address into the copy.

    Everything in between is encrypted. Removing a key ends no connection that is open.
    """  # noqa: D301


@command.command()
@click.argument("name", default="")
def new(name: str) -> None:
    """Print this machine's public key; it is made if there is none.

    NAME is what the server shall call it; it stands in the line to run there.
    """
    from bridge.runtime.keys import check_name, client_keys

    called = check_name(name) if name else _host_name()
    key = client_keys().public.hex()
    click.echo(key)
    click.echo(f"On the server's machine: stembridge keys allow {called} {key}", err=True)


@command.command()
@click.argument("name")
@click.argument("key", metavar="PUBLICKEY")
def allow(name: str, key: str) -> None:
    """Let the client with PUBLICKEY in, and call it NAME."""
    from bridge.runtime import keys

    keys.allow(name, keys.parse_key(key))
    click.echo(f"{name} may come in, at once")


@command.command()
@click.argument("name")
def remove(name: str) -> None:
    """Let the client NAME in no more; a running server needs no restart."""
    from bridge.runtime import keys

    keys.remove(name)
    click.echo(f"{name} may not come in any more; a connection that is open stays so")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
def list_keys(*, as_json: bool) -> None:
    """Show the public keys of this machine, and those that may come in."""
    from bridge.runtime import keys

    own = {role: keys.own_public_key(role) for role in ("server", "client")}
    allowed = {name: key.hex() for name, key in keys.allowed().items()}
    if as_json:
        click.echo(json.dumps({**own, "allowed": allowed}, indent=2))
        return
    width = max([_KEY, *(len(name) + 2 for name in allowed)])
    for role, key in own.items():
        beside(role.capitalize(), key or "none was needed yet", width)
    click.echo("\nAllowed here:" if allowed else "\nNo client may come in from other machines.")
    for name, key in allowed.items():
        beside(name, key, width)


def _host_name() -> str:
    return re.sub("[^A-Za-z0-9]+", "-", platform.node()).strip("-")[:64] or "client"
