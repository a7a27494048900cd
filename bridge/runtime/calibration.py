"""How long one run of a model takes on this machine: kept on disk, and corrected by sessions.

    CONFIG/calibration.json
        {"version": 3, "entries": [
            {"key": {...}, "typical_us": 123, "worst_us": 1234, "long_us": 234}, ...]}

The entry that was stored last stands last. A file that is damaged, or of another version, counts as
empty and is replaced. Where nothing can be written, measurements are remembered by this process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.runtime.folders import user_folder
from bridge.runtime.measuring import ENOUGH_RUNS, with_margin

VERSION = 3
ENTRIES = 64
"""More than anyone has of models, precisions and rates; the one stored longest ago goes first."""

_FILE_BYTES = 1 << 20
"""Many times what so many entries take; a larger file is none of ours."""

_LONGEST_US = 3_600_000_000
_LOCK_SECONDS = 1.0
"""The lock is held for a few milliseconds; who does not get it goes on without storing."""

_SOME_RUNS = 100
_Key = frozenset[tuple[str, str]]
_Entries = dict[_Key, Cost]
_unwritten: _Entries = {}


def load(key: Mapping[str, str]) -> Cost | None:
    """Cost of a run, None where it was not measured.

    key: everything that it depends on: device, model, precision, rates, versions and so on. Only
    reads: a worker asks between the runs of live sessions, and a lock and a disk may take long.
    """
    wanted = frozenset(key.items())
    return _unwritten.get(wanted) or _read(_path()).get(wanted)


def store(key: Mapping[str, str], cost: Cost) -> None:
    """Keep the cost of a run; raises ValueError for more than 1 hour."""
    if cost.worst_us > _LONGEST_US:
        raise ValueError(f"a run cannot take {cost.worst_us} us; measure it again")
    wanted = frozenset(key.items())
    if _update(lambda found: _put(found, wanted, cost)):
        _unwritten.pop(wanted, None)
    else:
        _unwritten.update(_put(_unwritten, wanted, cost))
        while len(_unwritten) > ENTRIES:
            _unwritten.pop(next(iter(_unwritten)))


def refine(key: Mapping[str, str], seen: Durations, *, lower: bool = True) -> None:
    """Let the runs of a session that has ended correct what the next ones are told.

    Does nothing for what was never stored. The rule is `refined`.
    """
    stored = load(key)
    if stored is not None and (cost := refined(stored, seen, lower=lower)) != stored:
        store(key, cost)


def refined(stored: Cost, seen: Durations, *, lower: bool = True) -> Cost:
    """The cost to keep after a session.

    When 1.25 times the longest run is more than the worst that is stored, that is raised to it, but
    at most doubled: a machine that slept, or a stopped process, would spoil it for good. Else,
    after 1000 runs or more, it goes an eighth of the way down to 1.25 times the 99.9th percentile,
    which leaves it above the longest run in any case. With what is typical it is the same, up and
    down to 1.25 times the 99th percentile, but fewer than 100 runs say nothing of it: one that was
    interrupted would be the 99th percentile. A run with a long hop is thought to go with that.

    lower: False for runs that had less to do than those that were measured: they only raise.
    """
    nearly = seen.percentile(990)
    worst_us = _moved(stored.worst_us, seen.max, seen.percentile(999), seen.count, lower=lower)
    typical_us = stored.typical_us
    if seen.count >= _SOME_RUNS:
        typical_us = _moved(typical_us, nearly, nearly, seen.count, lower=lower)
    typical_us = min(typical_us, worst_us)
    return Cost(typical_us, worst_us, -(-stored.long_us * typical_us // stored.typical_us))


def _moved(stored_us: int, most_us: int, usual_us: int, count: int, *, lower: bool) -> int:
    if with_margin(most_us) > stored_us:
        return min(with_margin(most_us), 2 * stored_us, _LONGEST_US)
    if count < ENOUGH_RUNS or not lower:
        return stored_us
    return stored_us - max(0, stored_us - with_margin(usual_us)) // 8


def _path() -> Path:
    return user_folder("config") / "calibration.json"


def _update(change: Callable[[_Entries], _Entries]) -> bool:
    """Replace the file in one step, alone among processes; False where that is not possible."""
    path = _path()
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=_LOCK_SECONDS):
            _write(path, _newest(change(_read(path))))
    except (OSError, NotImplementedError):  # the latter from a file system without locks
        return False
    return True


def _put(entries: _Entries, wanted: _Key, cost: Cost) -> _Entries:
    """`entries` with this one last."""
    return {key: known for key, known in entries.items() if key != wanted} | {wanted: cost}


def _newest(entries: _Entries) -> _Entries:
    return dict(list(entries.items())[-ENTRIES:])


def _read(path: Path) -> _Entries:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES + 1)
        return _parsed(json.loads(content)) if len(content) <= _FILE_BYTES else {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _parsed(content: object) -> _Entries:
    """Raises one of what `_read` catches for anything that `_write` does not write."""
    match content:
        case {"version": int(version), "entries": list(entries)} if version == VERSION:
            return {frozenset(entry["key"].items()): _cost(entry) for entry in entries}
        case _:
            return {}


def _cost(entry: Mapping[str, object]) -> Cost:
    times = [entry["typical_us"], entry["worst_us"], entry["long_us"]]
    # A bool is an int to isinstance.
    found = [time_us for time_us in times if type(time_us) is int and time_us <= _LONGEST_US]
    if len(found) < len(times):
        raise ValueError("a cost is three numbers of microseconds")
    return Cost(*found)


def _write(path: Path, entries: _Entries) -> None:
    listed = [{"key": dict(sorted(key)), **asdict(cost)} for key, cost in entries.items()]
    text = json.dumps({"version": VERSION, "entries": listed}, indent=1)
    temporary = path.with_suffix(".new")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
