"""The spectral separator: needs no weights, is always there, and gives a preview.

One stream of code serves live and offline. Every mask depends on a bounded past, so a window that
begins early enough gives what an endless stream would give at the same frames.
"""

from __future__ import annotations

import numpy as np

from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.engine.spectral_masks import AHEAD, MEMORY, MaskMaker, apply
from bridge.engine.stft import DELAY_HOPS, SPREAD, Analysis, Spectra, Synthesis, hop_for

SOURCES = ("drums", "bass", "other", "vocals")

LOOKAHEAD_HOPS = 1 + AHEAD
"""Hops after its own that a hop of stems depends on: one is overlap-added, one serves the masks."""

CONTEXT_HOPS = SPREAD - 1 + MEMORY
"""Hops before its own that a hop of stems depends on."""

CHUNK_HOPS = 16
"""Hops worked on at once: enough to hide Python's cost, few enough to stay in the caches."""

SEGMENT_SECONDS = 10

_HALF = np.float32(0.5)


class SpectralStream:
    """Separates an endless signal hop by hop; holds the state from one block to the next.

    `hop` is the unit of blocks and `lookahead` the shift of the stems, in frames at `rate`.
    Raises UsageError for a rate outside 8 to 384 kHz.
    """

    def __init__(self, rate: int, channels: int = 2) -> None:
        self.hop = hop_for(rate)
        self.lookahead = LOOKAHEAD_HOPS * self.hop
        self._analysis = Analysis(self.hop, 2)
        self._masks = MaskMaker(rate, self.hop)
        self._synthesis = Synthesis(self.hop, 4)
        self._waiting: Spectra = np.zeros((AHEAD, 2, SPREAD * self.hop // 2 + 1), np.complex64)
        self._dry = np.zeros((channels, self.lookahead), np.float32)

    def process(self, block: Audio) -> Audio:
        """Stems of shape (S, C, n * hop), float32, of a block of shape (C, n * hop), float32.

        C is 1 or 2. They belong to the input `lookahead` frames earlier (zeros before the first);
        their sum is that input. How the signal is cut into blocks makes no difference.
        """
        step = CHUNK_HOPS * self.hop
        stems = np.empty((len(SOURCES), *block.shape), np.float32)
        for start in range(0, block.shape[1], step):
            self._fill(stems[..., start : start + step], block[:, start : start + step])
        return stems

    def _fill(self, stems: Audio, block: Audio) -> None:
        newest = self._analysis.push(_mid_and_side(block))
        mixes = np.concatenate([self._waiting, newest])
        self._waiting = mixes[-AHEAD:]
        parts = np.empty((newest.shape[0], 4, newest.shape[2]), np.complex64)
        masks = self._masks.push(newest)
        for index, part in enumerate(parts):
            apply(masks.drums[index], masks.bass[index], masks.vocals[index], mixes[index], part)
        signals = self._synthesis.push(parts)

        line = np.concatenate([self._dry, block], axis=1)
        self._dry = line[:, block.shape[1] :]
        np.add(signals[0], signals[1], out=stems[0, 0])
        np.subtract(signals[0], signals[1], out=stems[0, 1:])
        stems[1::2] = signals[2:, None]  # bass and vocals
        # The masks of `other` are what the rest leave over, so its samples are as well.
        np.subtract(line[:, : block.shape[1]], stems[0], out=stems[2])
        stems[2] -= signals[2] + signals[3]


class SpectralSeparator:
    """Median-filtered drums, low-band bass, centred and fresh vocals, and the rest.

    A `Separator` at any `rate` from 8 to 384 kHz. On top of that protocol it tells, in frames:
    `hop`, the grid on which it works; `lookahead`, how far into the future it reads for a whole
    hop; `context`, how far into the past; and `delay`, from an input frame to the same frame of
    the stems in a stream: `hop + lookahead`, at most 35 ms.
    Raises UsageError for any other rate.
    """

    name = "spectral"
    sources: tuple[str, ...] = SOURCES
    channels = 2
    overlap = 0.0
    streams = 1
    shares = False
    licence = "no weights; GPL-3.0-or-later, as Stem Bridge itself"
    preview = True
    weights_hash = ""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.hop = hop_for(rate)
        self.lookahead = LOOKAHEAD_HOPS * self.hop
        self.delay = DELAY_HOPS * self.hop
        self.context = CONTEXT_HOPS * self.hop
        self.segment = SEGMENT_SECONDS * rate // self.hop * self.hop

    def read_span(self, emit: Span) -> Span:
        """`emit` with context and look-ahead, widened to whole hops of the grid through frame 0."""
        hop = self.hop
        start = emit.start // hop * hop - self.context
        stop = -(-emit.stop // hop) * hop + self.lookahead
        return Span.between(start, stop)

    def warm_up(self) -> None:
        """Separate a hop of silence, as loops are compiled when they are first run."""
        self.stream().process(np.zeros((2, self.hop), np.float32))

    def stream(self, channels: int = 2) -> SpectralStream:
        """A fresh stream of the same separation, for live use."""
        return SpectralStream(self.rate, channels)

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:  # noqa: ARG002 - for others
        """Stems (B, S, C, T), float32, of windows (B, C, T), float32, at `rate`; C is 1 or 2.

        Frames of the first `context` and the last `lookahead` are those of a signal that begins
        and ends with the window; its first frame should lie on the grid of hops.
        """
        count, channels, length = batch.shape
        padded = -(-length // self.hop) * self.hop + self.lookahead
        stems = np.empty((count, len(SOURCES), channels, length), np.float32)
        for window, out in zip(batch, stems, strict=True):
            line = np.zeros((channels, padded), np.float32)
            line[:, :length] = window
            ready = self.stream(channels).process(line)
            out[...] = ready[..., self.lookahead : self.lookahead + length]
        return stems


def _mid_and_side(block: Audio) -> Audio:
    """Mid and side (2, n) of a block (C, n), float32; one channel is all mid."""
    both = np.empty((2, block.shape[1]), np.float32)
    np.add(block[0], block[-1], out=both[0])
    np.subtract(block[0], block[-1], out=both[1])
    both *= _HALF
    return both
