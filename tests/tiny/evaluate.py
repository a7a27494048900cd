"""How well the tiny model separates songs that it was not trained on.

`python -m tests.tiny.evaluate` prints the signal-to-distortion ratio of each stem, beside those
of the weightless separator and of the mix divided by four, which is what one that knows nothing
would give.
"""
# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tests.tiny.synth import STEMS, song

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHTS = Path(__file__).parent / "weights"
HELD_OUT_SEEDS = tuple(
    range(910_000, 910_008)
)  # training: from 0; its settings: 900_000 to 900_003
HELD_OUT_SECONDS = 20.0

Audio = NDArray[np.float32]


def held_out_songs(count: int = len(HELD_OUT_SEEDS)) -> list[dict[str, Audio]]:
    """The first `count` test songs: stems by name, each (2, T) at 44.1 kHz, 20 s long."""
    return [song(seed, HELD_OUT_SECONDS) for seed in HELD_OUT_SEEDS[:count]]


def sdr(reference: NDArray[Any], estimate: NDArray[Any]) -> float:
    """Signal-to-distortion ratio in dB over two arrays of one shape, computed in float64."""
    true = np.asarray(reference, dtype=np.float64)
    error = true - np.asarray(estimate, dtype=np.float64)
    tiny = np.finfo(np.float64).tiny
    return float(10.0 * np.log10((np.sum(true**2) + tiny) / (np.sum(error**2) + tiny)))


def load_tiny() -> Any:
    """The tiny model, ready to run on the CPU."""
    from demucs.hf import load_safetensors_model

    (path,) = WEIGHTS.glob("*.safetensors")
    return load_safetensors_model(path).eval()


def separate(model: Any, mix: Audio) -> dict[str, Audio]:
    """Stems by name, each (2, T), of a mix (2, T), as Demucs itself computes them."""
    import torch
    from demucs.apply import apply_model

    with torch.no_grad():
        stems = apply_model(model, torch.from_numpy(mix)[None], shifts=0, progress=False)[0]
    return dict(zip(model.sources, stems.numpy(), strict=True))


def spectral(mix: Audio) -> dict[str, Audio]:
    """Stems by name, each (2, T), as the weightless separator computes them."""
    from bridge.engine.spectral import SpectralSeparator

    separator = SpectralSeparator(44100)
    return dict(zip(separator.sources, separator.separate(mix[None])[0], strict=True))


def quarter(mix: Audio) -> dict[str, Audio]:
    """The baseline: a quarter of the mix for every stem."""
    return {name: np.asarray(mix / 4, dtype=np.float32) for name in STEMS}


def scores(
    songs: list[dict[str, Audio]], method: Callable[[Audio], dict[str, Audio]]
) -> list[float]:
    """Median over `songs` of the SDR of each stem in dB, in the order of STEMS."""
    rows = []
    for stems in songs:
        estimates = method(np.sum(list(stems.values()), axis=0))
        rows.append([sdr(stems[name], estimates[name]) for name in STEMS])
    return [float(value) for value in np.median(rows, axis=0)]


def table(rows: dict[str, list[float]]) -> str:
    """A Markdown table of dB, one row a method."""
    lines = ["| SDR in dB | " + " | ".join(STEMS) + " |", "|---|" + "---|" * len(STEMS)]
    for name, values in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the tiny model on held-out songs.")
    parser.add_argument("--markdown", type=Path, help="file to write the table to as well")
    chosen = parser.parse_args()
    model, songs = load_tiny(), held_out_songs()
    text = table(
        {
            "tiny model": scores(songs, lambda mix: separate(model, mix)),
            "spectral": scores(songs, spectral),
            "mix / 4": scores(songs, quarter),
        }
    )
    print(text, end="")
    if chosen.markdown:
        chosen.markdown.write_text(text)


if __name__ == "__main__":
    main()
