"""What a user must know about the levels of a finished song."""

from __future__ import annotations

import math

from bridge.runtime.audio_output import Encoding
from bridge.runtime.render import Rendering

# Above it, more than rounding and dither keeps the files from summing to the input.
_ROUNDING = {"16": 2.0**-13, "24": 2.0**-21, "32f": 2.0**-21}


def peak_warnings(rendering: Rendering, encoding: Encoding, clip: str | None) -> list[str]:
    """Lines on stems over full scale, on what was done about them, and on a null that is lost.

    clip: as in BounceSettings, None where there is no such choice.
    """
    lines = []
    if rendering.gain != 1:
        down = f"were turned down by {-_decibels(rendering.gain):.2f} dB (--clip rescale)"
        lines.append(
            f"all files {down}"
            if rendering.null_peak is None
            else f"all stems {down}: they sum to the input at that gain, and no longer null "
            "against it"
        )
    for name, file in rendering.files.items():
        if file.over:
            lines.append(_over(name, file.peak, file.over, encoding, clip))
    null = rendering.null_peak
    if null is not None and encoding.bits is not None and null > _ROUNDING[encoding.bits]:
        choice = "--bits 32f" if clip is None else "--bits 32f without --clip"
        lines.append(
            f"the null is lost: the stems miss the input by up to {_decibels(null):.1f} dBFS where "
            f"samples were cut off; {choice} keeps it"
        )
    return lines


def _over(name: str, peak: float, count: int, encoding: Encoding, clip: str | None) -> str:
    start = f"{name} peaks {_decibels(peak):.2f} dB over full scale"
    if clip == "clamp":
        return f"{start}: {count} samples were clamped"
    if encoding.bits == "32f":
        return f"{start} in {count} samples; 32-bit floats keep them"
    turned = "" if clip is None else ", --clip rescale turns all stems down"
    return f"{start}: {encoding.format} cut off {count} samples; --bits 32f keeps them{turned}"


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)
