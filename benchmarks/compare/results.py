"""What the parts found, kept in build/bench, with where and when it was found."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.compare.setting import FOLDER, Setting
from bridge.runtime.cores import cores

PACKAGES = ("stembridge", "demucs", "torch", "openvino", "numpy")
# What decides how fast a network can be on a CPU, from the narrowest on.
INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Result:
    """What one run of one part found.

    where: the machine and the versions, in words. load: cores that were busy before it began.
    """

    part: str
    date: str
    where: str
    load: float
    runs: int
    seconds: float
    small: bool
    found: dict[str, Any]


def store(part: str, setting: Setting, load: float, found: dict[str, Any]) -> Path:
    """Keep what a part found, in place of what it found before."""
    date = datetime.now(UTC).date().isoformat()
    where = f"{machine()}; {versions()}"
    result = Result(part, date, where, load, setting.runs, setting.seconds, setting.small, found)
    path = FOLDER / f"{part}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result), indent=1))
    return path


def stored(part: str) -> Result | None:
    """What the last run of a part found; None if there was none."""
    path = FOLDER / f"{part}.json"
    return Result(**json.loads(path.read_text())) if path.is_file() else None


def busy_cores(seconds: float = 2.0) -> float:
    """Cores that are busy now, whoever it is; 0 where the system does not say."""
    if not Path("/proc/stat").is_file():
        return 0.0
    before = _processor_times()
    time.sleep(seconds)
    spent = [b - a for a, b in zip(before, _processor_times(), strict=True)]
    idle = spent[3] + spent[4]
    return cores() * (1 - idle / max(1, sum(spent)))


def _processor_times() -> list[int]:
    return list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))


def machine() -> str:
    """The processor, its cores that may be used, and its instruction sets."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    facts = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    name = facts.get("model name") or platform.processor() or platform.machine()
    flags = set(facts.get("flags", "").split())
    known = [name for name in INSTRUCTIONS if name in flags]
    lacking = [name for name in ("avx512f", "avx512_bf16") if flags and name not in flags]
    without = f", no {', no '.join(lacking)}" if lacking else ""
    return f"{cores()} cores of {name} ({', '.join(known) or 'unknown'}{without})"


def versions() -> str:
    """Of Python and of the packages that matter, those of them that are here."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
