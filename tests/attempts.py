"""What a busy machine may spoil is tried again; a defect spoils every attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def tried(attempt: Callable[[], T], is_good: Callable[[T], object], times: int = 3) -> T:
    """What the first good one of so many attempts gives; without any, what the last one does."""
    for _ in range(times - 1):
        if is_good(made := attempt()):
            return made
    return attempt()
