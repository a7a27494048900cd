"""Layers of HDemucs and HTDemucs as OpenVINO runs them best: with channels last in memory.

Its convolutions lay their results out so. Where a layer of demucs reorders or normalises what a
convolution gave, OpenVINO copies it into the order of the axes and back: an eighth of the time of
a window on a CPU with AVX2. Here the same arithmetic is written so that nothing is copied, and
convolutions with three taps along the bins take half the multiplications.
"""

from __future__ import annotations

import copy
from typing import Any

import torch.nn.functional as F  # noqa: N812 - as all of torch's users call it
from demucs.hdemucs import HDecLayer, HEncLayer, MultiWrap
from demucs.transformer import MyGroupNorm
from torch import Tensor, nn

from bridge.engine import winograd


def channels_last(network: Any, *, tiled: bool) -> Any:
    """`network` with the layers below in place of those that they stand for.

    It is another one, which shares the weights. Layers of other kinds, such as those of HDemucs
    with an LSTM in them, stay what they are. tiled: convolve as `winograd` has it, where that is
    possible. Its sums are larger than the results, which single precision has room for.
    """
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    made = copy.deepcopy(network, shared)
    _replace_children(made)
    for module in made.modules():
        if isinstance(module, _Gated):
            module.tiled = tiled
    return made


def _replace_children(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, MultiWrap):  # it looks into its layers
            continue
        setattr(module, name, made := _in_place_of(child))
        if made is child:
            _replace_children(child)


def _in_place_of(module: nn.Module) -> nn.Module:
    if type(module) is HEncLayer and _encodes(module):
        return Encode(module)
    if type(module) is HDecLayer and _decodes(module):
        return Decode(module)
    if type(module) is MyGroupNorm and module.num_groups == 1:
        return Normalise(module)
    return module


def _is_bare(layer: Any) -> bool:
    """Whether a layer is a convolution, a gated one, and no norm between them."""
    if layer.empty or not layer.rewrite:
        return False
    return isinstance(layer.norm1, nn.Identity) and isinstance(layer.norm2, nn.Identity)


def _encodes(layer: Any) -> bool:
    return _is_bare(layer) and bool(layer.dconv) and all(map(_is_plain, layer.dconv.layers))


def _is_plain(block: Any) -> bool:
    """Whether a block of `DConv` has no LSTM or attention in it, but has its norms."""
    kinds = [type(module).__name__ for module in block]
    return all(getattr(module, "num_groups", 1) == 1 for module in block) and kinds in (
        ["Conv1d", "GroupNorm", activation, "Conv1d", "GroupNorm", "GLU", "LayerScale"]
        for activation in ("GELU", "ReLU")
    )


def _decodes(layer: Any) -> bool:
    return _is_bare(layer) and not layer.dconv and layer.kernel_size % layer.stride == 0


class Normalise(nn.Module):
    """`GroupNorm` of a single group over (B, T, C) with channels last: over T and C together."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, T, C), as what it gives."""
        batch, frames, channels = x.shape
        # What is summed up in which order is free. OpenVINO adds up each row by itself, and then
        # the rows: with one row of all of it 35 dB were lost, and more.
        rows = x.reshape(batch, channels, frames)
        normal = F.layer_norm(rows, (channels, frames), eps=self.eps)
        return normal.reshape(x.shape) * self.weight + self.bias


class _Block(nn.Module):
    """A block of `DConv` and what goes around it, over (B, T, C) with channels last."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.narrow, first, self.activation, self.widen, self.second, _, scale = block
        self.first = Normalise(first)
        self.scale: Tensor = scale.scale

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, T, C), as what it gives."""
        y = self.narrow(x.transpose(1, 2)).transpose(1, 2)
        value, gate = self._halves(self.activation(self.first(y)))
        added: Tensor = self.scale * (value * gate.sigmoid())
        return x + added

    def _halves(self, y: Tensor) -> list[Tensor]:
        """The halves of what is widened and normalised, which is never there as a whole.

        Its mean and variance follow from those of `y`, which has fewer channels by far. With the
        weights W of N channels, the variance is the mean of c' (W'W / N) c over the frames, where c
        is how `y` differs from its mean, and that of the means of the N channels among each other.
        """
        weight, bias, norm = self.widen.weight[:, :, 0], self.widen.bias, self.second
        mean = y.mean(1, keepdim=True)
        # OpenVINO adds up one number after the other: of a long time some of the mean is left.
        mean = mean + (y - mean).mean(1, keepdim=True)
        centred = y - mean
        gram = (weight.double().T @ weight.double() / weight.shape[0]).to(weight.dtype)
        within = _mean_over_frames(F.linear(centred, gram) * centred)
        means = F.linear(mean, weight, bias)
        middle = means.mean(2, keepdim=True)
        among = (means - middle).square().mean(2, keepdim=True)
        factor = (within.clamp(min=0) + among + norm.eps).rsqrt()
        whole = (weight, bias, norm.weight, norm.bias)
        parts = zip(*(one.chunk(2) for one in whole), strict=True)
        return [
            (F.linear(y, gain[:, None] * taps, gain * offset) - middle * gain) * factor + shift
            for taps, offset, gain, shift in parts
        ]


def _mean_over_frames(x: Tensor) -> Tensor:
    """The sum over the channels of means over the frames: (B, T, C) to (B, 1, 1).

    By rows as in `Normalise`, as it makes no difference which numbers a row has.
    """
    batch, frames, channels = x.shape
    return x.reshape(batch, channels, frames).mean(2, keepdim=True).sum(1, keepdim=True)


class _Gated(nn.Module):
    """A convolution and `GLU`, without a copy of either half: (B, C, ...) to (B, C', ...)."""

    def __init__(self, convolution: Any) -> None:
        super().__init__()
        self.convolution = convolution
        self.tiled = False

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        layer = self.convolution
        halves = zip(layer.weight.chunk(2), layer.bias.chunk(2), strict=True)
        if self.tiled and winograd.fits(layer, x):
            given, padding = winograd.inputs(x), layer.padding[1]
            rows = (winograd.rows(given, weight, bias, padding) for weight, bias in halves)
            return winograd.interleaved([v * g.sigmoid() for v, g in zip(*rows, strict=True)])
        run = F.conv2d if layer.weight.dim() == 4 else F.conv1d
        value, gate = (
            run(x, weight, bias, layer.stride, layer.padding, layer.dilation)
            for weight, bias in halves
        )
        return value * gate.sigmoid()


class Encode(nn.Module):
    """What `HEncLayer` does."""

    empty = False

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.convolution = layer.conv
        self.stride, self.freq = layer.stride, layer.freq
        self.residual = nn.Sequential(*map(_Block, layer.dconv.layers))
        self.gated = _Gated(layer.rewrite)

    def forward(self, x: Tensor, inject: Tensor | None = None) -> Tensor:
        """See `HEncLayer.forward`."""
        if not self.freq:
            x = F.pad(x.flatten(1, -2), (0, -x.shape[-1] % self.stride))
        y = self.convolution(x)
        if inject is not None:
            y = y + (inject[:, :, None] if inject.dim() < y.dim() else inject)
        y = F.gelu(y)
        if self.freq:
            batch, channels, bins, frames = y.shape
            rows = y.permute(0, 2, 3, 1).reshape(batch * bins, frames, channels)
            y = self.residual(rows).reshape(batch, bins, frames, channels).permute(0, 3, 1, 2)
        else:
            y = self.residual(y.transpose(1, 2)).transpose(1, 2)
        gated: Tensor = self.gated(y)
        return gated


class Decode(nn.Module):
    """What `HDecLayer` does."""

    empty = False

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.transposed = layer.conv_tr
        self.freq, self.last, self.pad = layer.freq, layer.last, layer.pad
        self.inputs = layer.chin
        self.gated = _Gated(layer.rewrite)

    def forward(self, x: Tensor, skip: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """See `HDecLayer.forward`."""
        if self.freq and x.dim() == 3:
            x = x.view(len(x), self.inputs, -1, x.shape[-1])
        y = self.gated(x + skip)
        return self._in_bins(y) if self.freq else self._in_time(y, length), y

    def _activated(self, z: Tensor) -> Tensor:
        return z if self.last else F.gelu(z)

    def _in_bins(self, y: Tensor) -> Tensor:
        """A transposed convolution as one for each of `stride` neighbouring bins."""
        bias, weight = self.transposed.bias, self._taps()
        taps, phases = weight.shape[2], weight[..., None].unbind(3)
        z = winograd.interleaved(
            [
                self._activated(F.conv2d(y, one.transpose(0, 1), bias, padding=(taps - 1, 0)))
                for one in phases
            ]
        )
        return z[:, :, self.pad : z.shape[2] - self.pad]

    def _in_time(self, y: Tensor, length: int) -> Tensor:
        """A transposed convolution as one that gives `stride` frames at once, as channels."""
        bias, weight = self.transposed.bias, self._taps()
        inputs, outputs, taps, stride = weight.shape
        weight = weight.permute(3, 1, 0, 2).reshape(stride * outputs, inputs, taps)
        z = F.conv1d(y, weight, bias.repeat(stride), padding=taps - 1).transpose(1, 2)
        z = z.reshape(len(z), -1, outputs)[:, self.pad : self.pad + length]
        return self._activated(z.transpose(1, 2))

    def _taps(self) -> Tensor:
        """Weights (C, O, K / stride, stride) of the transposed convolution, the last taps first."""
        layer = self.transposed
        inputs, outputs, kernel = layer.weight.shape[:3]
        stride = layer.stride[0]
        weight: Tensor = layer.weight.reshape(inputs, outputs, kernel // stride, stride)
        return weight.flip(2)
