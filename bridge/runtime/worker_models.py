"""What a worker has loaded, and how long one run of each model takes on this machine."""

from __future__ import annotations

import gc
import platform
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from threading import Thread
from typing import TypeVar

from bridge.config import BounceSettings
from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.core.traits import LONG
from bridge.engine import resampler
from bridge.engine.live_model import LiveModel, live_model
from bridge.errors import BridgeError, ModelError, NetworkError, UsageError
from bridge.protocol import limits
from bridge.protocol.codes import Code
from bridge.protocol.fields import clipped
from bridge.protocol.messages_worker import Failed, Load, Loaded, Loading
from bridge.runtime import calibration
from bridge.runtime.live_effects import StemEffects
from bridge.runtime.measuring import Measured, with_margin
from bridge.runtime.models import Models, prepare
from bridge.runtime.preset import Preset
from bridge.runtime.preset_store import is_name
from bridge.runtime.session_cost import beside_others
from bridge.runtime.trial import ANY_COST, check_wish, conversions, effect_times, measure
from bridge.runtime.worker_session import Opened

T = TypeVar("T")
_VERSIONED = ("stembridge", "numpy", "numba", "torch", "demucs")
_FULL_US = 1_000_000
"""Runs that are measured for less than this are not what others may rely on."""

_TELL_SECONDS = 0.1
MODELS = 16
"""Models loaded at once: a large one takes a gigabyte. The same one at another rate, or with
another window, counts again."""

_IDLE_KEPT = 2
"""Models without a session that stay loaded, so that opening one again is quick."""


class BusyError(BridgeError):
    """Something that would make live sessions late now."""


@dataclass(frozen=True)
class Ready:
    """A model that can run, what the user should know about it, and what its cost depends on.

    wanted: the LOAD of it, but for its key and preset. effects: what its stems pass through.
    """

    model: LiveModel
    device: str
    warnings: tuple[str, ...]
    key: dict[str, str]
    wanted: Load
    cost: Cost = ANY_COST
    effects: StemEffects | None = None


class Shelf:
    """The models of a worker by the key that the server gave them.

    may_measure: whether runs of unknown length are allowed now; live sessions would have to wait.
    in_use: what sessions may run.
    """

    def __init__(
        self,
        device: str,
        may_measure: Callable[[], bool],
        in_use: Callable[[], Iterable[Opened]],
    ) -> None:
        self._device = device
        self._may_measure = may_measure
        self._in_use = in_use
        self._ready: dict[str, Ready] = {}

    def __getitem__(self, key: str) -> Ready:
        return self._ready[key]

    def names(self) -> list[str]:
        """Of all that are loaded."""
        return sorted({ready.model.name for ready in self._ready.values()})

    def keep(self) -> None:
        """Forget all models but those in use and the few that were loaded last."""
        wanted = {opened.key for opened in self._in_use()}
        idle = [key for key in self._ready if key not in wanted]
        for key in idle[:-_IDLE_KEPT]:
            del self._ready[key]

    def learn(self, seen: Iterable[tuple[str, Durations, Durations]]) -> None:
        """Let the runs of sessions that have ended, by model, correct what the next are told.

        Of each those with the hop that was measured, and those with a shorter one.
        """
        for key, alike, shorter in seen:
            ready = self._ready.get(key)
            if ready is not None and ready.effects is None:  # effects take time of their own
                calibration.refine(ready.key, alike)
                calibration.refine(ready.key, shorter, lower=False)

    def load(self, wanted: Load) -> Iterator[Loading | Loaded | None]:
        """Load and measure, a step at a time; ends with Loaded. Raises BridgeError.

        Most steps have nothing to tell, which is None.
        """
        yield Loading(wanted.key, clipped(f"loading {wanted.model}", limits.STRING_BYTES), 0, 0)
        preset = (yield from _aside(lambda: load_preset(wanted.preset))) if wanted.preset else None
        ready = self._ready.get(wanted.key)
        if ready is None or (ready.effects and preset and ready.effects.sha256 != preset.sha256):
            found = self._find(wanted)
            yield from _aside(lambda: warm_up(found.model, wanted.rate))
            ready = yield from _aside(lambda: with_effects(found, preset))
            self.keep()
            gc.collect()
            gc.freeze()  # what is loaded stays; later collections need not look at it
        self._ready.pop(wanted.key, None)
        self._ready[wanted.key] = ready  # the newest, which `keep` keeps until it is in use
        cost = calibration.load(ready.key)
        if cost is None:
            if not self._may_measure():
                raise BusyError(
                    f"{wanted.model} has to be measured on this machine before its first use, and "
                    "that would disturb the sessions that play; close them, or try again later"
                )
            check_wish(ready.model, wanted)
            told = 0.0
            for measured in measure(ready.model, wanted):
                if (now := time.monotonic()) - told >= _TELL_SECONDS:
                    told = now
                    yield Loading(wanted.key, "measuring this machine", *_milliseconds(measured))
                else:
                    yield None
            cost = measured.cost
            if any(True for _ in self._in_use()):  # a lock and a disk take long
                Thread(target=calibration.store, args=(ready.key, cost)).start()
            else:
                calibration.store(ready.key, cost)
        if ready.effects is not None and not ready.effects.is_free:
            times = Durations()
            for taken_us in effect_times(ready.model, wanted, ready.effects):
                times.add(taken_us)
                yield None
            cost = with_more(cost, with_margin(times.max))
        ready = self._ready[wanted.key] = replace(ready, cost=cost)
        yield describe(ready, wanted)

    def _find(self, wanted: Load) -> Ready:
        plain = replace(wanted, key="", preset="")
        for ready in self._ready.values():
            if ready.wanted == plain:
                return replace(ready, cost=ANY_COST, effects=None)
        settings = BounceSettings(
            model=wanted.model, device=self._device, precision=wanted.precision
        )
        loaded = len({id(ready.model) for ready in self._ready.values()})
        if loaded >= MODELS:
            raise BusyError(
                f"{loaded} models are loaded, which is all there may be; close a session"
            )
        return make_ready(settings, plain)


def warm_up(model: LiveModel, rate: int) -> None:
    """Have all that the first run for a host at `rate` would wait for."""
    model.warm_up()
    if rate != model.rate:
        resampler.warm_up()


def make_ready(settings: BounceSettings, wanted: Load) -> Ready:
    """The model of `settings` as sessions run it, and what its cost is kept by.

    wanted: the LOAD of it, but for its key and preset. Raises BridgeError where it cannot be had.
    """
    models = Models(settings, lambda _name, _required: None, streams=1)
    ensemble = models.load(wanted.rate)
    model = live_model(ensemble)
    for member in ensemble.members:
        window = wanted.context or model.traits.window
        prepare(member.separator, window, models.warnings.append)
    key = _processor() | {name: str(value) for name, value in models.machine.items()}
    key |= {"model": model.name, "weights": model.weights_hash, "precision": wanted.precision}
    if model.name == "fake":
        key |= {"settings": wanted.model}
    for name in ("rate", "channels", "context", "lookahead"):
        key[name] = str(getattr(wanted, name))
    key |= _versions() | {"measured": _thoroughly(wanted)}
    return Ready(model, str(models.machine["device"]), tuple(models.warnings), key, wanted)


def _aside(call: Callable[[], T]) -> Generator[None, None, T]:
    """What `call` returns or raises, from a thread: runs of others go on between these steps."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call)
        while not future.done():
            yield None
    return future.result()


def load_preset(name: str) -> Preset:
    """The preset of that name on this machine. Raises UsageError for a path, or none such."""
    if not is_name(name):
        raise UsageError(f"'{name}' is no name of a preset; use one of `stembridge presets list`")
    return Preset.load(name)


def with_effects(ready: Ready, preset: Preset | None) -> Ready:
    """The same model with the effects of `preset` behind it. Raises ModelError or UsageError."""
    if preset is None:
        return ready
    rate, channels = ready.wanted.rate, ready.wanted.channels
    effects = StemEffects.of(preset, ready.model.sources, rate, channels)
    return replace(ready, effects=effects)


def with_more(cost: Cost, more_us: int) -> Cost:
    """The cost where each run takes `more_us` longer, and one with the long hop in proportion."""
    long_us = cost.long_us and cost.long_us + LONG * more_us
    return Cost(cost.typical_us + more_us, cost.worst_us + more_us, long_us)


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in _VERSIONED}


@cache
def _processor() -> dict[str, str]:
    """What `Models` only says of those with weights."""
    return {"processor": platform.processor() or platform.machine()}


def _thoroughly(wanted: Load) -> str:
    """Keeps what a short measurement tells apart: it seldom sees the longest runs."""
    return "full" if wanted.calibrate_us >= _FULL_US else "short"


def failure(key: str, error: Exception) -> Failed:
    """What a LOAD that ended with `error` is answered."""
    text = " ".join(str(error).split()) or type(error).__name__
    match error:
        case NetworkError():
            code = Code.NETWORK
        case ModelError() | UsageError():
            code = Code.MODEL
        case BusyError():
            code = Code.LOAD
        case ValueError():
            code = Code.PLAN  # rates that do not fit together
        case _:
            code, text = Code.INTERNAL, f"{type(error).__name__}: {text}"
    return Failed(key, code, clipped(text), "")


def describe(ready: Ready, wanted: Load) -> Loaded:
    """The answer to a LOAD. Raises ModelError for a model that is too slow for live use."""
    model, traits = ready.model, ready.model.traits
    incoming, outgoing = conversions(wanted.rate, model.rate)
    cost = ready.cost
    if ready.device == "cpu" and not traits.fixed and model.name != "fake":
        cost = beside_others(cost)
    cost_us, worst_us = cost.typical_us, cost.worst_us
    if worst_us > limits.DURATION_US:
        raise ModelError(
            f"a run of {model.name} takes up to {worst_us // 1_000_000} s on this machine, where "
            f"{limits.DURATION_US // 1_000_000} s are the most for live use; choose a faster model"
        )
    return Loaded(
        key=wanted.key,
        grid=traits.grid,
        lookahead=traits.lookahead,
        edge=traits.edge,
        window=traits.window,
        past=traits.past,
        fixed=traits.fixed,
        model_rate=model.rate,
        half_in=incoming.half,
        half_out=outgoing.half,
        cost_us=cost_us,
        worst_us=worst_us,
        sources=model.sources,
        name=clipped(model.name),
        preview=model.preview,
        licence=clipped(model.licence, limits.STRING_BYTES),
        warnings=tuple(map(clipped, ready.warnings[: limits.WARNINGS])),
        device=clipped(ready.device, limits.STRING_BYTES),
        batch=model.batch,
        effects=ready.effects.latency if ready.effects else 0,
        gains=ready.effects.gains if ready.effects else (),
        preset=ready.effects.sha256 if ready.effects else "",
        long_us=min(ready.cost.long_us, limits.DURATION_US),
    )


def _milliseconds(measured: Measured) -> tuple[int, int]:
    return measured.done_us // 1000, measured.total_us // 1000
