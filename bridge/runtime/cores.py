"""How many cores there are."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores that this process may use, which a container may limit."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(allowed(0)) if allowed else os.cpu_count() or 1
