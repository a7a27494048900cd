"""The command `stembridge`: finds the subcommand, and turns errors into one line and a status."""

from __future__ import annotations

import io
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Any

import click

from bridge import __version__
from bridge.cli.defaults import read_defaults
from bridge.cli.leaving import leave
from bridge.errors import INTERRUPTED, BridgeError

_COMMANDS = {
    "bounce": "Separate songs into stem files.",
    "chain": "Put a preset's effects on a file.",
    "presets": "List, show and check presets.",
    "models": "List, describe and fetch models.",
    "serve": "Separate live streams: the sidecar.",
    "stream": "Play a song through the sidecar.",
    "study": "Measure how near live is to offline.",
    "status": "Show what the sidecar does.",
    "stop": "End the sidecar.",
    "keys": "Let clients on other machines in.",
    "plugin": "Put the plug-in where hosts look.",
    "doctor": "Check this machine and say what to do.",
    "bench": "Measure how fast this machine is.",
}
# What has to work whatever the user's file of defaults holds: it tells how to mend that.
_FREE = {"-h", "--help", "doctor"}


class _LazyGroup(click.Group):
    """Imports a subcommand only when it is used, so that `--help` answers at once."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            if not _FREE & set(sys.argv):
                ctx.default_map = read_defaults(_COMMANDS, lambda name: self.get_command(ctx, name))
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click itself would write an empty line, into logs as well
            if sys.stderr.isatty():
                click.echo(err=True)  # below the ^C
            raise click.Abort from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"bridge.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "STEMBRIDGE"},
)
@click.version_option(__version__, prog_name="stembridge")
def _group() -> None:  # \b is click's own sign for lines that are not to be filled again
    """Stem Bridge: separate music into stems that line up with it to the sample.

    \b
    Exit status: 0 done, 1 unexpected, 2 wrong option, 3 input, 4 output, 5 model,
    6 network, 7 some of several inputs failed, 8 cannot resume, 9 protocol, 10 sidecar,
    130 interrupted.
    """  # noqa: D301


def main() -> None:
    """Run the command line and exit with its status."""
    signal.signal(signal.SIGTERM, _interrupt)
    closed = getattr(signal, "SIGHUP", None)  # the terminal was closed; not on Windows
    if closed is not None and signal.getsignal(closed) is not signal.SIG_IGN:
        signal.signal(closed, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be any bytes
    try:
        status = _group.main(prog_name="stembridge", standalone_mode=False)
        sys.stdout.flush()  # a full disk shall be noticed here, and not at Python's own exit
    except click.exceptions.Exit as leaving:
        status = leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        status = error.exit_code
    except click.ClickException as error:
        place = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        hint = f" See `{place} --help`." if place else ""
        click.echo(f"stembridge: {' '.join(error.format_message().split())}{hint}", err=True)
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stembridge: interrupted", err=True)
        status = INTERRUPTED
    except BridgeError as error:
        click.echo(f"stembridge: {error}", err=True)
        status = error.status
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # whoever read our output went away
            click.echo(f"stembridge: {error}", err=True)
        # Python would try, and complain, once more at its own exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = BridgeError.status
    sys.exit(status if isinstance(status, int) else 0)


def run() -> None:
    """Be the command line, and nothing else in this process; see `leaving`."""
    try:
        main()
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else 0)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run()
