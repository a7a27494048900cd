"""The book of one session: where it is, what was agreed, and which messages fit. See states.py."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from bridge.protocol import limits
from bridge.protocol.codes import Code
from bridge.protocol.epochs import Epochs, Terms, Violation
from bridge.protocol.heartbeat import Heartbeat
from bridge.protocol.messages import (
    Attach,
    Attached,
    Audio,
    Bye,
    Configure,
    Configured,
    Credit,
    Drain,
    Drained,
    Error,
    Hello,
    Lost,
    Progress,
    Reset,
    Stems,
    Welcome,
)
from bridge.protocol.record import Message
from bridge.protocol.states import ALLOWED, Socket, State


class Book:
    """What both ends know of a session.

    token: 0 without a session. request: the newest CONFIGURE's; agreed: the newest CONFIGURED's.
    heartbeat_us: how often each side sends something. beats: of the sockets in use.
    """

    def __init__(self) -> None:
        self.token = self.request = self.agreed = 0
        self.heartbeat_us = limits.GREETING_US
        self.beats: dict[Socket, Heartbeat] = {}
        self.epochs = Epochs()
        self._handshake: State | None = State.OFFLINE  # None once there is a session
        self._asked: Configure | None = None
        self._asks: deque[int] = deque(maxlen=limits.PLANS)
        self._terms: dict[int, Terms] = {}
        self._attached = self._lost = False
        self._entries: dict[type[Message], Callable[[Any], bool]] = {
            Hello: self._greet,
            Welcome: self._welcome,
            Configure: self._ask,
            Progress: lambda message: message.request == self.pending,
            Configured: self._agree,
            Attach: self._attach,
            Attached: self._confirm,
            Reset: self._reset,
            Audio: self.epochs.audio,
            Stems: self.epochs.stems,
            Credit: self.epochs.credit,
            Drain: self.epochs.drain,
            Drained: self.epochs.drained,
            Lost: self._lose,
            Error: self._refuse,
            Bye: self._leave,
        }

    @property
    def state(self) -> State:
        """Where the session is."""
        if self._handshake is not None:
            return self._handshake
        if not self._terms:
            return State.NEW
        if self._lost:
            return State.LOST
        epoch = self.epochs.current
        if epoch is None:
            return State.CONFIGURED
        return State.RUNNING if epoch.stop is None else State.DRAINING

    @property
    def pending(self) -> int:
        """The request that was not answered yet; 0 when there is none."""
        return self._asked.request if self._asked else 0

    def enter(self, message: Message, types: frozenset[type[Message]]) -> bool:
        """Take a message of either side into the book; False when it is about something over.

        types: what this side may send over that socket. Raises Violation, and changes nothing then.
        """
        kind = type(message)
        if kind not in types:
            raise Violation(Code.TYPE, "it may not be sent over this socket")
        state = self.state
        if kind not in ALLOWED[state]:
            raise Violation(Code.ORDER, f"it may not be sent while the session is {state.value}")
        entry = self._entries.get(kind)
        return entry is None or entry(message)

    def end(self) -> None:
        """The session is over. Numbers go on counting up, so that what crosses is recognised."""
        self._handshake = State.OFFLINE
        self.token = 0
        self.heartbeat_us = limits.GREETING_US
        self.beats.clear()
        self.epochs.clear()
        self._asked = None
        self._asks.clear()
        self._terms.clear()
        self._attached = self._lost = False

    def _greet(self, _message: Hello) -> bool:
        self.end()
        self._handshake = State.GREETING
        return True

    def _welcome(self, message: Welcome) -> bool:
        self._handshake = None
        self.token = message.session
        self.heartbeat_us = message.heartbeat_us
        return True

    def _ask(self, message: Configure) -> bool:
        if message.request <= self.request:
            raise Violation(
                Code.ORDER, f"request {message.request} after {self.request}; count requests up"
            )
        self.request = message.request
        self._asked = message
        self._asks.append(message.request)
        kept = {*self._asks, self.agreed, self.epochs.request}
        self._terms = {request: self._terms[request] for request in self._terms if request in kept}
        return True

    def _agree(self, message: Configured) -> bool:
        if message.request > self.request:
            raise Violation(Code.ORDER, f"request {message.request}, which nobody made")
        if self._asked is None or message.request != self._asked.request:
            return False
        self._terms[message.request] = Terms(
            self._asked.channels,
            len(message.sources),
            message.latency,
            message.credit,
            message.phase,
        )
        self.agreed = message.request
        self._asked = None
        return True

    def _attach(self, _message: Attach) -> bool:
        self.epochs.clear()
        self._attached, self._lost = True, False
        return True

    def _confirm(self, _message: Attached) -> bool:
        if not self._attached:
            raise Violation(Code.ORDER, "nothing was attached")
        return True

    def _reset(self, message: Reset) -> bool:
        if not self._attached:
            raise Violation(Code.ORDER, "the audio socket is not attached; send ATTACH first")
        if message.request not in self._terms:
            raise Violation(Code.ORDER, f"request {message.request} has no plan; CONFIGURE first")
        self.epochs.reset(message, self._terms[message.request])
        # Who uses a plan does not go back to an older one.
        self._terms = {r: terms for r, terms in self._terms.items() if r >= message.request}
        self._lost = False
        return True

    def _lose(self, message: Lost) -> bool:
        if message.epoch > self.epochs.newest:
            raise Violation(Code.ORDER, f"epoch {message.epoch} was never opened")
        if message.epoch < self.epochs.newest or self.epochs.current is None:
            return False
        self.epochs.clear()
        self._lost = True
        return True

    def _refuse(self, message: Error) -> bool:
        if message.request:
            if message.request != self.pending:
                return False
            self._asked = None
        elif message.session or self._handshake is State.GREETING:
            self.end()
        return True

    def _leave(self, _message: Bye) -> bool:
        self.end()
        return True
