"""`stembridge study`: how far live stems are from the offline ones, and what nearer costs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.obtain import obtainer
from bridge.cli.options import device_option, model_option
from bridge.cli.study_report import Progress, report
from bridge.config import PRECISIONS, BounceSettings, parse_time

if TYPE_CHECKING:
    from bridge.runtime.study import Study


@click.command(name="study", no_args_is_help=True)
@click.argument("song", type=click.Path(path_type=Path))
@model_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for study.csv and study.png.",
)
@click.option("--start", metavar="TIME", help="Where the part begins.  [default: in the middle]")
@click.option("--seconds", type=click.FloatRange(1, 3600), help="Length of it.  [default: 20]")
@click.option("--quick", is_flag=True, help="Leave short hops out: a quarter of the time.")
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The song's true stems, STEM.wav: what live costs against them.",
)
@click.option("--precision", default="exact", show_default=True, type=click.Choice(PRECISIONS))
@device_option
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON, for scripts.")
def command(
    song: Path,
    *,
    output: Path | None,
    start: str | None,
    seconds: float | None,
    quick: bool,
    truth: Path | None,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure on SONG how the live result approaches the offline one.

    For every look-ahead, length of the window and hop: the SNR of live stems against those of a
    bounce, the error at the seams of hops, and the latency on this device. Ctrl-C keeps what was
    measured until then.
    """
    from bridge.runtime.models import Models
    from bridge.runtime.places import check_places
    from bridge.runtime.study import Study
    from bridge.runtime.study_files import NAMES, can_draw

    begin = None if start is None else parse_time(start)
    settings = BounceSettings(start=begin, **options)
    paths = {} if output is None else {kind: output / name for kind, name in NAMES.items()}
    if output is not None:
        check_places(output, paths, replace=overwrite)
        if not can_draw():
            del paths["picture"]
            _warn("study.png is left out, as matplotlib draws it: pip install 'stembridge[study]'")
    models = Models(settings, obtainer(yes=False), streams=1)
    for text in models.warnings:
        _warn(text)
    study = Study(song, settings, models, seconds=seconds, quick=quick, truth=truth)
    try:
        with Progress(quiet=as_json) as progress:
            study.run(progress.tell)
    except KeyboardInterrupt:
        _finish(study, song, paths, as_json=as_json)
        raise
    _finish(study, song, paths, as_json=as_json)


def _warn(text: str) -> None:
    click.echo(f"stembridge: warning: {text}", err=True)


def _finish(study: Study, song: Path, paths: dict[str, Path], *, as_json: bool) -> None:
    """Write and say all that was measured, be it everything or not."""
    from bridge.runtime.study_files import draw, write_csv
    from bridge.runtime.writing import writing

    rows, summary = study.rows, study.summary() | {"song": song.name}
    for path in paths.values():
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
    if "csv" in paths:
        write_csv(paths["csv"], rows, study.sources)
    if "picture" in paths and rows:
        draw(paths["picture"], rows, summary)
    if as_json:
        found = summary | {"song": str(song), "rows": [asdict(row) for row in rows]}
        click.echo(json.dumps(_finite(found)))
        return
    click.echo("\n".join([*report(study), *map(str, paths.values())]))


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list():
            return [_finite(each) for each in value]
    return value
