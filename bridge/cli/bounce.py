"""`stembridge bounce`: songs in, stem files out."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.options import allow_pickle_option, device_option, model_option
from bridge.cli.report import Report, make_report
from bridge.config import (
    BITS,
    CLIPS,
    DEFAULT_TEMPLATE,
    FORMATS,
    PRECISIONS,
    RESIDUALS,
    SESSIONS,
    BounceSettings,
    parse_time,
)
from bridge.errors import BatchError, BridgeError

if TYPE_CHECKING:
    from bridge.runtime.models import Models
    from bridge.runtime.preset import Preset


class _Time(click.ParamType[float]):
    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:  # noqa: ARG002
        return value if isinstance(value, float) else parse_time(value)


class _Path(click.ParamType[Path]):
    """A path as it was typed. Whether it can be used is found out when its turn comes."""

    name = "PATH"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        if not str(value):  # an unset variable in a script, not the folder that Path makes of it
            self.fail("a name is empty; write . for this folder", param, ctx)
        return Path(value)


class _Names(click.ParamType[tuple[str, ...]]):
    name = "NAME,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        names = value if isinstance(value, tuple) else tuple(n.strip() for n in value.split(","))
        if not all(names):
            self.fail(f"'{value}' is not a list of names such as vocals,drums", param, ctx)
        return names


class _Lists(click.Option):
    """An option that may be repeated, of lists: its value is all of their names."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> tuple[str, ...]:
        # A text from the configuration comes whole; click would take it apart.
        lists = super().type_cast_value(ctx, (value,) if isinstance(value, str) else value)
        return tuple(name for names in lists for name in names)


@click.command(no_args_is_help=True)
@click.argument("inputs", nargs=-1, required=True, type=_Path())
@click.option(
    "-o",
    "--output",
    default=Path("stems"),
    show_default=True,
    type=_Path(),
    metavar="DIR",
    help="Folder for the results.",
)
@model_option
@click.option("--preset", metavar="NAME|FILE", help="One of `stembridge presets list`, or a file.")
@click.option("--stems", type=_Names(), help="Only these stems.")
@click.option("--two-stems", metavar="STEM", help="This stem, and everything else as no_STEM.")
@click.option(
    "--format",
    "format",
    default="wav",
    show_default=True,
    type=click.Choice(FORMATS),
)
@click.option("--bits", type=click.Choice(BITS), help="Sample format.  [default: 24]")
@click.option(
    "--residual",
    default="other",
    show_default=True,
    type=click.Choice(RESIDUALS),
    help="What the stems leave of the input: into `other`, left out, or a file of its own.",
)
@click.option(
    "--clip",
    default="none",
    show_default=True,
    type=click.Choice(CLIPS),
    help="Peaks over full scale: keep, turn all stems down, or limit (the last two lose the null).",
)
@click.option("--start", type=_Time(), help="Begin here: seconds or [h:]m:s.")
@click.option("--end", type=_Time(), help="End here.")
@click.option("--overlap", type=float, help="Share of a window, 0 to 0.95.  [default: the model's]")
@click.option("--shifts", type=int, default=0, show_default=True, help="Average N shifted runs.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of shifts and dither.")
@click.option(
    "--precision",
    default="exact",
    show_default=True,
    type=click.Choice(PRECISIONS),
    help="float32 as demucs computes, or bfloat16 where that is faster.",
)
@device_option
@click.option("--batch", type=int, metavar="N", help="Windows at once.  [default: by device]")
@click.option(
    "--template",
    default=DEFAULT_TEMPLATE,
    show_default=True,
    help="Names below DIR, of {track}, {stem}, {ext}, {model} and {folder}.",
)
@click.option(
    "--session",
    cls=_Lists,
    multiple=True,
    type=_Names(),
    metavar="KIND,...",
    help=f"Also write a session with a track for each stem: {', '.join(SESSIONS)}.",
)
@click.option("--tempo", type=float, metavar="BPM", help="Of the sessions.")
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.option("--resume", is_flag=True, help="Keep unfinished work, and go on with it.")
@click.option("--yes", is_flag=True, help="Fetch the model without asking.")
@allow_pickle_option
@click.option("--json", is_flag=True, help="One event a line on stdout, for scripts.")
@click.option("-q", "--quiet", is_flag=True, help="Only warnings and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Peaks, model and windows of each song.")
def command(
    inputs: tuple[Path, ...],
    output: Path,
    *,
    preset: str | None,
    yes: bool,
    json: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Separate songs into stems that line up with them to the sample.

    INPUTS are audio files, or folders that are searched for them. Each song gets a folder with a
    file for each stem and a manifest.json.
    """
    with make_report(as_json=json, quiet=quiet, verbose=verbose) as report:
        chosen, settings = _settings(preset, options)
        from bridge.cli.leaving import keep_to_the_end
        from bridge.cli.obtain import obtainer
        from bridge.runtime.find_inputs import find_inputs
        from bridge.runtime.memory import share_memory
        from bridge.runtime.models import Models
        from bridge.runtime.outputs import check_distinct

        share_memory()
        songs = find_inputs(inputs)
        check_distinct(songs, output, settings)
        models = Models(settings, obtainer(yes=yes), tell=report.note)
        keep_to_the_end(models)
        for text in models.warnings:
            report.warn(text)
        _bounce_all(songs, output, settings, models, report, preset=chosen, verbose=verbose)


def _settings(name: str | None, options: dict[str, Any]) -> tuple[Preset | None, BounceSettings]:
    """The preset, if one is named, and settings: what was typed wins over what it says."""
    if name is None:
        return None, BounceSettings(**options)
    from bridge.runtime.preset_store import find_preset

    context, typed = click.get_current_context(), click.core.ParameterSource.COMMANDLINE
    wanted = {n: v for n, v in options.items() if context.get_parameter_source(n) is typed}
    preset = find_preset(name)
    preset.check()  # plug-ins too: once for all songs, and before a model is fetched
    return preset, preset.settings(wanted, options)


def _bounce_all(
    songs: list[Path],
    folder: Path,
    settings: BounceSettings,
    models: Models,
    report: Report,
    *,
    preset: Preset | None,
    verbose: bool,
) -> None:
    from bridge.runtime.bounce import bounce

    failed: list[Path] = []
    for number, song in enumerate(songs, 1):
        report.begin(song, number, len(songs))
        try:
            result = bounce(
                song,
                folder,
                settings,
                models,
                preset=preset,
                inputs=songs,
                progress=report.progress,
                warn=report.warn,
            )
        except Exception as error:
            if verbose and not isinstance(error, BridgeError):
                traceback.print_exc()
            known = _in_words(song, error)
            if len(songs) == 1:
                raise known from error
            report.fail(song, known)
            failed.append(song)
        else:
            report.done(song, result)
    if failed:
        names = ", ".join(map(str, failed))
        raise BatchError(
            f"{len(failed)} of {len(songs)} inputs failed, the others are done: {names}"
        )


def _in_words(song: Path, error: Exception) -> BridgeError:
    if isinstance(error, BridgeError):
        return error
    what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return BridgeError(f"{song}: unexpected {what}; please report it with what -v shows")
