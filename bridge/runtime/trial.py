"""Runs of a model on noise, as a session would have them, to measure what they take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import ceil

import numpy as np

from bridge.core.choose import Conditions, Wish, choose
from bridge.core.conversion import Conversion
from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.core.latency import MICROSECONDS
from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.core.rates import RateMap
from bridge.engine.live import LiveStream
from bridge.engine.live_model import LiveModel
from bridge.protocol.messages_worker import Load
from bridge.runtime.live_effects import LiveEffects, StemEffects
from bridge.runtime.measuring import Measured, measuring, timed

ANY_COST = Cost(1, 1)
_NOISE_SEED = 1
_BLOCK = 512
_EFFECT_RUNS = 16

_LONG_EVERY = 16
"""Runs with a short hop for each with a long one, so that both meet the machine at equal speeds."""


def conversions(rate: int, model_rate: int) -> tuple[Conversion, Conversion]:
    """The resamplers from a host's rate to a model's, and back."""
    return design(rate, model_rate), design(model_rate, rate)


def check_wish(model: LiveModel, wanted: Load) -> None:
    """Raises ValueError for a window or look-ahead that no plan can have, whatever a run takes."""
    wish = Wish(0, wanted.context, wanted.lookahead)
    incoming, outgoing = conversions(wanted.rate, model.rate)
    choose(incoming, outgoing, model.traits, ANY_COST, Conditions(1, 0, 0, 0, 0, 0), wish)


def effect_times(model: LiveModel, wanted: Load, effects: StemEffects) -> Iterator[int]:
    """Microseconds that the effects take with the stems of one run, several times.

    That is the run whose time was measured, or for a network the longest hop that there can be.
    """
    traits = model.traits
    lookahead = traits.lookahead if wanted.lookahead < 0 else wanted.lookahead
    longest = traits.longest_hop(wanted.context or traits.window, lookahead)
    hop = traits.measured_hop if traits.fixed else longest
    frames = RateMap(model.rate, wanted.rate).frames(hop)
    shape = (len(model.sources), wanted.channels, frames)
    stems = np.random.default_rng(_NOISE_SEED).normal(0, 0.1, shape).astype(np.float32)
    live, start = LiveEffects(effects), 0
    for _ in range(_EFFECT_RUNS):
        began = time.perf_counter()
        live.process(start, stems)
        start += frames
        yield ceil((time.perf_counter() - began) * MICROSECONDS)


def measure(model: LiveModel, wanted: Load) -> Iterator[Measured]:
    """Time whole runs: input resampled, the model, stems resampled back and the residual made.

    The hop of the runs is about the shortest that the model can keep up with, which one run tells,
    and at least `traits.measured_hop`. Where longer ones take longer, one run of some has
    `traits.long_hop`; their time comes on top.
    """
    seconds = wanted.calibrate_us / MICROSECONDS
    traits = model.traits
    first = _Trial(model, wanted, max(traits.grid, 1))
    first.step()
    began = time.perf_counter()
    first.step()
    taken = time.perf_counter() - began
    lookahead = traits.lookahead if wanted.lookahead < 0 else wanted.lookahead
    most = traits.longest_hop(wanted.context or traits.window, lookahead) // traits.grid
    steps = max(1, min(ceil(1.25 * taken * model.rate / traits.grid), most))
    trial = _Trial(model, wanted, max(steps * traits.grid, traits.measured_hop))
    if not traits.fixed:
        yield from measuring(trial.step, seconds=seconds)
        return
    long, times = _Trial(model, wanted, traits.long_hop), Durations()
    long.step()
    for count, measured in enumerate(measuring(trial.step, seconds=seconds)):
        yield measured._replace(long=times)
        if count % _LONG_EVERY == 0:
            times.add(timed(long.step))
            yield measured._replace(long=times)


class _Trial:
    """A stream of noise, run by run."""

    def __init__(self, model: LiveModel, wanted: Load, hop: int) -> None:
        incoming, outgoing = conversions(wanted.rate, model.rate)
        traits = model.traits
        lookahead = traits.lookahead if wanted.lookahead < 0 else wanted.lookahead
        window = max(wanted.context or traits.window, hop + lookahead)
        plan = LivePlan(incoming, outgoing, hop, lookahead, window)
        self._model = model
        self._stream = LiveStream(
            plan,
            model.open(plan),
            model.sources,
            wanted.channels,
            residual=True,
            origin=0,
            start=0,
        )
        random = np.random.default_rng(_NOISE_SEED)
        self._noise = random.normal(0, 0.1, (wanted.channels, _BLOCK)).astype(np.float32)
        self._sent = 0

    def step(self) -> None:
        while not self._stream.ready():
            self._stream.push(self._sent, self._noise)
            self._sent += _BLOCK
        self._stream.finish(self._model.run([self._stream.advance()])[0])
