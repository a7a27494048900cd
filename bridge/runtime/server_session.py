"""One session as the server keeps it, and all of them by what they are looked up by."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property

from bridge.core.admission import Task
from bridge.protocol import limits
from bridge.protocol.messages import Configure, Configured
from bridge.protocol.messages_worker import Load, Loaded, Open
from bridge.protocol.session import ServerSession
from bridge.protocol.states import Socket
from bridge.runtime.outbox import Outbox
from bridge.runtime.planning import held_bytes
from bridge.runtime.session_cost import task

ANSWERS = 8
"""CONFIGUREs of a session that are answered at once; one more with each tick. A client needs two,
and each may take the server the time that audio has to wait."""


@dataclass(frozen=True)
class Granted:
    """A configuration that a client was given, with what a new worker must be told.

    worker: the one that has it.
    """

    worker: str
    wanted: Configure
    load: Load
    model: Loaded
    open: Open
    answer: Configured

    @cached_property
    def task(self) -> Task | None:
        """What it asks of its worker; None for a session that waits for its stems."""
        return task(self.answer.plan, self.model) if self.wanted.realtime else None

    @cached_property
    def held_bytes(self) -> int:
        """What its streams may hold in their worker."""
        return held_bytes(self.answer.plan, self.wanted)


@dataclass(eq=False)
class Session:
    """A client's session: who it is, what it was given, and how it fares.

    token: the secret by which the client names it.
    control, audio: routing ids of the client's sockets; audio is b"" until it is attached.
    waiting: what a CONFIGURE waits for, and the CONFIGURE; since waiting_us. attempts: workers that
    died over it; refused: those that had no room; moved: whether it was sent on from one that had
    filled up meanwhile. answers: CONFIGUREs that may be answered now.
    granted: the newest configurations by request; epochs: the configuration of each open epoch;
    request: of the newest epoch.
    lost: for each worker that died, what the next one has still to load, by key.
    outbox: messages that the audio socket had no room for yet. handed: bytes that its workers were
    handed since they had read everything.
    """

    name: str
    control: bytes
    began_us: int
    protocol: ServerSession
    token: int
    audio: bytes = b""
    waiting: tuple[str, Load, Configure] | None = None
    waiting_us: int = 0
    attempts: int = 0
    refused: set[str] = field(default_factory=set)
    moved: bool = False
    answers: int = ANSWERS
    granted: dict[int, Granted] = field(default_factory=dict)
    epochs: dict[int, Granted] = field(default_factory=dict)
    request: int = 0
    lost: dict[str, dict[str, Load]] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)
    handed: int = 0
    late: int = 0
    unread: int = 0
    losses: int = 0

    @property
    def short(self) -> str:
        """A name for logs and tables that does not give the token away."""
        return f"{self.token & 0xFFFF:04x}"

    @property
    def recovering(self) -> AbstractSet[str]:
        """The workers that died and do not know of it again yet."""
        return self.lost.keys()

    @property
    def current(self) -> Granted | None:
        """What is being played, or else what was granted last."""
        known = list(self.epochs.values()) or list(self.granted.values())
        return known[-1] if known else None

    def waits_for(self, worker: str, key: str | None = None) -> bool:
        """Whether it has a CONFIGURE that `worker` is to answer, with this LOAD if one is named."""
        if self.waiting is None or self.waiting[0] != worker:
            return False
        return key is None or self.waiting[1].key == key

    def held_bytes(self, worker: str) -> int:
        """What its streams may hold in `worker`, whichever of its plans they use."""
        known = (*self.granted.values(), *self.epochs.values())
        return max((g.held_bytes for g in known if g.worker == worker), default=0)

    @property
    def workers(self) -> set[str]:
        """The workers that know of it."""
        return {granted.worker for granted in (*self.granted.values(), *self.epochs.values())}

    def grant(self, granted: Granted) -> None:
        """Keep a configuration; those that no RESET may name any more are forgotten."""
        self.granted[granted.wanted.request] = granted
        for request in sorted(self.granted.keys() - {self.request})[: -limits.PLANS]:
            del self.granted[request]

    def begin(self, epoch: int, request: int) -> None:
        """Note an epoch; a client that uses a configuration does not go back to an older one."""
        self.request = request
        self.granted = {r: g for r, g in self.granted.items() if r >= request}
        self.epochs[epoch] = self.granted[request]
        for old in list(self.epochs)[: -limits.EPOCHS]:
            del self.epochs[old]
        self.lost = {name: loads for name, loads in self.lost.items() if name in self.workers}

    def needs_again(self, worker: str) -> None:
        """Note that `worker` is gone, with all that it had."""
        granted = self.granted.values()
        self.lost[worker] = {g.load.key: g.load for g in granted if g.worker == worker}

    def has_again(self, worker: str) -> bool:
        """Note that `worker` knows of it again; True when its newest epoch is gone."""
        self.lost.pop(worker, None)
        newest = self.epochs.get(self.protocol.epoch)
        self.epochs = {number: g for number, g in self.epochs.items() if g.worker != worker}
        return newest is not None and newest.worker == worker


class Sessions:
    """All sessions, by their tokens and by the sockets of their clients."""

    def __init__(self) -> None:
        self._all: dict[int, Session] = {}
        self._peers: dict[tuple[Socket, bytes], Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def by_token(self, token: int) -> Session | None:
        """The session with this token."""
        return self._all.get(token)

    def by_peer(self, socket: Socket, peer: bytes) -> Session | None:
        """The session that this client's socket belongs to."""
        return self._peers.get((socket, peer))

    def add(self, session: Session) -> None:
        """Keep a new session."""
        self._all[session.token] = session
        self._peers[Socket.CONTROL, session.control] = session

    def attach(self, session: Session, peer: bytes) -> None:
        """Bind an audio socket to a session; the one before is not its any more."""
        self._peers.pop((Socket.AUDIO, session.audio), None)
        session.audio = peer
        self._peers[Socket.AUDIO, peer] = session

    def remove(self, session: Session) -> None:
        """Forget a session."""
        self._all.pop(session.token, None)
        self._peers.pop((Socket.CONTROL, session.control), None)
        self._peers.pop((Socket.AUDIO, session.audio), None)
