"""A worker that is asked over its pipe, as the server does it."""

import socket
import threading
import time
from itertools import count

import numpy as np
import pytest

from bridge.engine.fake import FakeSeparator
from bridge.errors import ModelError
from bridge.protocol.codec import decode, encode
from bridge.protocol.messages import Audio, Credit, Error, Reset, Stems
from bridge.protocol.messages_worker import Close, Load, Loaded, Open
from bridge.runtime.pipe import Pipe
from bridge.runtime.worker import Worker
from bridge.runtime.worker_session import separate

RATE, HOP, WINDOW = 48_000, 16_000, 40_000
KEY, LIMIT = "k", 64 << 20


class Server:
    """The other end of a worker's pipe."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        self._pipe = Pipe(ours, LIMIT)
        self._worker = threading.Thread(
            target=Worker(Pipe(theirs, LIMIT), "cpu", threaded=False).serve
        )
        self._worker.start()
        self._heard: list[object] = []

    def close(self):
        self._pipe.close()
        self._worker.join()

    def send(self, *messages):
        """All at once, as far as the system takes them."""
        for message in messages:
            self._pipe.send(encode(message))

    def receive(self, wanted):
        """The next message for which `wanted` is true; what comes before is dropped."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self._pipe.flush()
            self._heard += [decode(frames) for frames in self._pipe.receive()]
            while self._heard:
                message = self._heard.pop(0)
                if wanted(message):
                    return message
            time.sleep(0.001)
        raise AssertionError("it did not come")

    def load(self, cost=0.0):
        model = f"fake:rate={RATE},segment={WINDOW},cost={cost}"
        self.send(Load(KEY, model, "exact", RATE, 2, 0, -1, 10_000))
        return self.receive(lambda message: isinstance(message, Loaded))


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(tmp_path))
    made = Server()
    yield made
    made.close()


def opening(session, key=KEY, request=1):
    return Open(session, key, request, RATE, 2, HOP, 0, WINDOW, 0, True, False, 1000, 0, 512, 0)


def audio(session, epoch, start, frames):
    return Audio(session, epoch, start, 0, np.ones((2, frames), np.float32))


def test_a_new_epoch_is_given_credit_where_the_one_before_got_further(server):
    server.load(cost=0.05)  # so that all is there before the second run
    back = 2 * HOP + 5000
    server.send(opening(1), Reset(1, 1, 0, 0, 1))
    for start in range(0, 3 * HOP, HOP // 2):
        server.send(audio(1, 1, start, HOP // 2))
    server.send(Reset(1, 2, back, back, 1))
    server.receive(lambda m: isinstance(m, Stems) and m.start + m.audio.shape[2] >= back)
    server.send(audio(1, 2, back, 6000))  # too little for a run, so that nothing else tells
    found = server.receive(lambda m: isinstance(m, Credit) and m.epoch == 2)
    assert found.received == back + 6000 < 3 * HOP


def test_a_model_that_is_not_there_any_more_ends_one_session(server):
    server.load()
    server.send(opening(1), Reset(1, 1, 0, 0, 1), opening(2, "gone"))
    assert server.receive(lambda m: isinstance(m, Error)).session == 2
    server.send(Reset(2, 1, 0, 0, 1), audio(2, 1, 0, 512), Close(2))  # it may not have heard yet
    for start in range(0, HOP, HOP // 2):
        server.send(audio(1, 1, start, HOP // 2))
    assert server.receive(lambda m: isinstance(m, Stems)).session == 1


class Picky:
    """A model that fails for a batch with something bad in it."""

    def run(self, contexts):
        if "bad" in contexts:
            raise ModelError("not finite")
        return list(contexts)


@pytest.mark.parametrize("batch", [["a"], ["a", "bad", "b"], ["bad", "bad"], ["bad"]])
def test_who_is_bad_fails_alone(batch):
    found = separate(Picky(), batch)  # type: ignore[arg-type]
    assert len(found) == len(batch)
    for context, stems in zip(batch, found, strict=True):
        assert isinstance(stems, ModelError) if context == "bad" else stems == context


def test_stems_leave_before_the_next_run_begins(server, monkeypatch):
    server.load()
    stems_came, runs, separate = threading.Event(), count(), FakeSeparator.separate

    def held(self, batch):
        if next(runs):
            stems_came.wait()
        return separate(self, batch)

    monkeypatch.setattr(FakeSeparator, "separate", held)
    try:
        server.send(opening(1), Reset(1, 1, 0, 0, 1), audio(1, 1, 0, HOP), audio(1, 1, HOP, HOP))
        stems = lambda message: isinstance(message, Stems)  # noqa: E731
        assert server.receive(stems).start == 0  # 512 kB, more than the socket holds at once
    finally:
        stems_came.set()
    assert server.receive(stems).start == HOP
