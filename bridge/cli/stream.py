"""`stembridge stream`: a file through a running sidecar, as a DAW would play it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bridge.cli.connecting import ConnectionFile
from bridge.cli.stream_report import Line, refusals, report
from bridge.config import BITS, FORMATS, PRECISIONS, RESIDUALS, BounceSettings
from bridge.core.latency_presets import LATENCIES, LATENCY_PRESETS
from bridge.errors import UsageError

LONGEST_SILENCE = 10_000_000
"""Frames before the song in which the grid of hops may start: it is held as a whole."""


@click.command(name="stream", no_args_is_help=True)
@click.argument("song", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    default=Path("stems"),
    show_default=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the results.",
)
@click.option(
    "-m",
    "--model",
    metavar="NAME|PATH",
    help="A model of `stembridge models list`, a folder with NAME.yaml, or one weights file.  "
    "[default: the preset's, or spectral]",
)
@click.option(
    "--preset", default="", metavar="NAME", help="Stems pass its effects, live, in the sidecar."
)
@click.option(
    "--latency",
    default="auto",
    show_default=True,
    metavar="MS|auto|low|balanced|quality",
    help="How long stems may trail the input. auto is the smallest safe time, and balanced the "
    "same; low reads less of the past and the future, quality more of the future.",
)
@click.option("--context", type=float, metavar="SECONDS", help="Window.  [default: the model's]")
@click.option("--realtime", is_flag=True, help="Play at the speed of a clock; never wait.")
@click.option(
    "--block", default="512", show_default=True, metavar="N|random", help="Frames handed over."
)
@click.option("--rate", type=int, metavar="HZ", help="Of the host.  [default: the file's]")
@click.option(
    "--origin",
    default=0,
    show_default=True,
    type=click.IntRange(-LONGEST_SILENCE),
    metavar="N",
    help="Frame of the song at which the grid of hops starts; below 0 in the silence before.",
)
@click.option("--format", "format", default="wav", show_default=True, type=click.Choice(FORMATS))
@click.option("--bits", type=click.Choice(BITS), help="Sample format.  [default: 24]")
@click.option(
    "--residual",
    default="other",
    show_default=True,
    type=click.Choice(RESIDUALS),
    help="What the stems leave of the input: into `other`, left out, or a file of its own.",
)
@click.option("--precision", default="exact", show_default=True, type=click.Choice(PRECISIONS))
@click.option("--seed", default=0, show_default=True, help="Of random blocks and dither.")
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.option(
    "--connection",
    type=ConnectionFile(),
    help="The connection file of a sidecar on another machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON, for scripts.")
def command(
    song: Path,
    output: Path,
    *,
    model: str | None,
    preset: str,
    block: str,
    latency: str,
    rate: int | None,
    origin: int,
    context: float | None,
    realtime: bool,
    connection: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Play SONG through the running sidecar and write the stems, moved back by the latency.

    Start the sidecar first, by `stembridge serve`. The report at the end tells the latency, how
    many frames were late, and how long things took.
    """
    from bridge.client.play_settings import PlaySettings
    from bridge.client.playing import play

    how = PlaySettings(
        block=0 if block == "random" else _number("--block", block, 1, 65_536),
        rate=rate,
        origin=origin,
        realtime=realtime,
        latency_ms=None if latency in LATENCIES else _milliseconds(latency),
        latency_name=latency if latency in LATENCY_PRESETS else "",
        context=context,
        seed=options["seed"],
        preset=preset,
    )
    if preset and options["residual"] == "file":
        raise UsageError("--residual file and --preset exclude each other; use other or off")
    if preset and connection is None:  # else the sidecar's presets are those of another machine
        _check(preset)
    options["model"] = _absolute(_model_of(preset) if model is None else model)
    with Line(quiet=as_json) as line, refusals():
        played = play(
            song,
            output,
            BounceSettings(**options),
            how,
            connection=connection,
            progress=line.progress,
            warn=line.warn,
        )
    click.echo(json.dumps(played.manifest) if as_json else "\n".join(report(played)))


def _check(preset: str) -> None:
    """Raise UsageError for a preset that is not on this machine, or has a mistake."""
    from bridge.runtime.preset import Preset

    Preset.load(preset)


def _model_of(preset: str) -> str:
    """The model that a preset of this machine names, if it does, and `spectral` if not."""
    from bridge.runtime.preset_store import entries

    if not any(entry.name == preset for entry in entries()):
        return "spectral"  # the sidecar says whether it has such a one
    from bridge.runtime.preset import Preset

    return str(Preset.load(preset).separation.get("model", "spectral"))


def _absolute(model: str) -> str:
    """A path as the sidecar can find it, whose folder is another one; a name as it is."""
    from bridge.engine.catalog import CATALOG

    named = not model.strip() or model in CATALOG or model.partition(":")[0] == "fake"
    return model if named or not Path(model).exists() else str(Path(model).absolute())


def _number(name: str, text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        raise UsageError(f"{name} '{text}' is no number from {low} to {high}, nor random")
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"--latency '{text}' is neither a number of ms nor {', '.join(LATENCIES)}"
        ) from None
