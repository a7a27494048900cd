"""Which files a bounce writes: their content and their names."""

from __future__ import annotations

import difflib
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from bridge.config import BounceSettings
from bridge.errors import ModelError, UsageError

_FORBIDDEN = '<>:"/\\|?*'  # in file names of at least one of the systems that DAWs run on


@dataclass(frozen=True)
class Output:
    """One file.

    `parts` are the model's stems that it sums. Without any it is the rest: the input minus every
    other file of the song as it was written.
    """

    name: str
    parts: tuple[str, ...]


def plan_outputs(sources: tuple[str, ...], settings: BounceSettings) -> tuple[Output, ...]:
    """The files of one song for a model with `sources`.

    With `--residual other`, `other` (or `no_STEM`) is the rest, so that all files sum to the input;
    where the model has no `other`, or with `--stems`, nothing is added.
    Raises ModelError for a stem that the model does not have.
    """
    for stem in settings.stems or filter(None, [settings.two_stems]):
        if stem not in sources:
            near = difflib.get_close_matches(stem, sources, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ModelError(f"no stem '{stem}' in this model: it has {', '.join(sources)}{hint}")
    rest = settings.residual == "other" and settings.stems is None and len(sources) > 1
    if settings.two_stems is not None:
        kept = settings.two_stems
        others = tuple(source for source in sources if source != kept)
        outputs = [Output(kept, (kept,)), Output(f"no_{kept}", () if rest else others)]
    else:
        names = settings.stems or sources
        outputs = [Output(s, () if rest and s == "other" else (s,)) for s in names]
    if settings.residual == "file":
        outputs.append(Output("residual", ()))
    return tuple(outputs)


def stems_needed(sources: tuple[str, ...], outputs: tuple[Output, ...]) -> tuple[str, ...]:
    """The model's stems that have to be computed for `outputs`, in the model's order."""
    return tuple(s for s in sources if any(s in output.parts for output in outputs))


def output_paths(
    folder: Path, source: Path, outputs: tuple[Output, ...], settings: BounceSettings, model: str
) -> dict[str, Path]:
    """Final path of each output below `folder`, and of the manifest under the name `manifest`.

    The manifest lies in the last folder that all stems of the song share; it carries the track's
    name when songs share it too. Raises UsageError when two outputs would have one path.
    """
    fields = {
        "track": track_name(source),
        # realpath, since Path.resolve raises RuntimeError for a link to itself
        "folder": _safe(Path(os.path.realpath(source)).parent.name or "root"),
        "model": _safe(model),
        "ext": settings.format,
    }
    template = settings.template.replace("\\", "/")
    paths = {o.name: folder / template.format(stem=o.name, **fields) for o in outputs}
    if len(set(paths.values())) != len(outputs):
        raise UsageError(f"--template '{settings.template}' gives several stems one name")
    shared = template.partition("{stem}")[0].rpartition("/")[0]
    own = "{track}" in shared or ("{folder}" in shared and "{track}" not in template)
    name = "manifest.json" if own else f"{fields['track']}.manifest.json"
    paths["manifest"] = folder / shared.format(**fields) / name
    if paths["manifest"] in [paths[output.name] for output in outputs]:
        raise UsageError(f"--template '{settings.template}' gives a stem the manifest's name")
    return paths


def check_distinct(songs: list[Path], folder: Path, settings: BounceSettings) -> None:
    """Raise UsageError when two songs of a batch would write a stem or a manifest to one path."""
    taken: dict[str, Path] = {}
    for song in songs:
        paths = output_paths(folder, song, (Output("STEM", ()),), settings, "MODEL")
        for path in paths.values():
            place = one_file(str(path))
            if place in taken:
                raise UsageError(
                    f"{taken[place]} and {song} would both be written as {path}; use a --template "
                    "with {folder}/{track}/, or bounce them one by one with another -o"
                )
            taken[place] = song


def one_file(name: str) -> str:
    """The same for all names that are one file somewhere.

    macOS and Windows take names for equal that differ in case or composition.
    """
    return unicodedata.normalize("NFC", name).casefold()


def track_name(source: Path) -> str:
    """What `{track}` stands for: the name of a song, as every system can store it."""
    return _safe(source.stem)


def _safe(name: str) -> str:
    """A name that every system can store: no separators, control characters or trailing dots."""
    bad = ("Cc", "Cs")  # control characters, and bytes that are no text
    kept = "".join("_" if c in _FORBIDDEN or unicodedata.category(c) in bad else c for c in name)
    return kept.rstrip(". ") or "_"
