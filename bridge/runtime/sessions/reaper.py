"""REAPER projects. The form is that of files which REAPER 6 and 7 write; it has no specification.

One token a line, then its values; `<` opens a block, `>` closes it. What is left out has REAPER's
own default.
"""

from __future__ import annotations

import re
from pathlib import Path

from bridge.errors import UsageError
from bridge.runtime.sessions.description import (
    Session,
    Track,
    is_plain,
    number,
    relative,
    seconds,
)

# By the format of a file; REAPER chooses its decoder by these.
_SOURCES = {"wav": "WAVE", "aiff": "WAVE", "flac": "FLAC", "mp3": "MP3", "ogg": "VORBIS"}
_NO_TEMPO = 120.0  # what REAPER itself takes
_QUOTES = ('"', "'", "`")


def project(session: Session, place: Path) -> bytes:
    """The project at `place`, in UTF-8. Files are named from its folder.

    Raises UsageError for a path that a REAPER project cannot hold.
    """
    tempo = number(_NO_TEMPO if session.tempo is None else session.tempo)
    lines = [
        '<REAPER_PROJECT 0.1 "6.0" 0',
        f"  TEMPO {tempo} 4 4",
        # Items stay at their time in seconds when the tempo is changed.
        "  TIMELOCKMODE 0",
        f"  SAMPLERATE {session.rate} 1 0",
    ]
    for track in session.tracks:
        lines += [f"  {line}" for line in _track(track, session.rate, place)]
    return "\n".join([*lines, ">", ""]).encode()


def _track(track: Track, rate: int, place: Path) -> list[str]:
    file = relative(track.path, place)
    if not can_name(file):
        raise UsageError(
            f"--session reaper cannot name {file!r}: it has all three kinds of quotes, or is not "
            "plain text; choose another -o or --template"
        )
    return [
        "<TRACK",
        f"  NAME {quoted(track.name)}",
        f"  VOLPAN {number(track.gain)} 0 -1 -1 1",
        f"  MUTESOLO {int(track.muted)} 0 0",
        "  NCHAN 2",
        "  <ITEM",
        f"    POSITION {seconds(track.position, rate)}",
        f"    LENGTH {seconds(track.span.length, rate)}",
        "    LOOP 0",
        "    FADEIN 1 0 0 1 0 0 0",
        "    FADEOUT 1 0 0 1 0 0 0",
        f"    NAME {quoted(track.name)}",
        "    VOLPAN 1 0 1 -1",
        f"    SOFFS {seconds(track.span.start, rate)}",
        "    PLAYRATE 1 1 0 -1 0 0.0025",
        f"    <SOURCE {_SOURCES[track.format]}",
        f"      FILE {quoted(file)}",
        "    >",
        "  >",
        ">",
    ]


def can_name(path: str) -> bool:
    """Whether a project can hold a path as it is."""
    return is_plain(path) and not all(quote in path for quote in _QUOTES)


def quoted(text: str) -> str:
    """`text` in the first of REAPER's three kinds of quotes that it does not hold itself.

    There is no escaping: of a text with all three, backquotes become plain ones, as REAPER does.
    Control characters, which would end the line, become spaces.
    """
    text = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]", " ", text)
    for quote in _QUOTES:
        if quote not in text:
            return f"{quote}{text}{quote}"
    return "`" + text.replace("`", "'") + "`"
