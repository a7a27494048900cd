"""Sides that run in turn, and what their times and results say of each other."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Ratio:
    """The median of the ratios of the rounds, the lowest and the highest of them."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)} to {_short(self.high)})"


def in_turn(sides: Mapping[str, Callable[[], dict[str, float]]], runs: int) -> dict[str, Any]:
    """Run every side once a round; each round begins with another one.

    Returns lists, one number a round, by what the sides tell and by side.
    """
    names = list(sides)
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(runs):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            told = sides[name]()
            for what, value in told.items():
                found.setdefault(what, {}).setdefault(name, []).append(value)
            say(f"round {number + 1} of {runs}: {name} {told.get('seconds', 0):.2f} s")
    return found


def ratio(slower: Sequence[float], faster: Sequence[float]) -> Ratio:
    """How many times as much the first takes. Raises ValueError for unlike numbers of rounds."""
    each = [a / b for a, b in zip(slower, faster, strict=True)]
    return Ratio(statistics.median(each), min(each), max(each))


def worst_snr(reference: NDArray[np.floating], found: NDArray[np.floating]) -> float:
    """Signal-to-noise ratio in dB of the worst stem; both of shape (stems, C, T)."""
    ratios = []
    for true, stem in zip(reference, found, strict=True):
        signal = np.square(true, dtype=np.float64).sum()
        noise = np.square(true.astype(np.float64) - stem).sum()
        ratios.append(10 * np.log10(signal / noise) if noise else np.inf)
    return float(min(ratios))


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is a command


def _short(number: float) -> str:
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:.0f}"
