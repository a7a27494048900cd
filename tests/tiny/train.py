"""Train the tiny HTDemucs on synthetic songs and export it as Demucs loads it from a folder.

`python -m tests.tiny.train` writes tiny.yaml and <signature>.safetensors into weights/.
"""
# ruff: noqa: T201 - a command: it prints

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import math
import multiprocessing
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from demucs.htdemucs import HTDemucs
from demucs.transformer import LayerScale
from safetensors.torch import save_file
from torch import nn

from tests.tiny.synth import STEMS, song

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 44100
SETTINGS: dict[str, Any] = {
    "sources": list(STEMS),
    "audio_channels": 2,
    "samplerate": RATE,
    "segment": Fraction(39, 10),
    "channels": 32,
    "growth": 1,
    "depth": 4,
    "context": 0,
    "dconv_depth": 1,
    "dconv_comp": 4,
    "dconv_init": 0.3,
    "bottom_channels": 64,
    "t_layers": 3,
    "t_heads": 4,
    "t_hidden_scale": 2.0,
}
SEGMENT = int(SETTINGS["segment"] * RATE)
TRANSFORMER_SCALE = 0.5  # Demucs' 1e-4 would leave the transformer without effect in a short run
OUTPUT_SPREAD = 0.3  # of the last layers before training, where other layers have 1
PEAK_RATE, WARM_UP, WEIGHT_DECAY, AVERAGING = 5e-3, 0.01, 1e-3, 0.998
CLIP = 0.5
SEED = 20
POOL_SECONDS = 8.0


def build() -> HTDemucs:
    """The untrained model, with every block loud enough to count."""
    torch.manual_seed(SEED)
    model: HTDemucs = HTDemucs(**SETTINGS)
    for module in model.crosstransformer.modules():
        if isinstance(module, LayerScale):
            nn.init.constant_(module.scale, TRANSFORMER_SCALE)
    return model


def _stems(seed: int) -> NDArray[np.float16]:
    stems = song(seed, POOL_SECONDS, RATE)
    return np.stack([stems[name] for name in STEMS]).astype(np.float16)


def synthesise(songs: int, workers: int) -> NDArray[np.float16]:
    """The songs of seeds 0, 1, ... as one array (N, S, 2, T)."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return np.stack(pool.map(_stems, range(songs), chunksize=4))


def example(pool: NDArray[np.float16], rng: np.random.Generator) -> NDArray[np.float32]:
    """Stems (S, 2, SEGMENT): a crop of one song, or of another song for each stem."""
    count, stems, _, length = pool.shape
    chosen = rng.integers(count, size=stems if rng.random() < 0.6 else 1)
    starts = rng.integers(length - SEGMENT, size=stems if rng.random() < 0.5 else 1)
    out = np.empty((stems, 2, SEGMENT), dtype=np.float32)
    for stem in range(stems):
        start = int(starts[stem % starts.size])
        crop = pool[int(chosen[stem % chosen.size]), stem, :, start : start + SEGMENT]
        out[stem] = crop[::-1] if rng.random() < 0.5 else crop
        out[stem] *= rng.choice([-1.0, 1.0]) * 10 ** (rng.uniform(-5, 5) / 20)
        if rng.random() < 0.04:
            out[stem] = 0.0
    return out


def even_out(model: HTDemucs, mix: torch.Tensor) -> None:
    """Scale each convolution so that its output for `mix` (B, 2, T) has a spread of one.

    Signals otherwise fade in the gated layers, and a short run is spent on growing the weights
    (Mishkin and Matas, "All you need is a good init", 2016).
    """
    last = (model.decoder[-1].conv_tr, model.tdecoder[-1].conv_tr)

    def scale(layer: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        layer.weight.mul_((OUTPUT_SPREAD if layer in last else 1.0) / output.std())
        layer.bias.zero_()
        result: torch.Tensor = layer.forward(*inputs)
        return result

    kinds = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
    layers = [layer for layer in model.modules() if isinstance(layer, kinds)]
    hooks = [layer.register_forward_hook(scale) for layer in layers]
    with torch.no_grad():
        model(mix)
    for hook in hooks:
        hook.remove()


def distance(estimate: torch.Tensor, stems: torch.Tensor) -> torch.Tensor:
    """Root mean square error of each stem relative to all stems together, averaged."""
    error = (estimate - stems).square().sum(dim=(2, 3))
    scale = stems.square().sum(dim=(1, 2, 3))[:, None]
    return (error / (scale + 1e-6) + 1e-6).sqrt().mean()


def learning_rate(progress: float) -> float:
    """Linear warm-up, then half a cosine; `progress` from 0 to 1."""
    if progress < WARM_UP:
        return PEAK_RATE * (progress / WARM_UP + 0.01)
    along = (progress - WARM_UP) / (1 - WARM_UP)
    return PEAK_RATE * (0.5 + 0.5 * math.cos(math.pi * min(1.0, along)))


def train(
    model: HTDemucs, pool: NDArray[np.float16], device: str, minutes: float, steps: int
) -> HTDemucs:
    """Minimise the distance for `steps`, or for `minutes` when steps is 0; gives the average."""
    rng = np.random.default_rng(SEED)
    model.to(device).train()
    first = np.stack([example(pool, rng) for _ in range(2)])
    even_out(model, torch.from_numpy(first.sum(axis=1)).to(device))
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY, betas=(0.9, 0.99))
    begun, step, losses = time.monotonic(), 0, [1.0]
    while True:
        elapsed = time.monotonic() - begun
        progress = step / steps if steps else elapsed / (60 * minutes)
        if step % 100 == 0 or progress >= 1:
            print(f"step {step}, {elapsed:.0f} s, loss {np.mean(losses):.4f}", flush=True)
            losses.clear()
        if progress >= 1:
            break
        stems = torch.from_numpy(example(pool, rng))[None].to(device)
        loss = distance(model(stems.sum(dim=1)), stems)
        optimiser.param_groups[0]["lr"] = learning_rate(progress)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        losses.append(loss.item())
        step += 1
        keep = min(AVERAGING, step / (step + 10))
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
    return average


def export(model: HTDemucs, out: Path) -> Path:
    """Write the weights in half precision with the metadata that `demucs.hf` reads."""
    tensors = {name: value.half().contiguous() for name, value in model.cpu().state_dict().items()}
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].numpy().tobytes())
    segment = SETTINGS["segment"]
    fraction = {
        "_type": "fraction",
        "numerator": segment.numerator,
        "denominator": segment.denominator,
    }
    metadata = {
        "klass": "demucs.htdemucs.HTDemucs",
        "args": json.dumps([]),
        "kwargs": json.dumps(SETTINGS | {"segment": fraction}),
    }
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.safetensors"):
        old.unlink()
    path = out / f"{digest.hexdigest()[:8]}.safetensors"
    save_file(tensors, path, metadata)
    (out / "tiny.yaml").write_text(f"models: ['{path.stem}']\n")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the tiny separation model of the tests.")
    parser.add_argument("--device", default="cpu", help="torch device (%(default)s)")
    parser.add_argument("--minutes", type=float, default=30.0, help="length (%(default)s)")
    parser.add_argument("--steps", type=int, default=0, help="steps, instead of minutes")
    parser.add_argument("--songs", type=int, default=320, help="songs to make (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    chosen = parser.parse_args()
    begun = time.monotonic()
    pool = synthesise(chosen.songs, multiprocessing.cpu_count())
    print(f"{chosen.songs} songs in {time.monotonic() - begun:.0f} s", flush=True)
    model = train(build(), pool, chosen.device, chosen.minutes, chosen.steps)
    print(export(model, chosen.out), sum(p.numel() for p in model.parameters()), "parameters")


if __name__ == "__main__":
    main()
