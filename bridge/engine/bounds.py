"""Which arguments a demucs network may have, and within which bounds.

Bounds are far outside every published model and far inside what could hurt.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

_NAME = re.compile(r"[a-z0-9_]{1,32}")


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float, Fraction) and low <= value <= high


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _off(value: Any) -> bool:
    return value is False


def _names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= 16
        and len(set(map(str, value))) == len(value)
        and all(isinstance(name, str) and _NAME.fullmatch(name) for name in value)
    )


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 16 and all(map(_number(0, 1e6), value))


def _optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: value in names


_COMMON: dict[str, Callable[[Any], bool]] = {
    "sources": _names,
    "audio_channels": _whole(2, 2),
    "channels": _whole(1, 512),
    "growth": _number(1, 4),
    "depth": _whole(1, 8),
    "rewrite": _flag,
    "kernel_size": _whole(2, 64),
    "stride": _whole(1, 16),
    "context": _whole(0, 16),
    "norm_starts": _whole(0, 64),
    "norm_groups": _whole(1, 64),
    "dconv_mode": _whole(0, 3),
    "dconv_depth": _whole(-8, 8),
    "dconv_comp": _number(1, 64),
    "dconv_init": _number(0, 10),
    "rescale": _number(0, 10),
    "samplerate": _whole(8000, 192000),
    "segment": _number(0.1, 600),
}
_RECURRENT = {"dconv_attn": _whole(0, 64), "dconv_lstm": _whole(0, 64)}
_HYBRID: dict[str, Callable[[Any], bool]] = {
    "channels_time": _optional(_whole(1, 512)),
    "nfft": _whole(64, 65536),
    "wiener_iters": _whole(-1, 10),
    "end_iters": _whole(-1, 10),
    "wiener_residual": _flag,
    "cac": _flag,
    "multi_freqs": _optional(_numbers),
    "multi_freqs_depth": _whole(0, 16),
    "freq_emb": _optional(_number(0, 10)),
    "emb_scale": _number(0, 1000),
    "emb_smooth": _flag,
    "time_stride": _whole(1, 16),
    "context_enc": _whole(0, 16),
}
_TRANSFORMER: dict[str, Callable[[Any], bool]] = {
    "bottom_channels": _whole(0, 8192),
    "t_layers": _whole(0, 32),
    "t_emb": _one_of("sin", "cape", "scaled"),
    "t_hidden_scale": _number(0.1, 16),
    "t_heads": _whole(1, 64),
    "t_dropout": _number(0, 1),
    "t_max_positions": _whole(1, 100_000),
    "t_norm_in": _flag,
    "t_norm_in_group": _flag,
    "t_group_norm": _flag,
    "t_norm_first": _flag,
    "t_norm_out": _flag,
    "t_max_period": _number(1, 1e6),
    "t_weight_decay": _number(0, 10),
    "t_lr": _optional(_number(0, 10)),
    "t_layer_scale": _flag,
    "t_gelu": _flag,
    "t_weight_pos_embed": _number(0, 1000),
    "t_sin_random_shift": _whole(0, 100_000),
    "t_cape_mean_normalize": _flag,
    "t_cape_augment": _flag,
    "t_cape_glob_loc_scale": _numbers,
    "t_sparse_self_attn": _off,
    "t_sparse_cross_attn": _off,
    "t_mask_type": _one_of("diag", "jmask", "random", "global"),
    "t_mask_random_seed": _whole(0, 2**31),
    "t_sparse_attn_window": _whole(0, 100_000),
    "t_global_window": _whole(0, 100_000),
    "t_sparsity": _number(0, 1),
    "t_auto_sparsity": _off,
    "t_cross_first": _flag,
    "use_train_segment": _flag,
}
_TIME = {
    "lstm_layers": _whole(0, 8),
    "gelu": _flag,
    "glu": _flag,
    "normalize": _flag,
    "resample": _flag,
}
KNOWN = {
    "demucs.htdemucs.HTDemucs": _COMMON | _HYBRID | _TRANSFORMER,
    "demucs.hdemucs.HDemucs": _COMMON
    | _RECURRENT
    | _HYBRID
    | {"hybrid": _flag, "hybrid_old": _flag},
    "demucs.demucs.Demucs": _COMMON | _RECURRENT | _TIME,
}
