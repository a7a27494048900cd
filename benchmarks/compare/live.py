"""The live engine beside the network that it runs, and the sidecar beside nothing at all."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare.rounds import in_turn, say
from benchmarks.compare.setting import Setting
from benchmarks.compare.side import Side
from benchmarks.compare.variant import Variant
from bridge.core.live_plan import LivePlan
from bridge.engine.base import Audio
from bridge.engine.demucs import DemucsSeparator
from bridge.engine.live import LiveStream
from bridge.engine.live_model import live_model
from bridge.engine.live_windows import Window, WindowModel
from bridge.runtime.models import Models, prepare
from bridge.runtime.trial import conversions

HOST, BLOCK = 48_000, 128
SLICE = 10
"""Seconds that are played at a time, to see how much they differ."""

LATENCY_MS = 2000.0
"""Leaves hops of a second and more, as networks on a CPU have them."""

COSTLESS = "fake:rate=44100,segment=343980"
TICKS = os.sysconf("SC_CLK_TCK")


def live(setting: Setting) -> dict[str, Any]:
    """Whole runs of a live stream beside the network on the same window, in turn."""
    model = setting.networks()
    with ExitStack() as stack:
        sides = {}
        for variant in setting.variants:
            say(f"{variant.name}: loading and warming up")
            way = {"kind": "live", "model": model, "variant": variant.name}
            sides[variant.name] = stack.enter_context(Side(setting, **way))
        return in_turn({name: side.run for name, side in sides.items()}, setting.runs)


class Live:
    """A stream of noise at 48 kHz in blocks of 128, run by run; a `ways.Way`."""

    def __init__(self, model: str, variant: str) -> None:
        models = Models(
            Variant.parse(variant).settings(model), lambda _name, _required: None, streams=1
        )
        ensemble = models.load(HOST)
        separator, runs = ensemble.first, live_model(ensemble)
        if not isinstance(separator, DemucsSeparator) or not isinstance(runs, WindowModel):
            raise SystemExit(f"{model} is no network of demucs; its live engine is another")
        prepare(separator, runs.traits.window, say)
        self._separator, self._model = separator, runs
        self._noise = np.random.default_rng(1).normal(0, 0.1, (2, BLOCK)).astype(np.float32)
        self._sent = 0

    def warm(self) -> None:
        """Find out how long a run takes, and cut the stream into hops that last as long."""
        self._open(hop=1)
        for _ in range(2):
            found = self.run()
        traits = self._model.traits
        most = traits.longest_hop(traits.window, traits.lookahead)
        self._open(min(most, ceil(1.25 * found["whole"] * self._model.rate)))
        self.run()  # a window without any sound would cost nothing

    def run(self) -> dict[str, float]:
        """The network alone on the window as it is, then everything for the next hop."""
        model, stream = self._model, self._stream
        began = time.perf_counter()
        self._separator.separate_windows([self._window.view()], self._window.wanted)
        alone = time.perf_counter() - began
        began, spent = time.perf_counter(), time.process_time()
        while not stream.ready():
            stream.push(self._sent, self._noise)
            self._sent += BLOCK
        context = stream.advance()
        around = time.process_time() - spent
        stems = model.run([context])[0]  # type: ignore[list-item]
        spent = time.process_time()
        stream.finish(stems)
        around += time.process_time() - spent
        whole = time.perf_counter() - began
        return {"whole": whole, "alone": alone, "around": around, "hop": self._hop}

    def stems(self) -> Audio:
        """There is nothing to hold against anything."""
        raise NotImplementedError

    def _open(self, hop: int) -> None:
        incoming, outgoing = conversions(HOST, self._model.rate)
        traits = self._model.traits
        fade = min(hop, (traits.lookahead - traits.edge) // 2)
        plan = LivePlan(incoming, outgoing, hop, traits.lookahead, traits.window, fade)
        self._hop, self._sent = hop / self._model.rate, 0
        self._window: Window = self._model.open(plan)
        self._stream = LiveStream(
            plan, self._window, self._model.sources, 2, residual=True, origin=0, start=0
        )


def sidecar(setting: Setting) -> dict[str, Any]:
    """Processor time of the server and its worker for one session whose model costs nothing."""
    from benchmarks.live import Player, open_stream
    from benchmarks.live import sidecar as running

    with running("--calibrate", "1") as file:
        stream = open_stream(file, BLOCK, COSTLESS, LATENCY_MS)
        player = Player([stream], BLOCK, SLICE)
        player.play()

        def played() -> dict[str, float]:
            before, began = _spent(file), time.perf_counter()
            player.play()
            seconds = time.perf_counter() - began
            after = _spent(file)
            told = {name: after[name] - before[name] for name in before}
            return {"seconds": seconds, **told}

        found = in_turn({"one session": played}, setting.runs)
        found["late"] = stream.late_frames
        stream.close()
    return found


def _spent(file: Path) -> dict[str, float]:
    """Processor seconds of the server and of the worker so far."""
    from bridge.runtime.asking import ask_status
    from bridge.runtime.connection import read_connection

    status = ask_status(read_connection(file))
    (worker,) = status["workers"].values()
    pids = {"server": status["server"]["pid"], "worker": worker["pid"]}
    return {name: _processor_seconds(pid) for name, pid in pids.items()}


def _processor_seconds(pid: int) -> float:
    # The name of the program, in brackets, may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def latency(setting: Setting) -> dict[str, Any]:
    """The smallest latency of a network in real time, and what was late."""
    from benchmarks import live as play
    from bridge.client import StemStream

    model = setting.networks()
    found: dict[str, Any] = {"latency": {}, "late": {}, "slack": {}}
    for variant in setting.variants:
        with play.sidecar(environment=setting.environment() | variant.environment) as file:
            say(f"{variant.name}: measuring, then playing {setting.seconds:g} s")
            with StemStream(
                HOST, BLOCK, model, precision=variant.precision, connection=file, timeout=300
            ) as stream:
                play.Player([stream], BLOCK, setting.seconds).play()
                figures = stream.stats()
                found["latency"][variant.name] = stream.latency / HOST
                found["late"][variant.name] = stream.late_frames
                found["slack"][variant.name] = (figures["slack_us"]["min"] or 0) / 1e6
    return found


def roundtrip(setting: Setting) -> dict[str, Any]:
    """A block's way through the sidecar and back beside a bare echo over the same sockets."""
    from benchmarks import roundtrip as trips

    found = trips.measure(trips.ROUNDS, setting.runs)
    names = ("bare echo", "sidecar")
    return {
        quantile: {name: [run[side][at] for run in found] for side, name in enumerate(names)}
        for quantile, at in (("p50", trips.ROUNDS // 2), ("p99", trips.ROUNDS * 99 // 100))
    }
