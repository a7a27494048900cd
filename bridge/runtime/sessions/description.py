"""What a session holds, whatever DAW it is for, and how times and texts are written in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from itertools import count
from pathlib import Path
from unicodedata import category

from bridge.core.timeline import Span
from bridge.errors import UsageError

_PLACES = Decimal("1e-12")
# What XML 1.0 cannot hold in any form: control characters, halves of characters, non-characters.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Track:
    """One audio file on a track of its own.

    path: of the file, absolute. format: its kind, as `--format` names it. channels: 1 or 2.
    frames: of the whole file. span: the frames of it that are heard. position: on the time line,
    of the first of them. gain: factor of the fader, 1.0 is unity. All frames are at the session's
    rate.
    """

    name: str
    path: Path
    format: str
    channels: int
    frames: int
    span: Span
    position: int = 0
    gain: float = 1.0
    muted: bool = False

    @property
    def stop(self) -> int:
        """Where it ends on the time line."""
        return self.position + self.span.length


@dataclass(frozen=True)
class Session:
    """Tracks from the top down, on one time line.

    rate: Hz, of every file and of the session. tempo: beats a minute, None where it is not known.
    tags: text fields of the song by name.
    """

    name: str
    rate: int
    tracks: tuple[Track, ...]
    tempo: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        """Where the last track ends."""
        return max(track.stop for track in self.tracks)


def seconds(frames: int, rate: int) -> str:
    """`frames` at `rate` Hz as decimal seconds: never less than they are, by 1e-12 s at most more.

    A host that cuts off instead of rounding finds the same frame too.
    """
    exact = (Decimal(frames) / rate).quantize(_PLACES, ROUND_CEILING)
    text = f"{exact:f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def number(value: float) -> str:
    """A number as plain decimals, as short as it can be."""
    return f"{Decimal(repr(value)):f}"


def clean(text: str) -> str:
    """`text` with a space for every character that XML cannot hold."""
    return _NOT_XML.sub(" ", text)


def unique(name: str, taken: Iterable[str]) -> str:
    """`name`, with the first number after it that makes it none of `taken`, upper case or lower."""
    others = {other.casefold() for other in taken}
    numbered = (name if n == 1 else f"{name} {n}" for n in count(1))
    return next(candidate for candidate in numbered if candidate.casefold() not in others)


def path_text(path: str, kind: str) -> str:
    """`path`, which has to be text without control characters. Raises UsageError."""
    if not is_plain(path):
        raise UsageError(
            f"--session {kind} cannot name {path!r}: it is not plain text; rename the folder, or "
            "choose another -o or --template"
        )
    return path


def is_plain(path: str) -> bool:
    """Whether a path is text without control characters, as every session can hold it."""
    return clean(path) == path and not any(category(c) == "Cc" for c in path)


def relative(path: Path, place: Path) -> str:
    """How a session at `place` names the file `path`: from its own folder, so that they can move.

    Both are absolute. On another drive the name stays absolute.
    """
    try:
        return os.path.relpath(path, place.parent)
    except ValueError:  # Windows has no way from one drive to another
        return str(path)
