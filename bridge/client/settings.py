"""What a stream is asked to be, checked once when it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.core.latency_presets import LATENCIES, LATENCY_PRESETS, LatencyPreset
from bridge.errors import UsageError
from bridge.protocol import limits
from bridge.protocol.fields import clipped, shown
from bridge.protocol.messages import Configure, Configured, SavedPlan

LATE = ("dry", "silence")
PRECISIONS = ("exact", "fast")

FIXED = "spectral"
"""A model whose window and look-ahead are always the same, so that no name changes them."""


@dataclass(frozen=True)
class Settings:
    """One configuration of a stream. Raises UsageError for values that cannot work.

    rate: of the host, in Hz. block: most frames of a call. latency: in ms, `auto` for the smallest,
    or a name of LATENCY_PRESETS for the smallest with its window and look-ahead. context,
    lookahead: in seconds, None for those of the latency's name, or the model's. burst: frames that
    the host may run ahead of the clock, None for two blocks. late: what is heard in place of what
    is late. preset: whose effects the stems pass, "" for none.
    """

    rate: int
    block: int
    model: str = "spectral"
    latency: float | str | None = None
    channels: int = 2
    context: float | None = None
    lookahead: float | None = None
    burst: int | None = None
    residual: bool = True
    realtime: bool = True
    late: str = "dry"
    precision: str = "exact"
    preset: str = ""

    def __post_init__(self) -> None:
        longest = limits.DURATION_US / 1e6
        check_whole("rate", self.rate, limits.RATE_MIN, limits.RATE_MAX, "Hz")
        check_whole("block", self.block, 1, limits.BLOCK, "frames")
        check_whole("channels", self.channels, 1, limits.CHANNELS, "")
        if self.burst is not None:
            check_whole("burst", self.burst, 0, limits.SPAN_FRAMES, "frames, or None")
        if self.latency is not None and self.latency not in LATENCIES:
            names = ", ".join(LATENCIES)
            check_time("latency", self.latency, 0.001, longest * 1000, f"ms, or {names}")
        check_time("context", self.context, 0.001, longest, "s, or None for the model's")
        check_time("lookahead", self.lookahead, 0, longest, "s, or None for the model's")
        _one_of("late", self.late, LATE)
        _one_of("precision", self.precision, PRECISIONS)
        for name in ("residual", "realtime"):
            _one_of(name, getattr(self, name), (True, False))
        named = isinstance(self.model, str) and self.model.strip()
        if not named or clipped(self.model) != self.model:
            raise UsageError(f"model {shown(self.model)} names no model; leave it out, or name one")
        if not isinstance(self.preset, str) or clipped(self.preset) != self.preset:
            raise UsageError(f"preset {shown(self.preset)} is no name; leave it out, or name one")

    @property
    def _named(self) -> LatencyPreset | None:
        """The preset that the latency names; None where it asks for nothing of its own."""
        named = LATENCY_PRESETS.get(self.latency) if isinstance(self.latency, str) else None
        return None if named == LATENCY_PRESETS["balanced"] else named

    @property
    def in_model_frames(self) -> bool:
        """Whether something has to be said in frames at a rate that only the server knows."""
        given = self.context is not None or self.lookahead is not None
        return given or self._named is not None

    def inquiry(self, session: int, request: int) -> Configure:
        """The message that asks for any plan of the model: to learn its rate."""
        return Configure(
            session,
            request,
            self.rate,
            self.block,
            self.channels,
            self.model,
            self.precision,
            latency_us=0,
            burst=-1 if self.burst is None else self.burst,
            context=0,
            lookahead=-1,
            transport_us=0,
            residual=self.residual,
            realtime=False,
            preset=self.preset,
        )

    def configure(
        self,
        transport_us: int,
        model: Configured | None,
        saved: SavedPlan | None,
        session: int,
        request: int,
    ) -> Configure:
        """The message that asks for this; `model` is the answer to the inquiry, if one was made."""
        ms = 0.0 if self.latency is None or self.latency in LATENCIES else float(self.latency)
        return replace(
            self.inquiry(session, request),
            latency_us=round(ms * 1000),
            context=self._context(model),
            lookahead=self._lookahead(model),
            transport_us=transport_us,
            realtime=self.realtime,
            saved=saved,
        )

    def _context(self, model: Configured | None) -> int:
        if model is None:
            return 0
        if self.context is not None:
            return round(self.context * model.plan.model_rate)
        named = self._named if model.model != FIXED else None
        return named.context(model.plan.window) if named else 0

    def _lookahead(self, model: Configured | None) -> int:
        if model is None:
            return -1
        if self.lookahead is not None:
            return round(self.lookahead * model.plan.model_rate)
        named = self._named if model.model != FIXED else None
        return named.lookahead_at(model.plan.model_rate) if named else -1


def check_whole(name: str, value: object, low: int, high: int, unit: str) -> None:
    """Raise UsageError unless `value` is a whole number in this range."""
    if type(value) is not int:
        raise UsageError(f"{name} {value!r} is no int; use {low} to {high} {unit}".rstrip())
    if not low <= value <= high:
        raise UsageError(f"{name} {value} is out of range; use {low} to {high} {unit}".rstrip())


def check_time(name: str, value: object, low: float, high: float, unit: str) -> None:
    """Raise UsageError unless `value` is None or a number in this range."""
    if value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise UsageError(f"{name} {value!r} is out of range; use {low:g} to {high:g} {unit}")


def _one_of(name: str, value: object, known: tuple[object, ...]) -> None:
    if not any(value is one or (isinstance(one, str) and value == one) for one in known):
        options = ", ".join(map(str, known))
        raise UsageError(f"{name} {shown(value)} is unknown; use one of {options}")
