"""Links that are slow, lossy or cut for a while, and hosts that run ahead of the clock."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle, repeat
from pathlib import Path

import numpy as np
import pytest

from tests.server.hosting import BLOCK, RATE, check, gaps, opened, outage, play, show, undisturbed
from tests.server.playing import expected, noise
from tests.server.sidecar import Sidecar

EXACT = 1e-6
PLAIN = "fake:rate=48000,segment=16384,delay=200"
ROOT = Path(__file__).parents[2]
JITTER_SECONDS = 0.02
BURST = RATE // 5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """A sidecar that listens on loopback tcp."""
    options = ("--calibrate", "0.2", "--bind", "tcp://127.0.0.1:*")
    with Sidecar(tmp_path_factory.mktemp("s"), *options) as running:
        yield running


class Link:
    """A relay in front of a sidecar. connection: the file by which clients find it."""

    def __init__(self, process, connection):
        self._process = process
        self.connection = connection

    def tell(self, word):
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def interrupt(self, off, on, seconds):
        self.tell(off)
        time.sleep(seconds)
        self.tell(on)


@contextmanager
def linked(sidecar, folder, *, jitter=0.0, loss=0.0):
    """A Link of that quality, each way."""
    found = json.loads(sidecar.connection.read_text())
    names = ("control", "audio")
    ports = [found[name].rpartition(":")[2] for name in names]
    relay = subprocess.Popen(
        [sys.executable, "-m", "tests.server.relay", str(jitter), str(loss), *ports],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert relay.stdout is not None
    with relay:
        ours = relay.stdout.readline().split()
        found |= {n: f"tcp://127.0.0.1:{port}" for n, port in zip(names, ours, strict=True)}
        file = folder / "connection.json"
        file.write_text(json.dumps(found))
        file.chmod(0o600)
        try:
            yield Link(relay, file)
            sidecar.wait_for_sessions(0)  # what says goodbye is still on its way
        finally:
            relay.terminate()


def test_jitter_is_measured_and_allowed_for(far, tmp_path):
    with (
        linked(far, tmp_path, jitter=JITTER_SECONDS) as link,
        opened(far, PLAIN, 200_000, latency=None, connection=link.connection) as live,
    ):
        _, late = undisturbed(live, noise(3 * RATE), EXACT)
        show(
            f"jitter of 20 ms each way: {late.sum()} late, latency {live.latency / RATE:.3f} s,",
            f"plan {live.plan}, {live.stats()}",
        )
        assert live.plan.transport_us > 1_500_000 * JITTER_SECONDS
        assert not late.any()


@pytest.mark.parametrize("loss", [0.001, 0.01])
def test_loss_is_heard_and_counted(far, tmp_path, loss):
    with (
        linked(far, tmp_path, loss=loss) as link,
        opened(far, PLAIN, connection=link.connection, latency=300) as live,
    ):
        audio = noise(3 * RATE)
        heard = play(live, audio)
        late = check(heard, audio, expected(live, audio, RATE), live.plan.guard, EXACT)
        show(f"loss of {loss}: {late.sum()} of {late.size} late at 300 ms, {live.stats()}")


@pytest.mark.parametrize(("off", "on", "seconds"), [("cut", "mend", 5), ("hold", "go", 3)])
def test_a_cut(far, tmp_path, off, on, seconds):
    with (
        linked(far, tmp_path) as link,
        opened(far, PLAIN, connection=link.connection) as live,
    ):
        latency, audio = live.latency, noise((seconds + 7) * RATE)
        heard = play(live, audio, {1: partial(link.interrupt, off, on, seconds)})
        late = check(heard, audio, expected(live, audio, RATE), live.plan.guard, EXACT)
        show(
            f"{off} for {seconds} s: {late.sum()} late, stems again {outage(late, 1, latency):.2f}",
            f"s after it began; gaps {gaps(late)}, longest call {1000 * heard.longest:.0f} ms",
        )
        assert late.any()
        assert live.connected
        assert live.latency == latency


def in_groups(sizes):
    """Times of a host that hands over so many blocks at once, and no more until those are due."""
    start = 0
    for size in sizes:
        yield from [start / RATE] * size
        start += size * BLOCK


MOST = BURST // BLOCK
PATTERNS = {
    "always the most": lambda: in_groups(repeat(MOST)),
    "much, then one by one": lambda: in_groups(cycle([MOST, *[1] * MOST])),
    "anything": lambda: in_groups(np.random.default_rng(1).integers(1, MOST + 1, 1000)),
    "less and less": lambda: in_groups(cycle(range(MOST, 0, -3))),
    "ahead all the time": lambda: (max(0, (n + 1) * BLOCK - BURST) / RATE for n in count()),
}


@pytest.mark.alone
@pytest.mark.parametrize("pattern", PATTERNS)
def test_bursts(far, pattern):
    with opened(far, PLAIN, 60_000, latency=None, burst=BURST) as live:
        heard, late = undisturbed(live, noise(2 * RATE), EXACT, PATTERNS[pattern])
        show(
            f"{pattern}: {late.sum()} late, longest call {1000 * heard.longest:.1f} ms,",
            f"latency {1000 * live.latency / RATE:.0f} ms, {live.stats()['slack_us']}",
        )
        assert not late.any()
