"""Finds the line on which something stands in a TOML text: tomllib gives values without places.

A place is the way to a value from the top: keys, and numbers for the elements of arrays of tables,
such as ("stems", "vocals", "chain", 1, "ratio").
"""

from __future__ import annotations

import re

Place = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, place: Place) -> int:
    """The number, from 1, of the line of `place`, or of the nearest that surrounds it.

    Keys inside inline tables and arrays have the line of what holds them.
    """
    best, length = 1, 0
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        where: Place | None = None
        if header := _HEADER.match(line):
            where = table = _table(_parts(header[2]), header[1] == "[[", counts)
        elif key := _KEY.match(line):
            where = (*table, *_parts(key[1]))
        if where is not None and len(where) > length and where == place[: len(where)]:
            best, length = number, len(where)
    return best


def _parts(dotted: str) -> Place:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _table(keys: Place, repeated: bool, counts: dict[Place, int]) -> Place:
    """The place of a header, with the numbers of the elements that it lies in."""
    where: Place = ()
    for position, key in enumerate(keys, 1):
        where = (*where, key)
        if position == len(keys) and repeated:
            counts[where] = counts.get(where, -1) + 1
        if where in counts:
            where = (*where, counts[where])
    return where
