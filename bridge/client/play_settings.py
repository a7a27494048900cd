"""How a file is played through a sidecar, in the words of the command that does so."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.client.settings import check_time, check_whole
from bridge.protocol import limits

RANDOM_LARGEST = 1024
"""Frames of the largest block where blocks are random: what a host that varies them announces."""


@dataclass(frozen=True)
class PlaySettings:
    """How a file is played.

    block: frames, 0 for random sizes up to `RANDOM_LARGEST`. rate: of the host in Hz, None for the
    file's. origin: file frame at which the hop grid starts. latency_ms: None for the smallest.
    latency_name: of LATENCY_PRESETS, in place of a number; "" for none.
    context: seconds of the window, None for all of it. seed: of the random sizes. preset: whose
    effects the stems pass in the sidecar, "" for none.
    Raises UsageError for values that cannot work.
    """

    block: int = 512
    rate: int | None = None
    origin: int = 0
    realtime: bool = False
    latency_ms: float | None = None
    latency_name: str = ""
    context: float | None = None
    seed: int = 0
    preset: str = ""

    def __post_init__(self) -> None:
        longest, way_out = limits.DURATION_US / 1e6, "leave it out"
        if self.rate is not None:
            check_whole("--rate", self.rate, limits.RATE_MIN, limits.RATE_MAX, f"Hz, or {way_out}")
        check_time("--latency", self.latency_ms, 0.001, longest * 1000, "ms, or auto")
        check_time("--context", self.context, 0.001, longest, f"s, or {way_out}")

    @property
    def latency(self) -> float | str | None:
        """As `StemStream` takes it."""
        return self.latency_name or self.latency_ms

    @property
    def largest(self) -> int:
        """Frames of the largest block."""
        return self.block or RANDOM_LARGEST
