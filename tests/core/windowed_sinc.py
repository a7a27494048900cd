"""The live resampler's filter by its definition, in double precision."""

import numpy as np

ATTENUATION = 126  # dB


def bands(source, target):
    """Hz up to where the filter is flat, and from where on it leaves nothing."""
    low = min(source, target)
    flat = min(20_000, low * 20_000 / 44_100)
    return flat, low - flat


def reach(source, target):
    """Half its length in source frames, after Kaiser."""
    flat, nothing = bands(source, target)
    width = 2 * np.pi * (nothing - flat) / source
    return (ATTENUATION - 8) / (2.285 * width) / 2


def weight(source, target, distance):
    """Share that a source frame `distance` source frames away has in a target frame."""
    beta = 0.1102 * (ATTENUATION - 8.7)
    share = min(source, target) / source
    square = 1 - (distance / reach(source, target)) ** 2
    window = np.i0(beta * np.sqrt(np.maximum(square, 0))) / np.i0(beta)
    return np.where(square > 0, share * np.sinc(share * distance) * window, 0)
