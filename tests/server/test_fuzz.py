"""Whatever clients send, the server and its workers go on, and others hear nothing of it."""

import os
import sys
import threading
import time

import numpy as np
import pytest

from bridge.client import StemStream
from bridge.protocol.messages import Stems
from tests.server.attackers import Garbler, Liar, attack, described
from tests.server.playing import blocks, noise, played
from tests.server.sidecar import memory, wait_until

FULL = bool(os.environ.get("STEMBRIDGE_FULL"))
RATE, BLOCK = 48_000, 512
GROWTH_BYTES = 64 << 20
"""Twice what may wait for one client that does not read, and that an allocator may keep."""

GENEROUS_MS = 8000
"""Of the stream that must not wait: the fuzzer takes a core, and other tests the other one."""

CALM_SECONDS = 2.0
"""Between two blocks at most, where the stream that must not wait is to hear nothing of it."""


class Healthy:
    """Plays one song after the other in threads, and notes what is not as it should be."""

    def __init__(self, connection):
        self.signal = noise(RATE)
        self.songs = 0
        self.faults = []
        self.longest = 0.0
        self._over = threading.Event()
        self._waiting = StemStream(RATE, BLOCK, connection=connection, realtime=False, timeout=120)
        self._live = StemStream(
            RATE, BLOCK, latency=GENEROUS_MS, connection=connection, timeout=120
        )
        self.undisturbed = played(self._waiting, self.signal, BLOCK)
        self._threads = [threading.Thread(target=self._wait), threading.Thread(target=self._play)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.late = (self._waiting.late_frames, self._live.late_frames)
        self.reconnects = [s.stats()["reconnects"] for s in (self._waiting, self._live)]
        self._waiting.close()
        self._live.close()

    def _wait(self):
        try:
            while not self._over.is_set():
                stems = played(self._waiting, self.signal, BLOCK)
                if not np.array_equal(stems, self.undisturbed):
                    self.faults.append("the waiting stream's stems are not those undisturbed")
                self.songs += 1
                time.sleep(0.3)
        except Exception as error:  # it is told by the main thread
            self.faults.append(repr(error))
            raise

    def _play(self):
        try:
            began = before = time.monotonic()
            done = 0
            while not self._over.is_set():
                for block in blocks(self.signal, BLOCK):
                    done += block.shape[1]
                    time.sleep(max(0, began + done / RATE - time.monotonic()))
                    self._live.process(block)
                    before, last = time.monotonic(), before
                    self.longest = max(self.longest, before - last)
        except Exception as error:
            self.faults.append(repr(error))
            raise


def storm(sidecar, attackers, count):
    """Let them attack while others play; returns by how many bytes each process grew.

    Memory counts from a third of the attack on, when everything has been used once.
    """
    with Healthy(sidecar.connection) as healthy:
        attack(attackers, count // 3, 400)
        pids = {"server": sidecar.process.pid, **sidecar.workers()}
        before = {name: memory(pid) for name, pid in pids.items()}
        began = time.monotonic()
        attack(attackers, count, 400)
        rate = (count - count // 3) / (time.monotonic() - began)
        found = sidecar.status()
    assert not healthy.faults, healthy.faults
    wait_until(lambda: not any(is_given_stems(attacker) for attacker in attackers))
    after = {name: memory(pid) for name, pid in pids.items()}
    grown = {name: after[name] - before[name] for name in pids}
    for attacker in attackers:
        attacker.close()
    tell(f"{described(attackers)}; {rate:.0f} a second; {healthy.songs} songs meanwhile")
    tell(f"longest turn of the stream that must not wait: {healthy.longest:.2f} s")
    tell(f"MB: {megabytes(after)}, grown by {megabytes(grown)}")
    assert [worker["restarts"] for worker in found["workers"].values() if worker["restarts"]] == []
    assert healthy.songs > 0
    assert healthy.late[0] == 0
    if healthy.longest < CALM_SECONDS:
        assert healthy.late[1] == 0
        assert healthy.reconnects == [0, 0]
    assert not any(attacker.codes.get("internal") for attacker in attackers)
    assert grown["server"] < GROWTH_BYTES
    return grown


def is_given_stems(attacker):
    """Read what waits for an attacker; whether there were stems, of which more may wait."""
    return any(isinstance(message, Stems) for message in attacker.read(50))


def tell(text):
    sys.stdout.write(f"{text}\n")


def megabytes(sizes):
    return {name: size >> 20 for name, size in sizes.items()}


def test_malformed_messages_and_lies(own_sidecar):
    makers = [*[Garbler] * 3, *[Liar] * 2]
    attackers = [make(own_sidecar.connection, seed) for seed, make in enumerate(makers)]
    storm(own_sidecar, attackers, 20_000)


@pytest.mark.slow
def test_many_of_both(own_sidecar):
    count = 1_000_000 if FULL else 100_000
    makers = [*[Garbler] * 4, *[Liar] * 3]
    attackers = [make(own_sidecar.connection, seed) for seed, make in enumerate(makers, 100)]
    grown = storm(own_sidecar, attackers, count)
    assert grown["spectral"] < 2 * GROWTH_BYTES  # its peak is several windows at once
    own_sidecar.wait_for_sessions(0)
