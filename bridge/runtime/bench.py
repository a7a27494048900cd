"""How fast this machine is with a model: a short bounce, and what latency a session would get."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from bridge.config import BounceSettings, ServeSettings
from bridge.core.latency import MICROSECONDS
from bridge.errors import ModelError
from bridge.protocol.messages import Configure
from bridge.protocol.messages_worker import Load
from bridge.runtime import calibration
from bridge.runtime.bounce import Progress, bounce
from bridge.runtime.models import Models
from bridge.runtime.planning import Refused, plan_session
from bridge.runtime.trial import measure_briefly
from bridge.runtime.worker_models import describe, make_ready, warm_up

RATE, BLOCK = 48_000, 512
"""Of the host that the latency is for."""

TRANSPORT_US = 2000
"""What clients on the same machine find that they must allow for the way there and back."""

SECONDS = 8.0
"""That a bounce should take: a few windows of a network on a CPU, many on a GPU."""

MOST_WINDOWS = 24
RUNS, RUNS_SECONDS = 2, 2.0
"""Runs that are timed for the latency, and how long they last at least where that is more."""

_LEVEL = 0.1
Tell = Callable[[str, int, int], None]
"""Called with what is being done, and how much of how much; a total of 0 is unknown."""


@dataclass(frozen=True)
class Speed:
    """What was found.

    Attributes
    ----------
    model, device: what was measured, and where it ran.
    weightless: whether precisions make no difference to it.
    bounce: seconds of audio that are bounced in a second.
    live_ms: the smallest safe latency of a session that is alone, None where no plan is possible.
    calibrated: whether it follows from the whole measurement that the sidecar keeps, as it would
        for a session; otherwise from a few runs.
    refusal: why no plan is possible.
    """

    model: str
    device: str
    weightless: bool
    bounce: float
    live_ms: float | None
    calibrated: bool
    refusal: str = ""


def bench(settings: BounceSettings, tell: Tell, warn: Callable[[str], None]) -> Speed:
    """Measure the model that the settings name; `warn` gets what the user should know.

    Raises ModelError where it cannot be loaded, OutputError where there is no room for a song.
    """
    models = Models(settings, lambda _name, _required: None, tell=lambda text: tell(text, 0, 0))
    for text in models.warnings:
        warn(text)
    tell(f"loading {settings.model}", 0, 0)
    first = models.load(RATE).first
    models.prepare(models.load(RATE), first.sources, warn)
    bounced, taken = _bounce_speed(models, replace(settings, overwrite=True), tell)
    name, device = first.name, str(models.machine["device"])
    weightless = not first.weights_hash
    del models, first  # a session's model is another one, and both take memory
    tell("running live", 0, 0)
    return Speed(name, device, weightless, bounced, *_live(settings, taken))


def _bounce_speed(models: Models, settings: BounceSettings, tell: Tell) -> tuple[float, float]:
    """Seconds of audio bounced in a second, and the seconds that each window took."""

    def progress(at: Progress) -> None:
        tell("bouncing", at.windows, at.total_windows)

    with tempfile.TemporaryDirectory(prefix="stembridge-") as name:
        tell("warming up", 0, 0)
        taken, _ = _timed_bounce(Path(name), models, settings, windows=1)
        windows = max(1, min(MOST_WINDOWS, round(SECONDS / taken)))
        taken, seconds = _timed_bounce(
            Path(name), models, settings, windows=windows, progress=progress
        )
    return seconds / taken, taken / windows


def _timed_bounce(
    folder: Path,
    models: Models,
    settings: BounceSettings,
    *,
    windows: int,
    progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[float, float]:
    """Seconds that a bounce of noise takes, and that the noise lasts, in so many windows.

    Each starts a stride after the one before, so that windows of a long song last as long.
    """
    first = models.load(RATE).first
    overlap = first.overlap if settings.overlap is None else settings.overlap
    frames = windows * max(1, int((1 - overlap) * first.segment))
    noise = np.random.default_rng(1).normal(0, _LEVEL, (frames, first.channels))
    song = folder / f"{windows}.wav"
    soundfile.write(song, noise, first.rate, subtype="PCM_16")
    began = time.perf_counter()
    bounce(song, folder, settings, models, progress=progress)
    return time.perf_counter() - began, frames / first.rate


def _live(settings: BounceSettings, taken: float) -> tuple[float | None, bool, str]:
    """Smallest latency in ms, whether it is calibrated, and why there is none.

    taken: seconds that a run lasts, about.
    """
    wanted = Load(
        key="",
        model=settings.model,
        precision=settings.precision,
        rate=RATE,
        channels=2,
        context=0,
        lookahead=-1,
        calibrate_us=round(ServeSettings().calibrate * MICROSECONDS),
    )
    try:
        ready = make_ready(settings, wanted)
        cost = calibration.load(ready.key)
        calibrated = cost is not None
        if cost is None:
            warm_up(ready.model, RATE)
            brief = replace(wanted, calibrate_us=round(RUNS_SECONDS * MICROSECONDS))
            cost = measure_briefly(ready.model, brief, taken, runs=RUNS)
        loaded = describe(replace(ready, cost=cost), wanted)
        _, frames = plan_session(_wish(settings), loaded, (), blocking_us=0)
    except (Refused, ModelError) as error:
        return None, False, str(error)
    return 1000 * frames / RATE, calibrated, ""


def _wish(settings: BounceSettings) -> Configure:
    """What a client asks for that wants the smallest latency."""
    return Configure(
        1,
        1,
        RATE,
        BLOCK,
        2,
        settings.model,
        settings.precision,
        latency_us=0,
        burst=-1,
        context=0,
        lookahead=-1,
        transport_us=TRANSPORT_US,
        residual=True,
        realtime=True,
    )
