"""Which keys the sections of a preset have, and what their values may be.

docs/PRESETS.md lists the same; a test holds the two against each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.config import BITS, CLIPS, FORMATS, MAX_OVERLAP, MAX_SHIFTS, PRECISIONS

TAILS = ("cut", "keep")


@dataclass(frozen=True)
class Key:
    """What one key takes.

    kind: text, number, integer, flag, choice, names (an array of texts) or table. low, high: of
    numbers, both included. choices: for the kind choice.
    """

    kind: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    required: bool = False

    def problem(self, value: Any) -> str:
        """What is wrong with a value, to be put after its name; "" if nothing is."""
        if self.kind == "choice":
            return "" if value in self.choices else f"use one of {', '.join(self.choices)}"
        if self.kind in ("number", "integer"):
            return self._number_problem(value)
        kind, words = _KINDS[self.kind]
        right = isinstance(value, kind)
        if self.kind == "names":
            right = right and all(isinstance(item, str) and item for item in value)
            right = right and len(set(value)) == len(value)
        if self.kind == "text":
            right = right and bool(value.strip())
        return "" if right else f"it must be {words}"

    def _number_problem(self, value: Any) -> str:
        whole = self.kind == "integer"
        right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if right and self.low <= value <= self.high:
            return ""
        return f"it must be a {'whole ' if whole else ''}number from {self.low:g} to {self.high:g}"


_KINDS: dict[str, tuple[type, str]] = {
    "text": (str, "a text in quotes that is not empty"),
    "flag": (bool, "true or false"),
    "names": (list, 'a list of different names such as ["vocals"]'),
    "table": (dict, "a table"),
}
_LOUDNESS = {
    "loudness": Key("number", -70, 0),
    "peak_db": Key("number", -60, 0),
}
DECIBELS = Key("number", -math.inf, 60)

# By section; "" is the top of the file. Chains and names of stems and mixes are not keys.
SECTIONS: Mapping[str, Mapping[str, Key]] = {
    "": {"description": Key("text", required=True), "when": Key("text", required=True)},
    "separation": {
        "model": Key("text"),
        "residual": Key("choice", choices=("other", "off")),
        "clip": Key("choice", choices=CLIPS),
        "overlap": Key("number", 0, MAX_OVERLAP),
        "shifts": Key("integer", 0, MAX_SHIFTS),
        "seed": Key("integer", 0, 2**63 - 1),
        "precision": Key("choice", choices=PRECISIONS),
    },
    "stems.NAME": {"width": Key("number", 0, 2)},
    "mix": _LOUDNESS,
    "mixes.NAME": {"gains": Key("table"), "remaining": DECIBELS, **_LOUDNESS},
    "outputs": {
        "stems": Key("names"),
        "mixes": Key("names"),
        "format": Key("choice", choices=FORMATS),
        "bits": Key("choice", choices=BITS),
        "tails": Key("choice", choices=TAILS),
    },
    "chain": {
        "plugin": Key("text", required=True),
        "plugin_name": Key("text"),
        "state": Key("text"),
        "parameters": Key("table"),
    },
}
TABLES = ("separation", "stems", "mix", "mixes", "outputs")
