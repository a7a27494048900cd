"""HDemucs and HTDemucs in three steps, so that the middle one can run on another engine.

A window's way: `split` makes its spectrogram and its waveform and normalises both -> a core, which
is the network proper, maps them to those of every stem -> `join` scales back, inverts the
spectrogram and adds the two up. What the network loses in precision is lost in the core alone.

The order of the layers is that of `HTDemucs.forward` and `HDemucs.forward` in demucs 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from demucs.transformer import create_2d_sin_embedding
from torch import Tensor, nn

EPSILON = 1e-5
"""Added to what normalisation divides by, as demucs does."""


MARGIN = 4
"""Frames of a spectrogram beside those wanted: each is heard for two hops around its middle, which
old networks of the kind HDemucs place two hops late."""


class Core(Protocol):
    """Runs the network proper, on whatever engine."""

    def __call__(self, spectrum: Tensor, wave: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, 2 C, F, T) and (B, C, n), normalised, to (B, 2 S C, F, T) and (B, S C, n)."""
        ...


@dataclass(frozen=True)
class Scale:
    """What normalisation took away: of shape (B, 1, 1, 1) and (B, 1, 1)."""

    spectrum_mean: Tensor
    spectrum_std: Tensor
    wave_mean: Tensor
    wave_std: Tensor


def has_core(network: Any) -> bool:
    """True for the networks that `split` and `join` serve: all published ones but time-only."""
    return bool(getattr(network, "cac", False)) and bool(getattr(network, "hybrid", True))


def split(network: Any, mix: Tensor) -> tuple[Tensor, Tensor, Scale]:
    """The normalised spectrogram and waveform of windows (B, C, n), and their scale."""
    spectrum = network._magnitude(network._spec(mix))  # noqa: SLF001 - it has no public way
    means, stds = spectrum.mean((1, 2, 3), keepdim=True), spectrum.std((1, 2, 3), keepdim=True)
    mean, std = mix.mean((1, 2), keepdim=True), mix.std((1, 2), keepdim=True)
    normal = (spectrum - means) / (EPSILON + stds)
    return normal, (mix - mean) / (EPSILON + std), Scale(means, stds, mean, std)


def join(
    network: Any, spectrum: Tensor, wave: Tensor, scale: Scale, wanted: slice = slice(None)
) -> Tensor:
    """Stems (B, S, C, T) of what a core gave for windows of n frames: the T frames `wanted`.

    Only the part of the spectrogram that reaches them is inverted, which makes no difference but
    in rounding. wanted: without a step.
    """
    batch, _, bins, frames = spectrum.shape
    sources, length = len(network.sources), wave.shape[-1]
    start, stop, _ = wanted.indices(length)
    hop = network.hop_length
    first = max(0, start // hop - MARGIN)
    last = min(frames, -(-stop // hop) + MARGIN)
    begin, end = first * hop, length if last == frames else last * hop
    spectra = spectrum.view(batch, sources, -1, bins, frames)[..., first:last]
    waves = wave.view(batch, sources, -1, length)[..., start:stop]
    stems = torch.empty(waves.shape, dtype=torch.float32, device=waves.device)
    # One by one, as what inverting one takes is several times what it gives.
    for source in range(sources):
        one = spectra[:, source : source + 1].float()
        one = one * scale.spectrum_std[:, None] + scale.spectrum_mean[:, None]
        heard = network._ispec(network._mask(None, one), end - begin)[:, 0]  # noqa: SLF001 - as above
        stem = waves[:, source].float() * scale.wave_std + scale.wave_mean
        stems[:, source] = stem + heard[..., start - begin : stop - begin]
    return stems


class Part(nn.Module):
    """One stretch of a core. The first `takes` tensors go in, and what comes out replaces them.

    low_precision: whether `fast` runs it in bfloat16.
    """

    takes = 2
    low_precision = False

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network


class _Encoder(Part):
    """Some layers on the way to the middle; what skips it goes from them to a decoder.

    layers: of the encoder, from the outermost. lengths, wave_lengths: frames before each.
    """

    def __init__(self, network: Any, layers: range, *, low_precision: bool = False) -> None:
        super().__init__(network)
        self.layers = layers
        self.low_precision = low_precision
        self.lengths: list[int] = []
        self.wave_lengths: list[int] = []

    def forward(self, spectrum: Tensor, wave: Tensor) -> tuple[Tensor, ...]:
        network = self.network
        self.lengths, self.wave_lengths = [], []
        skips: list[Tensor] = []
        wave_skips: list[Tensor] = []
        for layer in self.layers:
            self.lengths.append(spectrum.shape[-1])
            inject = None
            if layer < len(network.tencoder):
                self.wave_lengths.append(wave.shape[-1])
                wave = network.tencoder[layer](wave)
                if network.tencoder[layer].empty:
                    inject = wave  # the branches merge here
                else:
                    wave_skips.append(wave)
            spectrum = network.encoder[layer](spectrum, inject)
            if layer == 0 and network.freq_emb is not None:
                bins = torch.arange(spectrum.shape[-2], device=spectrum.device)
                places = network.freq_emb(bins).t()[None, :, :, None]
                spectrum = spectrum + network.freq_emb_scale * places
            skips.append(spectrum)
        return spectrum, wave, *skips, *wave_skips


class _Middle(Part):
    """The transformer, or what stands in its place."""

    def forward(self, spectrum: Tensor, wave: Tensor) -> tuple[Tensor, ...]:
        network = self.network
        if not hasattr(network, "crosstransformer"):  # HDemucs: all goes through the skips
            zeros = torch.zeros_like(spectrum)
            return zeros, zeros
        if not network.crosstransformer:
            return spectrum, wave
        if network.bottom_channels:
            bins = spectrum.shape[2]
            spectrum = network.channel_upsampler(spectrum.flatten(2)).unflatten(2, (bins, -1))
            wave = network.channel_upsampler_t(wave)
        spectrum, wave = _transform(network.crosstransformer, spectrum, wave)
        if network.bottom_channels:
            bins = spectrum.shape[2]
            spectrum = network.channel_downsampler(spectrum.flatten(2)).unflatten(2, (bins, -1))
            wave = network.channel_downsampler_t(wave)
        return spectrum, wave


def _transform(transformer: Any, spectrum: Tensor, wave: Tensor) -> tuple[Tensor, Tensor]:
    """What a transformer of both branches makes of (B, C, F, T) and (B, C, n).

    As its own `forward`, which works out the places in a spectrogram anew each time, on the CPU.
    """
    channels, bins, frames = spectrum.shape[1:]
    places = _places(transformer, spectrum)
    weight = transformer.weight_pos_embed
    x = transformer.norm_in(spectrum.transpose(1, 3).flatten(1, 2)) + weight * places
    wave = wave.transpose(1, 2)
    batch, length, _ = wave.shape
    times = transformer._get_pos_embedding(length, batch, channels, wave.device)  # noqa: SLF001
    y = transformer.norm_in_t(wave) + weight * times.transpose(0, 1)
    layers = zip(transformer.layers, transformer.layers_t, strict=True)
    for index, (one, other) in enumerate(layers):
        if index % 2 == transformer.classic_parity:
            x, y = one(x), other(y)
        else:
            x, y = one(x, y), other(y, x)
    return x.unflatten(1, (frames, bins)).transpose(1, 3), y.transpose(1, 2)


_PLACES: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], Tensor]] = WeakKeyDictionary()


def _places(transformer: Any, spectrum: Tensor) -> Tensor:
    """Where in a spectrogram is what, (1, T F, C), on its device: the same as long as the network.

    A recording of CUDA reads it where it was, so that it must never be dropped before.
    """
    key = (*spectrum.shape[1:], spectrum.device, transformer.max_period)
    kept = _PLACES.setdefault(transformer, {})
    if key not in kept:
        make: Any = create_2d_sin_embedding
        with torch.inference_mode(mode=False):  # what is traced may not be of inference
            kept.setdefault(key, make(*key).transpose(1, 3).flatten(1, 2))
    return kept[key]


class _Decoder(Part):
    """The layers that undo those of an encoder, which ran on the same windows before."""

    def __init__(self, network: Any, encoder: _Encoder) -> None:
        super().__init__(network)
        self.encoder = [encoder]  # in a list, as it is no part of this one
        self.low_precision = encoder.low_precision
        merged = len(network.tencoder)
        waves = sum(not network.tencoder[n].empty for n in encoder.layers if n < merged)
        self.takes = 2 + len(encoder.layers) + waves

    def forward(self, spectrum: Tensor, wave: Tensor, *skipped: Tensor) -> tuple[Tensor, ...]:
        network, encoder = self.network, self.encoder[0]
        count = len(encoder.layers)
        skips, wave_skips = list(skipped[:count]), list(skipped[count:])
        lengths, wave_lengths = list(encoder.lengths), list(encoder.wave_lengths)
        for layer in reversed(encoder.layers):
            decode = network.decoder[network.depth - 1 - layer]
            spectrum, before = decode(spectrum, skips.pop(), lengths.pop())
            if layer >= len(network.tdecoder):
                continue
            unmix = network.tdecoder[len(network.tdecoder) - 1 - layer]
            if unmix.empty:  # the branches part here
                wave, _ = unmix(before[:, :, 0], None, wave_lengths.pop())
            else:
                wave, _ = unmix(wave, wave_skips.pop(), wave_lengths.pop())
        return spectrum, wave


def parts(network: Any) -> tuple[Part, ...]:
    """A core in stretches of one precision each; `run_parts` runs them.

    In bfloat16 the outermost layers lose most, as they hear the input and give the output, and do
    little of the work; attention loses much as well.
    """
    outer = _Encoder(network, range(1))
    inner = _Encoder(network, range(1, network.depth), low_precision=True)
    middle = _Middle(network)
    return outer, inner, middle, _Decoder(network, inner), _Decoder(network, outer)


class TorchCore(Part):
    """All of a core in one, as torch runs it and as other engines convert it."""

    def __init__(self, network: Any) -> None:
        super().__init__(network)
        self._parts = parts(network)

    def forward(self, spectrum: Tensor, wave: Tensor) -> tuple[Tensor, Tensor]:
        """See `Core`."""
        spectrum, wave = run_parts(self._parts, (spectrum, wave))
        return spectrum, wave


def run_parts(stretch: Iterable[Any], given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Call parts, or what stands for them and has their `takes`, one after the other."""
    for part in stretch:
        given = (*part(*given[: part.takes]), *given[part.takes :])
    return given
