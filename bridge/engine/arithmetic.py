"""What networks compute in: float32 throughout, or less where a device is faster with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from threading import RLock

FLOAT32, TF32, BFLOAT16 = "float32", "tf32", "bfloat16"

FAST_ON_CUDA = TF32
"""TF32 keeps 10 bits of what is multiplied: 62 dB on the worst stem of htdemucs at full size with
random weights, by rounding on a CPU. The 7 bits of bfloat16 give 45."""

_FLAGS = RLock()
"""Held while work is handed to a CUDA device: which numbers it may use is one setting for all."""


def choose(device: str, precision: str) -> str:
    """What a network computes in there with a precision of `exact` or `fast`."""
    import torch

    if precision != "fast" or not has_low_precision(device):
        return FLOAT32
    return FAST_ON_CUDA if torch.device(device).type == "cuda" else BFLOAT16


def has_low_precision(device: str) -> bool:
    """Whether bfloat16 is any faster there: a CPU without it takes many times as long."""
    import torch

    if torch.device(device).type != "cpu":
        return True
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


@contextmanager
def arithmetic(kind: str, device: str) -> Iterator[None]:
    """Have torch compute in one of the above. Norms, softmax and sums stay in float32."""
    import torch

    target = torch.device(device).type
    with _FLAGS if target == "cuda" else nullcontext():
        # cuDNN convolutions use TF32 by default, which is only good to 70 dB.
        torch.backends.cudnn.allow_tf32 = kind == TF32
        torch.backends.cuda.matmul.allow_tf32 = kind == TF32
        if target == "cpu" and kind == FLOAT32:
            # The fused attention of torch 2.13 takes 7 times as long as the plain one there.
            torch.backends.mha.set_fastpath_enabled(value=False)
        # Without a cache of converted weights, as a recording of CUDA must not depend on one.
        low = partial(torch.autocast, target, torch.bfloat16, cache_enabled=False)
        with low() if kind == BFLOAT16 else nullcontext():
            yield
