"""Workers and servers that die or hang while a client goes on playing."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
import torch

from bridge.client import StemStream
from bridge.engine.fake import FakeSeparator
from bridge.errors import ServerError
from tests.networks import hybrid_transformer, save_network
from tests.server.hosting import (
    BLOCK,
    LATENCY_MS,
    RATE,
    check,
    gaps,
    opened,
    outage,
    play,
    show,
)
from tests.server.playing import expected, noise
from tests.server.sidecar import wait_until

EXACT, NETWORK = 1e-6, 1e-4
FADING = "fake:rate=44100,segment=16384,delay=200"
PLAIN = "fake:rate=48000,segment=16384,delay=200"  # quick to say what it gives
STOPPED_SECONDS = 3
MOMENT_SECONDS = 1.5
"""Far less than the silence after which a client gives its server up."""


@pytest.fixture
def stream(own_sidecar):
    """Opens streams, and closes them."""
    streams = []

    def make(model, **options):
        streams.append(opened(own_sidecar, model, **options))
        return streams[-1]

    yield make
    for each in streams:
        each.close()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("w") / "small.safetensors"
    save_network(hybrid_transformer(), path)
    return str(path)


@pytest.fixture(scope="module")
def network():
    """The network of the file `weights`, as demucs itself runs it."""

    class Separator:
        network = hybrid_transformer()
        network.use_train_segment = False

        def separate(self, windows):
            with torch.inference_mode():
                return self.network(torch.from_numpy(windows)).numpy()

    return Separator()


def kill_worker(sidecar):
    """Kill whichever there is, or the next one, with the signal that nothing can catch."""
    wait_until(lambda: bool(sum(map(is_killed, sidecar.workers().values()))))


def is_killed(pid):
    """Kill a process; False where it has gone already."""
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def kill_server(sidecar):
    sidecar.process.kill()
    sidecar.process.wait()
    sidecar.start()


def stop_for_a_while(pids, seconds):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def stop_worker(sidecar):
    stop_for_a_while(sidecar.workers().values(), STOPPED_SECONDS)


def stop_server(sidecar):
    stop_for_a_while([sidecar.process.pid], MOMENT_SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (FADING, kill_worker),
        (FADING, kill_server),
        ("spectral", kill_worker),
        ("spectral", kill_server),
        (PLAIN, stop_worker),
        (PLAIN, stop_server),
    ],
)
def test_in_real_time(own_sidecar, stream, model, fault):
    live, seconds = stream(model), 6 if fault in (stop_worker, stop_server) else 5
    latency, audio = live.latency, noise(seconds * RATE)
    heard = play(live, audio, {1: partial(fault, own_sidecar)})
    late = check(heard, audio, expected(live, audio, RATE), live.plan.guard, EXACT)
    show(
        f"{fault.__name__}, {model}: {late.sum()} frames late, {gaps(late)}, stems again after",
        f"{outage(late, 1, latency):.2f} s, reconnects {live.stats()['reconnects']},",
        f"longest call {1000 * heard.longest:.1f} ms",
    )
    assert live.connected
    assert live.latency == latency
    assert not late[-RATE // 4 :].any()


QUICK = [(model, fault) for model in (FADING, "spectral") for fault in (kill_worker, kill_server)]
SLOW = [pytest.param(PLAIN, fault, marks=pytest.mark.slow) for fault in (stop_worker, stop_server)]


@pytest.mark.parametrize(("model", "fault"), [*QUICK, *SLOW])
def test_a_host_that_waits_loses_nothing(own_sidecar, stream, model, fault):
    live, audio = stream(model, realtime=False), noise(3 * RATE)
    heard = play(live, audio, {1: partial(fault, own_sidecar)}, realtime=False)
    late = check(heard, audio, expected(live, audio, RATE), live.plan.guard, EXACT)
    assert not late.any()
    assert bool(live.stats()["reconnects"]) == (fault in (kill_worker, kill_server))


@pytest.mark.slow
def test_several_deaths_in_a_row(own_sidecar, stream):
    live = stream(PLAIN, realtime=True)
    audio = noise(8 * RATE)
    times = (1.0, 1.1, 2.5)
    heard = play(live, audio, dict.fromkeys(times, partial(kill_worker, own_sidecar)))
    late = check(heard, audio, expected(live, audio, RATE), live.plan.guard, EXACT)
    show(f"killed at {times} s: late {gaps(late)}, {live.stats()['reconnects']} times begun again")
    assert not late[-RATE // 4 :].any()


@pytest.mark.slow
def test_a_network_is_loaded_again(own_sidecar, stream, weights, network):
    live = stream(weights, latency=1500, cost_us=100_000)
    audio, killed = noise(7 * RATE), 2
    heard = play(live, audio, {killed: partial(kill_worker, own_sidecar)})
    wanted = expected(live, audio, RATE, network)
    late = check(heard, audio, wanted, live.plan.guard, NETWORK)
    show(f"network: {gaps(late)} late, again after {outage(late, killed, live.latency):.2f} s")
    assert live.stats()["reconnects"] >= 1
    assert not late[-RATE // 4 :].any()


def test_a_death_while_a_model_is_measured(own_sidecar):
    told = []

    def kill_once(what, _done, _total):
        if "measuring" in what and what not in told:
            kill_worker(own_sidecar)
        told.append(what)

    with StemStream(
        RATE,
        BLOCK,
        f"{PLAIN}1",
        LATENCY_MS,
        connection=own_sidecar.connection,
        realtime=False,
        on_progress=kill_once,
    ) as live:
        audio = noise(RATE)
        heard = play(live, audio, realtime=False)
        assert not check(
            heard,
            audio,
            expected(live, audio, RATE, FakeSeparator(48_000, 1, delay=2001)),
            live.plan.guard,
            EXACT,
        ).any()
    assert any("measuring" in what for what in told)


TOLD = r"worker died (2 times while it loaded|5 times in a row)"


@pytest.mark.slow
def test_a_worker_that_dies_each_time(own_sidecar, stream):
    live = stream(PLAIN, realtime=True)
    other = stream("spectral", realtime=False)
    dying = threading.Event()

    def kill_each():
        while not dying.wait(0.02):
            is_killed(own_sidecar.workers().get("fake"))

    with ThreadPoolExecutor(1) as beside:
        killing = beside.submit(kill_each)
        try:
            began = time.monotonic()
            wait_until(lambda: "worker died" in " ".join(hear(live)), lambda: own_sidecar.log)
            show(f"told after {time.monotonic() - began:.1f} s: {live.warnings}")
            with pytest.raises(ServerError, match=TOLD):
                stream("fake:segment=16384", realtime=False)
            audio = noise(RATE)
            heard = play(other, audio, realtime=False)
            check(heard, audio, expected(other, audio, RATE), other.plan.guard, EXACT)
        finally:
            dying.set()
            killing.result()
    wait_until(lambda: not hear(live) and live.connected, lambda: own_sidecar.log)


def hear(live):
    """Play a moment of silence; returns the warnings."""
    live.process(np.zeros((2, BLOCK), np.float32))
    time.sleep(0.01)
    return live.warnings
