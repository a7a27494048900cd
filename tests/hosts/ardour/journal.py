"""The log that the plug-in keeps of its epochs: what shim/link/journal.h says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Line = dict[str, Any]


@dataclass(frozen=True)
class Render:
    """What the instance that played a song last says of it.

    origin: for `stembridge stream --origin`. epochs: the lines of all that were opened on its grid,
    more than one where a sidecar was lost. late, replaced: frames, while the song was heard.
    """

    origin: int
    epochs: list[Line]
    late: int
    replaced: int

    @property
    def plan(self) -> Line:
        """What was agreed on, with the latency that comes of it."""
        names = ("model", "rate", "block", "latency", "plan")
        return {name: self.epochs[0][name] for name in names}


class Journal:
    def __init__(self, path: Path) -> None:
        self.path = path

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def lines(self) -> list[Line]:
        if not self.path.exists():
            return []
        whole = self.path.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in whole if line.endswith("\n")]

    def has(self, event: str) -> bool:
        return any(line["event"] == event for line in self.lines())

    def render(self, frames: int) -> Render:
        """Of the one song that was played since the log was cleared, of so many frames."""
        lines = self.lines()
        (sound,) = (line for line in lines if line["event"] == "sound")
        ours = [line for line in lines if line["instance"] == sound["instance"]]
        grid = sound["sound"] + sound["origin"]
        epochs = [line for line in ours if line["event"] == "epoch" and line["grid"] == grid]
        stop = sound["sound"] + frames + epochs[0]["latency"]
        within = [line for line in ours[ours.index(sound) :] if line["frame"] <= stop]
        late, replaced = (
            max(line[name] for line in within) - sound[name] for name in ("late", "replaced")
        )
        return Render(sound["origin"], epochs, late, replaced)
