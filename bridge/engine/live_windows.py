"""Live windows of networks, and of the fake: the newest frames of a stream, kept on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bridge.core.live_plan import LivePlan
from bridge.core.rates import RateMap
from bridge.core.traits import Traits
from bridge.engine.base import Audio, Ensemble, Separator
from bridge.engine.demucs import DemucsSeparator
from bridge.engine.fake import FakeSeparator
from bridge.engine.offline import is_out_of_memory
from bridge.errors import BridgeError, ModelError

LOOKAHEAD, AT_RATE = 4096, 44_100
"""93 ms of look-ahead: the newest 46 ms of a window rest on audio that HTDemucs mirrors at its end,
and hops fade over the other half."""

FAKE_LOOKAHEAD = 256
"""Frames beyond those that a fake must look ahead, so that its hops have something to fade over."""

FAKE_SECONDS = 2.0
"""Longest run of a fake: it computes where its worker answers, and a silent worker is restarted."""

FAKE_WINDOW = 1 << 20
"""Longest window of a fake, 22 s at 48 kHz: the stems of one run are 32 MB then."""

FAKE_RATES = (8000, 384_000)
"""Rates of a fake, in Hz: those that hosts have."""

PAST = 8
"""The part of a network's window that stays past context: it hears what goes on before a hop."""

_BATCH = {"cuda": 8, "mps": 2}
"""Windows worth running at once; on a CPU a second one gains nothing."""


class Window:
    """The newest `plan.window` frames of a stream, in one piece of the device's memory.

    `make(channels, frames)` gives zeros there, of NumPy or torch; `put` turns an array into what
    can be assigned to them. There is room for two windows, so that only every other one is moved.
    """

    def __init__(
        self, plan: LivePlan, channels: int, make: Callable[[int, int], Any], put: Any
    ) -> None:
        self.wanted = plan.reach(0).slice_in(plan.read(0))
        self._put = put
        self._length = plan.window
        self._memory = make(channels, 2 * plan.window)
        self._end = plan.window

    def push(self, audio: Audio) -> None:
        """Take the next frames, shape (C, n), float32."""
        audio = audio[:, -self._length :]
        count = audio.shape[1]
        if self._end + count > self._memory.shape[1]:
            kept = self._length - count
            self._memory[:, :kept] = self._memory[:, self._end - kept : self._end]
            self._end = kept
        self._memory[:, self._end : self._end + count] = self._put(audio)
        self._end += count

    def view(self) -> Any:
        """Shape (C, window); valid until the next push."""
        return self._memory[:, self._end - self._length : self._end]


class WindowModel:
    """An ensemble of networks, or a fake, that reads a whole window for each hop."""

    def __init__(self, ensemble: Ensemble) -> None:
        first = ensemble.first
        self._ensemble = ensemble
        self.name, self.sources = ensemble.name, first.sources
        self.rate, self.channels = first.rate, first.channels
        self.licence, self.preview = first.licence, first.preview
        self.weights_hash = " ".join(m.separator.weights_hash for m in ensemble.members)
        self.traits = _traits(ensemble)
        weights = np.array([member.weights for member in ensemble.members], np.float32)
        self._weights = (weights / weights.sum(axis=0))[..., None, None]
        self.batch = 1
        if isinstance(first, DemucsSeparator):
            self.batch = _BATCH.get(first.device.partition(":")[0], 1)

    def warm_up(self) -> None:
        """Nothing: networks are ready once they are loaded."""

    def open(self, plan: LivePlan) -> Window:
        """A context in front of which there is silence, on the device of the first network."""
        first = self._ensemble.first
        if isinstance(first, DemucsSeparator):
            return Window(plan, self.channels, first.zeros, first.to_device)
        return Window(plan, self.channels, _zeros, lambda audio: audio)

    def run(self, contexts: Sequence[Window]) -> list[Audio]:
        """Separate all windows as one batch, or in halves where memory does not hold them.

        See `LiveModel.run`. Raises BridgeError when memory does not hold a single window.
        """
        try:
            return self._run(contexts)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if len(contexts) == 1:
                raise BridgeError(
                    f"out of memory with a single window of {self.name}; use a shorter context, "
                    "a smaller model, or spectral"
                ) from error
        self.batch = half = len(contexts) // 2
        return self.run(contexts[:half]) + self.run(contexts[half:])

    def _run(self, contexts: Sequence[Window]) -> list[Audio]:
        windows = [context.view() for context in contexts]
        wanted = contexts[0].wanted
        members = self._ensemble.members
        if len(members) == 1:
            return list(_separate(members[0].separator, windows, wanted))
        total: Any = 0
        for member, shares in zip(members, self._weights, strict=True):
            if shares.any():
                total = total + _separate(member.separator, windows, wanted) * shares
        return list(total)


def _traits(ensemble: Ensemble) -> Traits:
    separator = ensemble.first
    if isinstance(separator, FakeSeparator):
        lookahead = separator.delay + FAKE_LOOKAHEAD
        window = max(separator.segment, lookahead + 1)
        lowest, highest = FAKE_RATES
        if separator.cost > FAKE_SECONDS or window > FAKE_WINDOW:
            raise ModelError(
                f"a live fake that takes {separator.cost:g} s for {window} frames is too large; "
                f"use a cost up to {FAKE_SECONDS:g} and a segment up to {FAKE_WINDOW}"
            )
        if not lowest <= separator.rate <= highest:
            raise ModelError(
                f"a live fake at {separator.rate} Hz is not possible; use {lowest} to {highest}"
            )
        return Traits(1, lookahead, separator.delay, window, past=0, fixed=False)
    # No member reads more than it was trained with.
    window = min(member.separator.segment for member in ensemble.members)
    lookahead = min(RateMap(AT_RATE, separator.rate).frames(LOOKAHEAD), window // 2)
    return Traits(1, lookahead, 0, window, window // PAST, fixed=False)


def _separate(separator: Separator, windows: list[Any], wanted: slice) -> Audio:
    if isinstance(separator, DemucsSeparator):
        stems = separator.separate_windows(windows, wanted)
        if not np.isfinite(stems).all():
            raise ModelError(
                f"{separator.name} gave values that are not finite; use --precision exact, or "
                "another --device"
            )
        return stems
    if isinstance(separator, FakeSeparator):  # it has no past, and its cost shall be what it says
        windows = [window[:, wanted.start : wanted.stop + separator.delay] for window in windows]
        wanted = slice(0, wanted.stop - wanted.start)
    return separator.separate(np.stack(windows))[..., wanted]


def _zeros(channels: int, frames: int) -> Audio:
    return np.zeros((channels, frames), np.float32)
