"""`stembridge chain`: the effects of a preset on a file, without separation."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bridge.config import BITS, FORMATS
from bridge.errors import UsageError


@click.command(no_args_is_help=True)
@click.argument("preset")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="The file to write; its ending is its format.",
)
@click.option("--stem", metavar="NAME", help="The chain of this stem.")
@click.option("--mix", metavar="NAME", help="The chain of this mix.")
@click.option(
    "--bits", type=click.Choice(BITS), help="Sample format.  [default: the preset's, or 24]"
)
@click.option("--tails", type=click.Choice(["cut", "keep"]), help="[default: as the preset says]")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Write what was done as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Only warnings and errors.")
def command(
    preset: str,
    source: Path,
    output: Path,
    *,
    stem: str | None,
    mix: str | None,
    bits: str | None,
    tails: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Put the effects of PRESET on the audio file IN.

    Without --stem or --mix these are the effects that every mix of the preset passes. The result
    is in step with IN to the sample.
    """
    if stem is not None and mix is not None:
        raise UsageError("--stem and --mix exclude each other; use one of them")
    if output.suffix[1:].lower() not in FORMATS:
        raise UsageError(f"-o {output}: its ending must be one of {', '.join(FORMATS)}")
    from bridge.runtime.chain_file import chain_file
    from bridge.runtime.preset_store import find_preset

    result = chain_file(
        find_preset(preset),
        source,
        output,
        stem=stem,
        mix=mix,
        bits=bits,
        keep=None if tails is None else tails == "keep",
        overwrite=overwrite,
        warn=lambda text: click.echo(f"stembridge: warning: {text}", err=True),
    )
    if as_json:
        click.echo(json.dumps(result.facts()))
    elif not quiet:
        click.echo(f"{output}: {result.frames} frames, {result.seconds:.1f} s")
