"""A live stream as a program uses it: blocks in, and the stems always as many frames later."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.client.blocks import checked
from bridge.client.driver import Driver, OnProgress
from bridge.client.settings import Settings, check_time, check_whole
from bridge.client.timeline import Timeline
from bridge.errors import ServerError
from bridge.protocol import limits
from bridge.protocol.messages import SavedPlan

Audio = NDArray[np.float32]


class StemStream:
    """Stems of a track while it plays, from the sidecar.

        with StemStream(48_000, 512, "htdemucs", latency=4000) as stream:
            for block in blocks:                 # (channels, frames), float32
                stems = stream.process(block)    # (stems, channels, frames), `latency` frames later

    Parameters
    ----------
    rate: sample rate in Hz. block: most frames between two calls of the host.
    model: a name, `spectral` if none is given. latency: in ms, or "auto" for the smallest; or
        "low", "balanced" or "quality", the smallest with less or more of the window and the future
        (docs/LATENCY.md); "balanced" is what "auto" takes.
    channels: 1 or 2.
    context, lookahead: of the model's window, in seconds; those of the latency's name, or the
        model's own, if None.
    burst: frames that blocks may come ahead of the clock; two blocks if None.
    residual: add to `other` what the stems leave of the mix, so that they sum to it.
    realtime: True never waits, and what is late is replaced; False waits for all stems.
    late: what replaces them, "dry" for the mix in `other` (the last stem if there is none) and
        silence in the rest, or "silence" everywhere.
    precision: "exact", or "fast" where the device has it.
    preset: name of one whose effects the stems pass on the server, in real time; see
        docs/PRESETS.md. They do not sum to the mix then. "" for none.
    connection: a server's connection file, copied from its machine; the local server's if None.
    timeout: seconds without any progress after which waiting ends.
    origin: number of the first frame; frames are counted on from there, whatever happens.
    on_progress: told (what, done, total) while a model is made ready; total 0 is unknown.

    The server may go away and come back: then the stream connects again and gives it what it needs
    to go on as if nothing had happened. For one thread at a time.

    Raises UsageError for settings that cannot work, and ServerError when there is no server or it
    refuses, with what it says.
    """

    def __init__(
        self,
        rate: int,
        block: int,
        model: str = "spectral",
        latency: float | str | None = None,
        *,
        channels: int = 2,
        context: float | None = None,
        lookahead: float | None = None,
        burst: int | None = None,
        residual: bool = True,
        realtime: bool = True,
        late: str = "dry",
        precision: str = "exact",
        preset: str = "",
        connection: str | Path | None = None,
        timeout: float = 60.0,
        origin: int = 0,
        on_progress: OnProgress = lambda _what, _done, _total: None,
    ) -> None:
        self._settings = Settings(
            rate,
            block,
            model,
            latency,
            channels,
            context,
            lookahead,
            burst,
            residual,
            realtime,
            late,
            precision,
            preset,
        )
        check_whole("origin", origin, 0, limits.FRAME // 2, "frames")
        check_time("timeout", timeout, 0.001, 1e6, "s")
        file = None if connection is None else Path(connection)
        self._driver = Driver(file, timeout, on_progress)
        self._release = weakref.finalize(self, self._driver.close)
        try:
            self._driver.connect()
            self._configure(self._settings, origin)
        except BaseException:
            self.close()
            raise

    @property
    def latency(self) -> int:
        """Frames by which stems come later than their input."""
        return self._timeline.latency

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of the stems, in their order."""
        return self._timeline.configured.sources

    @property
    def plan(self) -> SavedPlan:
        """What the latency follows from."""
        return self._timeline.configured.plan

    @property
    def gains(self) -> dict[str, float]:
        """What the first mix of the preset has of each stem, linear; 1 for all without one.

        The stems come without them: mixing is the host's.
        """
        configured = self._timeline.configured
        found = configured.gains or (0,) * len(configured.sources)
        return {
            stem: 10 ** (gain / 2000) if gain > -limits.SILENCE else 0.0
            for stem, gain in zip(configured.sources, found, strict=True)
        }

    @property
    def model(self) -> str:
        """Name of the model that runs."""
        return self._timeline.configured.model

    @property
    def licence(self) -> str:
        """Licence of the model's weights."""
        return self._timeline.configured.licence

    @property
    def preview(self) -> bool:
        """Whether the model is only a preview of what a real one would do."""
        return self._timeline.configured.preview

    @property
    def position(self) -> int:
        """Number of the next frame of the input."""
        return self._timeline.position

    @property
    def late_frames(self) -> int:
        """Frames of stems that were not there when they were due."""
        return self._driver.figures.late_frames

    @property
    def connected(self) -> bool:
        """Whether the server has this stream now."""
        return self._driver.is_live

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the server warns of, and why it is not connected if it is not."""
        problem = self._driver.link.problem
        lost = (problem,) if problem and not self.connected else ()
        return (*self._timeline.configured.warnings, *lost)

    def stats(self) -> dict[str, Any]:
        """Late frames, reconnects, and percentiles of times in microseconds; see `Figures`."""
        return self._driver.figures.report()

    def process(self, block: ArrayLike) -> Audio:
        """The next block of input; returns the stems of as many frames `latency` before.

        block: shape (C, n), or (n,) for one channel, floating point. More than the announced block
        is taken as several. What is not finite counts as 0. Returns shape (S, C, n), float32.
        Raises InputError for another shape or type. Without `realtime`, ServerError when there is
        no progress; the stream is closed then.
        """
        audio = checked(block, self._settings.channels)
        most = self._settings.block
        if audio.shape[1] <= most:
            return self._play(audio)
        out = np.empty((len(self.stems), *audio.shape), np.float32)
        for start in range(0, audio.shape[1], most):
            piece = audio[:, start : start + most]
            out[:, :, start : start + piece.shape[1]] = self._play(piece)
        return out

    def reset(self, origin: int | None = None) -> None:
        """The next frame has nothing to do with those before, whose stems still come in time.

        origin: where the grid of hops lies from now on: at the next frame, or at this one before
        it, as if silence had been played since. For that the server must have given all stems of
        the frames before, so that in real time the first ones after them are late.
        Raises UsageError for one that is yet to come.
        """
        timeline = self._playing()
        with self._driver.lock:
            origin = self.position if origin is None else origin
            check_whole("origin", origin, 0, self.position, "frames, the next one, or leave it out")
            timeline.begin(origin)

    def reconfigure(self, **changes: Any) -> None:
        """Go on with other settings, named as in the constructor: rate to preset.

        Waits for the server. Stems of the frames before that were not drained are dropped: the
        first `latency` frames are silent, as at the beginning. Raises UsageError or ServerError
        for what cannot be; then everything goes on as before.
        """
        self._playing()
        settings = replace(self._settings, **changes)
        self._configure(settings, self.position)
        self._settings = settings

    def drain(self) -> Audio:
        """The stems of the last `latency` frames of input, shape (S, C, latency), waited for.

        Input that follows begins anew: the first `latency` frames after this are silent. When there
        is no progress, what did not come is late, or without `realtime` the stream is closed and
        ServerError raised.
        """
        timeline = self._playing()
        with self._driver.lock:
            timeline.end()
        self._wait(lambda: timeline.is_complete(timeline.latency) or timeline.is_over)
        with self._driver.lock:
            rest = timeline.read_rest()
            self._driver.timeline = Timeline(
                self._settings, timeline.configured, timeline.position, self._driver.figures
            )
        return rest

    def close(self) -> None:
        """Leave the server. What was not drained is dropped."""
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _timeline(self) -> Timeline:
        if self._driver.timeline is None:
            raise ServerError("the stream was never opened; open another one")
        return self._driver.timeline

    def _playing(self) -> Timeline:
        if self._driver.is_closed:
            raise ServerError("the stream is closed; open another one")
        return self._timeline

    def _configure(self, settings: Settings, position: int) -> None:
        driver = self._driver
        model = driver.request(settings.inquiry) if settings.in_model_frames else None
        ask = partial(settings.configure, driver.transport_us, model, None)
        try:
            answer = driver.request(ask)
        except ServerError:
            driver.renew()  # an inquiry that was answered has taken its place
            raise
        timeline = Timeline(settings, answer, position, driver.figures)
        driver.adopt(timeline, partial(settings.configure, driver.transport_us, model, answer.plan))

    def _play(self, block: Audio) -> Audio:
        driver, timeline, length = self._driver, self._playing(), block.shape[1]
        with driver.lock:
            timeline.append(block)
            driver.exchange()
            if self._settings.realtime or timeline.is_complete(length):
                return timeline.read(length)
        self._wait(lambda: timeline.is_complete(length))
        with driver.lock:
            return timeline.read(length)

    def _wait(self, done: Callable[[], bool]) -> None:
        try:
            self._driver.wait_for(done)
        except BaseException as error:
            if self._settings.realtime and isinstance(error, ServerError):
                return  # what did not come is late
            self.close()  # the input is ahead of the stems now
            raise
