"""Gains, mute and solo of stems, and the residual that makes them sum to the mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Strip:
    """Mixer settings of one stem: linear `gain` (0 is silence, 1 unchanged), mute and solo."""

    gain: float = 1.0
    mute: bool = False
    solo: bool = False


def effective_gains(strips: Mapping[str, Strip]) -> dict[str, float]:
    """Linear gain of each stem once mute and solo are applied.

    A muted stem is silent. When any stem is soloed, those that are not are silent. Mute wins over
    solo, as on a mixing desk.
    """
    soloed = any(strip.solo for strip in strips.values())
    return {
        name: 0.0 if strip.mute or (soloed and not strip.solo) else strip.gain
        for name, strip in strips.items()
    }


def mix_stems(stems: Mapping[str, Audio], gains: Mapping[str, float]) -> Audio:
    """Weighted sum of stems.

    Parameters: `stems`, each of shape (C, T), float32; `gains`, linear, one for each stem.
    Returns: shape (C, T), float32, summed in float64 in the order of `stems`.
    """
    first = next(iter(stems.values()))
    total = np.zeros(first.shape)
    for name, stem in stems.items():
        total += gains[name] * stem.astype(np.float64)
    return total.astype(np.float32)


def widen(stem: Audio, width: float) -> Audio:
    """A stereo stem with another width: 0 is mono, 1 unchanged, 2 the sides doubled.

    Parameters and result: shape (C, T), float32. Mono signals have no width and stay as they are.
    """
    if stem.shape[0] != 2 or width == 1:
        return stem
    middle, side = (stem[0] + stem[1]) / 2, (stem[0] - stem[1]) / 2
    wider: Audio = np.stack([middle + side * width, middle - side * width]).astype(np.float32)
    return wider


def residual(mix: NDArray[Any], stems: Mapping[str, Audio]) -> NDArray[np.float64]:
    """What the stems leave of the mix: mix minus their sum.

    Parameters: `mix` and each stem of shape (C, T). Returns: shape (C, T), float64, not rounded,
    so that whoever writes it rounds once.
    """
    rest = mix.astype(np.float64)
    for stem in stems.values():
        rest -= stem
    return rest
