"""What Python scripts use: `bridge.separate` for arrays, and `bridge.bounce` for files."""

from __future__ import annotations

import numbers
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from bridge.config import BounceSettings
from bridge.core.mix import mix_stems, residual
from bridge.core.rates import RateMap
from bridge.engine.base import Audio, Ensemble
from bridge.engine.offline import OfflineRun, Settings
from bridge.errors import InputError, UsageError
from bridge.runtime.effects import nearest
from bridge.runtime.models import Models
from bridge.runtime.outputs import plan_outputs, stems_needed
from bridge.runtime.preset import Preset
from bridge.runtime.resample import resampled

if TYPE_CHECKING:
    from bridge.runtime.bounce import Progress, Result

_BLOCK = 1 << 16
_FASTEST = 384_000  # what spectral works at; resamplers would take any memory beyond
_SEPARATION = (
    *("stems", "two_stems", "residual", "overlap", "shifts", "seed", "precision"),
    *("device", "batch", "allow_pickle"),
)


def separate(
    audio: ArrayLike,
    rate: int,
    model: str = "auto",
    *,
    warn: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> dict[str, Audio]:
    """Separate an array into stems.

    Parameters: `audio`, full scale 1.0, of shape (C, T) as pedalboard has it, or (T,) for mono;
    `rate` in Hz, a whole number; `model` as for `stembridge bounce`; `settings` are those fields of
    `bridge.config.BounceSettings` that concern separation: stems, two_stems, residual, overlap,
    shifts, seed, precision, device, batch and allow_pickle; `warn` gets lines of words.

    Returns stems by name, each (C, T), float32. They sum to `audio`, since `other` is what the
    others leave of it; with residual="off" it is what the model says. A mono array gives stems of
    shape (1, T).

    Raises InputError for an array that is no such audio, UsageError for a rate or settings that
    cannot work, and ModelError for a model that cannot be had; nothing is fetched
    (`stembridge models fetch NAME` does that).
    """
    _check_names("bridge.separate", settings, _SEPARATION)
    chosen = BounceSettings(model=model, **settings)
    rate = _as_rate(rate)
    signal = _as_audio(audio)
    models = Models(chosen, lambda *_: None)
    ensemble = models.load(rate)
    for text in models.warnings:
        warn(text)
    sources = ensemble.first.sources
    outputs = plan_outputs(sources, chosen)
    needed = stems_needed(sources, outputs)
    models.prepare(ensemble, needed, warn)
    stems = dict(zip(needed, _run(signal, rate, ensemble, needed, models, chosen), strict=True))
    ones = dict.fromkeys(stems, 1.0)
    given = {
        output.name: mix_stems({part: stems[part] for part in output.parts}, ones)
        for output in outputs
        if output.parts
    }
    rest = residual(signal, given).astype(np.float32)
    return {output.name: given.get(output.name, rest) for output in outputs}


def bounce(
    path: str | os.PathLike[str],
    preset: str | os.PathLike[str] | Preset | None = None,
    output: str | os.PathLike[str] = "stems",
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> Result:
    """Separate the song in a file into files below the folder `output`.

    Parameters: `preset`, its name, its file, or a `bridge.Preset`; `settings` are fields of
    `bridge.config.BounceSettings`, such as model or overwrite, and win over the preset; `progress`
    and `warn` are called as the work goes on.

    Returns a result whose `paths` has each file by its name and `manifest` what docs/MANIFEST.md
    describes. Raises what `stembridge bounce` shows as errors, all `bridge.errors.BridgeError`.
    """
    from bridge.runtime.bounce import bounce as bounce_file

    _check_names("bridge.bounce", settings, [field.name for field in fields(BounceSettings)])
    chosen = preset if preset is None or isinstance(preset, Preset) else Preset.load(preset)
    wanted = BounceSettings(**settings) if chosen is None else chosen.settings(settings)
    models = Models(wanted, lambda *_: None)
    for text in models.warnings:
        warn(text)
    song, folder = Path(path), Path(output)
    return bounce_file(song, folder, wanted, models, preset=chosen, progress=progress, warn=warn)


def _check_names(function: str, settings: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in settings:
        if name not in known:
            listed = ", ".join(known)
            hint = "; files are for bridge.bounce" if hasattr(BounceSettings, name) else ""
            raise UsageError(
                f"{function} takes no {name}{nearest(name, known)}; it takes {listed}{hint}"
            )


def _as_rate(rate: Any) -> int:
    """pedalboard has some rates as floats."""
    hertz = float(rate) if isinstance(rate, numbers.Real) else 0.0
    if 1 <= hertz <= _FASTEST and hertz.is_integer():
        return int(hertz)
    raise UsageError(
        f"rate {rate!r} is no sample rate; give Hz as a whole number up to {_FASTEST}, such as "
        "44100"
    )


def _as_audio(audio: ArrayLike) -> Audio:
    signal = np.asarray(audio)
    signal = signal[None] if signal.ndim == 1 else signal
    if signal.ndim != 2 or signal.shape[0] not in (1, 2) or not signal.shape[1]:
        raise InputError(
            f"an array of shape {np.shape(audio)} is no audio; give (channels, frames) with one "
            "or two channels"
        )
    if not np.issubdtype(signal.dtype, np.floating) or not np.isfinite(signal).all():
        raise InputError(
            f"an array of {signal.dtype} with whole numbers, NaN or infinity is no audio; "
            "give finite floats, full scale 1.0"
        )
    return np.ascontiguousarray(signal, np.float32)


def _run(
    signal: Audio,
    rate: int,
    ensemble: Ensemble,
    stems: tuple[str, ...],
    models: Models,
    chosen: BounceSettings,
) -> Audio:
    """The stems (S, C, T) at `rate`."""
    rates = RateMap(rate, ensemble.first.rate)
    channels, frames = signal.shape
    wanted = Settings(stems, chosen.overlap, chosen.shifts, chosen.seed, models.batch)
    run = OfflineRun(ensemble, rates.frames(frames), wanted)
    stereo = np.repeat(signal, 2, axis=0) if channels == 1 else signal

    def separated() -> Iterator[Audio]:
        blocks = (stereo[:, at : at + _BLOCK] for at in range(0, frames, _BLOCK))
        for chunk in run.run(resampled(blocks, rates, rates.frames(frames))):
            one = chunk.stems.mean(axis=1, keepdims=True) if channels == 1 else chunk.stems
            yield one.reshape(len(stems) * channels, -1)

    back = np.concatenate(list(resampled(separated(), rates.inverse, frames)), axis=1)
    return back.reshape(len(stems), channels, frames)
