"""The LOADs that a worker was asked for, done one after the other, a step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bridge.protocol.messages_worker import Load, Loaded, Loading
from bridge.protocol.record import Message
from bridge.runtime.logs import log, place
from bridge.runtime.slot import Result, Slot
from bridge.runtime.worker_models import Shelf, failure


class Loads:
    """Has models loaded and measured in `slot`, and answers through `send`."""

    def __init__(self, shelf: Shelf, slot: Slot, send: Callable[[Message], None]) -> None:
        self._shelf = shelf
        self._slot = slot
        self._send = send
        self._waiting: list[tuple[Load, Iterator[Loading | Loaded | None]]] = []

    def add(self, wanted: Load) -> None:
        """Take a LOAD; `step` begins with it when its turn comes."""
        self._waiting.append((wanted, self._shelf.load(wanted)))

    def collect(self) -> None:
        """Hand out what a step in another thread has given."""
        self._slot.collect()

    def step(self) -> bool:
        """Go on with the oldest LOAD; True when a step is done and more may follow."""
        if not self._waiting or self._slot.busy:
            return False
        wanted, steps = self._waiting[0]
        self._slot.start(lambda: next(steps), lambda result: self._done(wanted, result))
        return not self._slot.busy

    def _done(self, wanted: Load, result: Result[Loading | Loaded | None]) -> None:
        try:
            answer: Message | None = result()
        except Exception as error:  # noqa: BLE001 - what is in a model's files is not ours
            log("model.failed", model=wanted.model, reason=repr(error), where=place(error))
            answer = failure(wanted.key, error)
        if not isinstance(answer, Loading | None):
            del self._waiting[0]
        if answer is not None:
            self._send(answer)
