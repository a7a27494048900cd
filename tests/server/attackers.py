"""Clients that break every rule: malformed frames, and well-formed messages to no good end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import numpy as np
import zmq

from bridge.protocol import limits
from bridge.protocol.codec import decode, encode
from bridge.protocol.messages import (
    Attach,
    Audio,
    Configure,
    Configured,
    Drain,
    Error,
    Hello,
    Ping,
    Reset,
    SavedPlan,
    Status,
    Welcome,
)
from bridge.protocol.record import Message
from bridge.protocol.states import Socket
from bridge.runtime.connection import read_connection
from bridge.runtime.transport import connect_client
from tests.protocol.hostile import Frames, hostile
from tests.server.raw import configuring

T = TypeVar("T")
SHUTDOWN = b"SHUTDOWN"  # it ends a server on this machine, as it should

ODD_MODELS = (
    *("fake", "fake:cost=3600", "fake:cost=1e308", "fake:rate=8000,segment=1000000000"),
    *("fake:rate=1", "fake:rate=8001", "fake:delay=10000000", "fake:segment=nan", "fake:cost=-1"),
    *("fake:rate=384000,segment=1048000", "fake:segment=1e30", "fake:" + "x" * 900),
    *("spectral", "spectral:x", "spectral:/etc/passwd.th", "auto", "htdemucs"),
    *("/etc/passwd", "../../etc/passwd", "~nobody-here/x", "/dev/zero", "/proc/self/mem.th", "."),
    *("/" * 900, "a" * 999, "/tmp", "~", "C:\\x.th", "//host/share/x.th", "x.safetensors", "%s"),
)
ODD_RATES = (8000, 8001, 44_100, 48_000, 47_999, 383_997, 384_000)
MINUTE = 60_000_000


class Attacker:
    """Two raw sockets of one peer, and a random mind. Nothing that it gets may surprise it."""

    def __init__(self, connection: Path, seed: int) -> None:
        self._context: Any = zmq.Context()
        control, audio = connect_client(self._context, read_connection(connection))
        self._sockets = {Socket.CONTROL: control, Socket.AUDIO: audio}
        self.random = Random(seed)  # noqa: S311 - the same attack for the same seed
        self.sent = 0
        self.answers: dict[str, int] = {}
        self.codes: dict[str, int] = {}

    def close(self) -> None:
        """Vanish without a word."""
        self._context.destroy(linger=0)

    def send(self, socket: Socket, frames: Frames) -> bool:
        """Send whatever it is; False when the server does not take it now."""
        if not frames:
            return False
        try:
            self._sockets[socket].send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:  # the connection was closed over a frame that was too large
            self._sockets[socket].poll(50, zmq.POLLOUT)
            return False
        self.sent += 1
        return True

    def read(self, milliseconds: int = 0) -> list[Message]:
        """All that has come, each of which a client can read."""
        found = []
        for socket in self._sockets.values():
            while socket.poll(milliseconds):
                milliseconds = 0
                message = decode(socket.recv_multipart())
                self.answers[message.wire_name] = self.answers.get(message.wire_name, 0) + 1
                if isinstance(message, Error):
                    self.codes[message.code] = self.codes.get(message.code, 0) + 1
                found.append(message)
        return found


class Garbler(Attacker):
    """Sends what `hostile` makes, over both sockets, as if it had no session."""

    def __init__(self, connection: Path, seed: int) -> None:
        super().__init__(connection, seed)
        self._messages = hostile(self.random)

    def work(self, count: int) -> None:
        """Send so many messages."""
        for _ in range(count):
            frames = next(self._messages)
            if not any(SHUTDOWN in frame for frame in frames):
                self.send(self.random.choice((*Socket,)), frames)
        self.send(Socket.CONTROL, [b""] * self.random.randrange(1, 3000))
        if self.random.random() < 0.1:
            self.send(Socket.AUDIO, [bytes(self.random.choice([10**5, 10**6, 10**7]))])
        self.read()


class Liar(Attacker):
    """Has a session, and says what a client could say, in no good order and with extreme values.

    models: what it asks for, among them what cannot be had.
    """

    def __init__(self, connection: Path, seed: int, models: tuple[str, ...] = ODD_MODELS) -> None:
        super().__init__(connection, seed)
        self._models = models
        self._token = self._request = self._epoch = self._agreed = self._at = 0
        self._channels = 2
        self._asked: dict[int, int] = {}
        self._plan: SavedPlan | None = None
        self._acts = (
            *[self._configure] * 2,
            *[self._reset] * 2,
            *[self._audio] * 16,
            self._drain,
            self._ask,
            self._spoof,
        )

    def work(self, count: int) -> None:
        """Say so many things."""
        for number in range(count):
            if not self._token or self.random.random() < 0.001:
                self._greet()
            if not self._agreed and self._token:
                self._settle()
            self._say(*self.random.choice(self._acts)())
            if number % 32 == 0:
                self._take(self.read())
        self._take(self.read(2))

    def _greet(self) -> None:
        self._say(Socket.CONTROL, Hello((1, 0), self._pick("x", "x" * 256)))
        self._request = self._epoch = self._agreed = 0
        self._take(self.read(1000))

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            match message:
                case Welcome():
                    self._token = message.session
                case Configured() if message.session == self._token:
                    self._agreed, self._plan = message.request, message.plan
                    self._channels = self._asked.get(message.request, 2)
                case Error(session=session, request=0) if session:
                    self._token = self._agreed = 0

    def _pick(self, *values: T) -> T:
        return self.random.choice(values)

    def _say(self, socket: Socket, message: Message) -> None:
        self.send(socket, [bytes(frame) for frame in encode(message)])

    def _settle(self) -> None:
        """Ask for what can be had, so that the rest is about something."""
        self._request += 1
        self._asked = {**self._asked, self._request: 2}
        model = self._pick("fake", "fake:rate=44100,segment=9000", "spectral")
        realtime = self._pick(True, False)
        late = self._pick(0, 200_000)
        wanted = configuring(
            self._token, self._request, model=model, realtime=realtime, latency_us=late
        )
        self._say(Socket.CONTROL, wanted)
        for _ in range(50):
            self._take(found := self.read(20))
            if any(isinstance(message, Configured | Error) for message in found):
                break
        self._say(Socket.AUDIO, Attach(self._token or 1))
        self._say(*self._reset())

    def _configure(self) -> tuple[Socket, Message]:
        if self.random.random() < 0.8:  # storms of them are only one of its arts
            return self._ask()
        pick = self._pick
        self._request += pick(1, 1, 1, 1000)
        channels = pick(1, 2)
        self._asked = {**dict([*self._asked.items()][-8:]), self._request: channels}
        return Socket.CONTROL, configuring(
            self._token,
            self._request,
            rate=pick(*ODD_RATES),
            block=pick(1, 512, 65_536),
            channels=channels,
            model=pick(*self._models),
            latency_us=pick(0, 0, 1, 100_000, MINUTE),
            burst=pick(-1, 0, 100, limits.SPAN_FRAMES),
            context=pick(0, 0, 1, 4800, limits.SPAN_FRAMES),
            lookahead=pick(-1, -1, 0, 4800, limits.SPAN_FRAMES),
            transport_us=pick(0, 1000, MINUTE),
            residual=pick(True, False),
            realtime=pick(True, False),
            precision=pick("exact", "fast"),
            saved=self._saved(),
        )

    def _saved(self) -> SavedPlan | None:
        pick, span = self._pick, limits.SPAN_FRAMES
        if self._plan is None or pick(True, False):
            return None
        plan = self._plan
        for _ in range(pick(0, 1, 2)):
            name = pick(*plan.kinds)
            value = pick(0, 1, 2, 4800, span) if name != "model_rate" else pick(*ODD_RATES)
            if name.endswith("_us"):
                value = pick(0, 1, 1000, MINUTE)
            if name in ("hop", "window", "block"):
                value = max(1, min(value, limits.BLOCK if name == "block" else span))
            plan = replace(plan, **{name: value})
        return plan

    def _reset(self) -> tuple[Socket, Message]:
        pick = self._pick
        self._epoch = min(limits.NUMBER, self._epoch + pick(*[1] * 60, 0, 2**20))
        top = limits.FRAME
        origin = pick(0, 48_000, 2**53, top - 40_000, top - 1, top, max(0, self._at - 1000))
        start = min(top, origin + pick(*[0] * 8, 1, 100_000, 2**40, 2**62))
        self._at = start
        request = pick(self._agreed, self._agreed, self._agreed, self._request, 1) or 1
        return Socket.AUDIO, Reset(self._token, max(1, self._epoch), origin, start, request)

    def _audio(self) -> tuple[Socket, Message]:
        pick = self._pick
        frames = pick(1, 64, 512, 4096, limits.FRAMES)
        channels = pick(*[self._channels] * 20, 1, 2)
        block = np.full((channels, frames), pick(0.1, np.nan, np.inf, 3e38, -1e30), np.float32)
        start = min(limits.FRAME, max(0, self._at + pick(*[0] * 30, -1, 1, -(10**9), 10**9)))
        got = pick(0, start, limits.FRAME)
        if start == self._at:  # else it is refused, and what follows shall not be
            self._at = min(limits.FRAME, start + frames)
        return Socket.AUDIO, Audio(self._token, max(1, self._epoch), start, got, block)

    def _drain(self) -> tuple[Socket, Message]:
        stop = max(0, self._pick(self._at, self._at, self._at - 5, 0, limits.FRAME))
        return Socket.AUDIO, Drain(self._token, max(1, self._epoch), min(stop, limits.FRAME))

    def _ask(self) -> tuple[Socket, Message]:
        pings = Ping(self._pick(0, 1, limits.TOKEN), self._pick(0, limits.NUMBER))
        return self._pick((Socket.CONTROL, Status()), (Socket.AUDIO, pings))

    def _spoof(self) -> tuple[Socket, Message]:
        """Messages about a session that may be somebody's, but is not its own."""
        token = self.random.getrandbits(64) or 1
        block = np.zeros((2, 512), np.float32)
        return self._pick(
            (Socket.AUDIO, Attach(token)),
            (Socket.AUDIO, Reset(token, 1, 0, 0, 1)),
            (Socket.AUDIO, Audio(token, 1, 0, 0, block)),
            (Socket.CONTROL, self._other_configure(token)),
        )

    def _other_configure(self, token: int) -> Configure:
        return configuring(token, self._request + 1)


def described(attackers: list[Attacker]) -> str:
    """What they sent and got, for whoever reads the output of a test."""
    kinds: dict[str, int] = {}
    codes: dict[str, int] = {}
    for attacker in attackers:
        for found, total in ((attacker.answers, kinds), (attacker.codes, codes)):
            for name, count in found.items():
                total[name] = total.get(name, 0) + count
    return f"{sum(a.sent for a in attackers)} messages; answers {kinds}; errors {codes}"


def attack(attackers: list[Any], count: int, each: int) -> None:
    """Let them work in turn, `each` messages at a time, until they have sent `count` in all."""
    while sum(attacker.sent for attacker in attackers) < count:
        for attacker in attackers:
            attacker.work(each)
