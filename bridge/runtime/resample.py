"""Streaming conversion of sample rates by soxr, trimmed or padded to the exact length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from bridge.core.rates import RateMap
from bridge.engine.base import Audio


def resampled(blocks: Iterator[Audio], rates: RateMap, frames: int) -> Iterator[Audio]:
    """Convert blocks of shape (C, n), float32, from `rates.source` to `rates.target` Hz.

    Gives exactly `frames` frames in all: soxr's own count is off by a frame or two at some rates,
    so that the end is trimmed or padded with zeros. Quality is soxr's VHQ. Frame 0 in is frame 0
    out. Without a change of rate the blocks pass untouched.
    """
    if rates.source == rates.target:
        yield from blocks
        return
    stream: soxr.ResampleStream | None = None
    left = frames
    channels = 0
    for block in blocks:
        if stream is None:
            channels = block.shape[0]
            stream = soxr.ResampleStream(
                rates.source, rates.target, channels, dtype="float32", quality="VHQ"
            )
        out = _run(stream, block, last=False)[:, :left]
        left -= out.shape[1]
        if out.shape[1]:
            yield out
    if stream is None:
        return
    out = _run(stream, np.zeros((channels, 0), np.float32), last=True)[:, :left]
    yield np.pad(out, ((0, 0), (0, left - out.shape[1])))


def _run(stream: soxr.ResampleStream, block: Audio, *, last: bool) -> Audio:
    out = stream.resample_chunk(np.ascontiguousarray(block.T), last=last)
    return np.ascontiguousarray(out.T, np.float32)


def rechunked(blocks: Iterator[Audio], size: int) -> Iterator[Audio]:
    """The same frames in blocks of exactly `size` frames; the last one may be shorter."""
    held: list[Audio] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += block.shape[1]
        if count < size:
            continue
        joined = np.concatenate(held, axis=1)
        whole = count - count % size
        for start in range(0, whole, size):
            yield joined[:, start : start + size]
        held, count = [joined[:, whole:]], count - whole
    if count:
        yield np.concatenate(held, axis=1)
