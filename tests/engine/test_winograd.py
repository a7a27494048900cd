"""Fewer multiplications give the same convolution."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bridge.engine import winograd


def numbers(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def convolved(x, weight, bias, padding):
    return winograd.interleaved(winograd.rows(winograd.inputs(x), weight, bias, padding))


@given(
    batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    tiles=st.integers(1, 5),
    taps=st.integers(1, 5),
    padding=st.integers(0, 3),
    frames=st.integers(5, 9),
)
def test_it_is_the_convolution_whatever_the_shapes(batch, channels, tiles, taps, padding, frames):
    x = numbers(1, batch, channels[0], 4 * tiles, frames)
    weight, bias = numbers(2, channels[1], channels[0], 3, taps), numbers(3, channels[1])
    expected = nn.functional.conv2d(x, weight, bias, padding=(1, padding))
    torch.testing.assert_close(convolved(x, weight, bias, padding), expected, rtol=0, atol=1e-10)


def test_one_bin_reaches_three():
    x = torch.zeros(1, 1, 12, 1, dtype=torch.float64)
    x[0, 0, 7] = 1
    weight, bias = torch.tensor([1.0, 10, 100]).double().reshape(1, 1, 3, 1), torch.zeros(1)
    found = convolved(x, weight, bias.double(), 0).flatten()
    expected = [0, 0, 0, 0, 0, 0, 100, 10, 1, 0, 0, 0]
    assert torch.allclose(found, torch.tensor(expected).double(), atol=1e-12)


def test_in_single_precision_it_loses_a_bit_or_two():
    x, weight, bias = numbers(1, 1, 96, 32, 20), numbers(2, 96, 96, 3, 3), numbers(3, 96)
    exact = nn.functional.conv2d(x, weight, bias, padding=1)
    found = convolved(x.float(), weight.float(), bias.float(), 1).double()
    plain = nn.functional.conv2d(x.float(), weight.float(), bias.float(), padding=1).double()
    errors = [float(((one - exact) ** 2).mean()) for one in (found, plain)]
    assert errors[0] <= 16 * errors[1]


@pytest.mark.parametrize(
    ("layer", "shape", "fits"),
    [
        (nn.Conv2d(2, 2, 3, 1, 1), (1, 2, 8, 5), True),
        (nn.Conv2d(2, 2, (3, 5), 1, (1, 2)), (1, 2, 8, 5), True),
        (nn.Conv2d(2, 2, 3, 1, 1), (1, 2, 6, 5), False),
        (nn.Conv2d(2, 2, 5, 1, 2), (1, 2, 8, 5), False),
        (nn.Conv2d(2, 2, 3, 1, 0), (1, 2, 8, 5), False),
        (nn.Conv2d(2, 2, 3, (2, 1), 1), (1, 2, 8, 5), False),
        (nn.Conv2d(2, 2, 3, (1, 2), 1), (1, 2, 8, 5), False),
        (nn.Conv2d(2, 2, 3, 1, 1, dilation=2), (1, 2, 8, 5), False),
        (nn.Conv2d(2, 2, 3, 1, 1, groups=2), (1, 2, 8, 5), False),
        (nn.Conv2d(2, 2, 1), (1, 2, 8, 5), False),
        (nn.Conv1d(2, 2, 3, 1, 1), (1, 2, 8), False),
    ],
)
def test_what_it_is_for(layer, shape, fits):
    assert winograd.fits(layer, torch.zeros(shape)) is fits
