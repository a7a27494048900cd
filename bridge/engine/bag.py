"""Descriptions of bags of models: which networks, with which weight for each source."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bridge.errors import ModelError

SIGNATURE = re.compile(r"[0-9a-f]{8}")
MAX_NETWORKS = 16  # the largest published bag has 4
MAX_YAML = 64 * 1024  # bytes; the largest published one has 200


@dataclass(frozen=True)
class Bag:
    """Signatures of the networks; weights (networks x sources), None for all 1; segment in s."""

    signatures: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None
    segment: float | None


def read_bag(path: Path) -> Bag:
    """Read `NAME.yaml` as demucs' hub repositories have it. Raises ModelError, naming the value."""
    try:
        if path.stat().st_size > MAX_YAML:
            raise ModelError(f"{path} is larger than any description of a bag; fetch it again")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"cannot read {path}: {reason}; fetch or copy it again") from error
    content = content if isinstance(content, dict) else {}
    return Bag(
        _signatures(path, content.get("models")),
        _weights(path, content.get("weights"), content.get("models")),
        _segment(path, content.get("segment")),
    )


def _signatures(path: Path, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_NETWORKS:
        raise ModelError(f"{path}: 'models' must list 1 to {MAX_NETWORKS} signatures")
    for signature in value:
        if not isinstance(signature, str) or not SIGNATURE.fullmatch(signature):
            raise ModelError(
                f"{path}: '{_shown(signature)}' is no signature; one is 8 digits of 0-9 and a-f"
            )
    return tuple(value)


def _weights(path: Path, value: Any, models: Any) -> tuple[tuple[float, ...], ...] | None:
    if value is None:
        return None
    rows = value if isinstance(value, list) else []
    good = len(rows) == len(models) and all(
        isinstance(row, list)
        and len(row) == len(rows[0])
        and all(type(w) in (int, float) and math.isfinite(w) and w >= 0 for w in row)
        for row in rows
    )
    if not good:
        raise ModelError(f"{path}: 'weights' must have a row of numbers for each network")
    if not all(sum(column) > 0 for column in zip(*rows, strict=True)):
        raise ModelError(f"{path}: 'weights' leave a source without any network")
    return tuple(tuple(float(w) for w in row) for row in rows)


def _segment(path: Path, value: Any) -> float | None:
    if value is None or (type(value) in (int, float) and 0.1 <= value <= 600):
        return None if value is None else float(value)
    raise ModelError(f"{path}: a segment of '{_shown(value)}' s is not in 0.1 to 600")


def _shown(value: Any) -> str:
    # Aliases make a few bytes of YAML print as gigabytes.
    return str(value)[:64] if isinstance(value, str | int | float) else type(value).__name__
