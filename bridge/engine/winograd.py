"""Convolutions with three taps along the bins of a spectrum, in half the multiplications.

That is Winograd's minimal filtering F(4, 3): six products for four results, where each result by
itself takes three. They are the values of a product of polynomials at 0, 1, -1, 2, -2 and infinity,
in this order below. Matrices after Lavin and Gray, "Fast algorithms for convolutional neural
networks" (CVPR 2016). Along the other axis taps stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as all of torch's users call it
from torch import Tensor

TILE = 4
"""Neighbouring results that are made from the same products."""

_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
"""What each product takes of the three taps."""

_EVERYWHERE = 1
"""The product that all four results take once: what is added to it is added to them."""


def fits(layer: Any, x: Tensor) -> bool:
    """Whether a convolution over (B, C, F, T) can be computed this way."""
    if x.dim() != 4 or x.shape[2] % TILE:
        return False
    plain = (layer.stride, layer.dilation, layer.groups) == ((1, 1), (1, 1), 1)
    return plain and (layer.kernel_size[0], layer.padding[0]) == (3, 1)


def inputs(x: Tensor) -> list[Tensor]:
    """For each of six products what it takes of `x` (B, C, F, T): (B, C, F / 4, T).

    All are read and written with channels last, so that rows of bins are whole stretches of memory.
    """
    batch, channels, bins, frames = x.shape
    tiles = x.permute(0, 2, 3, 1).reshape(batch, bins // TILE, TILE, frames, channels)
    b, c, d, e = (tiles[:, :, row] for row in range(TILE))
    outside = x.new_zeros(batch, 1, frames, channels)
    a = torch.cat([outside, e[:, :-1]], 1)
    f = torch.cat([b[:, 1:], outside], 1)
    even, odd, outer, inner = e - 4 * c, d - 4 * b, e - c, 2 * (d - b)
    made = [
        4 * a - 5 * c + e,
        even + odd,
        even - odd,
        outer + inner,
        outer - inner,
        4 * b - 5 * d + f,
    ]
    return [one.permute(0, 3, 1, 2) for one in made]


def _kernels(weight: Tensor) -> Tensor:
    """Weights (6, O, C, 1, K) of the six products, of those of a convolution (O, C, 3, K)."""
    matrix = torch.tensor(_KERNEL, dtype=torch.float64)
    return torch.einsum("pt,octk->pock", matrix, weight.double()).to(weight.dtype)[:, :, :, None]


def rows(given: Sequence[Tensor], weight: Tensor, bias: Tensor, padding: int) -> list[Tensor]:
    """Each fourth bin of a convolution, from the first, second, third and fourth on.

    given: its six `inputs`. weight: (O, C, 3, K). bias: (O,). padding: along the frames. Each of
    the four is (B, O, F / 4, T).
    """
    added = [bias if number == _EVERYWHERE else None for number in range(len(given))]
    at_0, at_1, at_minus_1, at_2, at_minus_2, at_infinity = (
        F.conv2d(x, kernel, extra, padding=(0, padding))
        for x, kernel, extra in zip(given, _kernels(weight), added, strict=True)
    )
    sum_1, difference_1 = at_1 + at_minus_1, at_1 - at_minus_1
    sum_2, difference_2 = at_2 + at_minus_2, at_2 - at_minus_2
    return [
        at_0 + sum_1 + sum_2,
        difference_1 + 2 * difference_2,
        sum_1 + 4 * sum_2,
        difference_1 + 8 * difference_2 + at_infinity,
    ]


def interleaved(rows: Sequence[Tensor]) -> Tensor:
    """All bins in their order, (B, O, N * F, T), of every N-th from each of the first N on."""
    batch, channels, bins, frames = rows[0].shape
    joined = torch.stack([one.permute(0, 2, 3, 1) for one in rows], 2)
    joined = joined.reshape(batch, bins * len(rows), frames, channels)
    return joined.permute(0, 3, 1, 2)
