"""What the server does besides passing audio on: sessions, configurations, workers that die."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from bridge import __version__
from bridge.errors import RemoteProtocolError
from bridge.protocol import limits
from bridge.protocol.codec import encode
from bridge.protocol.codes import Code
from bridge.protocol.fields import VERSION, clipped
from bridge.protocol.messages import (
    Bye,
    Configure,
    Error,
    Hello,
    Lost,
    Ping,
    Pong,
    Progress,
    Welcome,
)
from bridge.protocol.messages_worker import Close, Failed, Load, Loaded, Loading
from bridge.protocol.record import Message
from bridge.protocol.session import ServerSession
from bridge.protocol.states import Socket, State
from bridge.runtime.cores import cores
from bridge.runtime.logs import log
from bridge.runtime.mistakes import contained
from bridge.runtime.planning import Refused
from bridge.runtime.preset_store import entries, is_name
from bridge.runtime.server_grants import grant, no_model
from bridge.runtime.server_loads import Loads
from bridge.runtime.server_places import best_place, check_share
from bridge.runtime.server_session import ANSWERS, Session, Sessions
from bridge.runtime.workers import MOST_DEATHS, Worker, kind_of

SERVER = f"stembridge {__version__}"
HEARTBEAT_US = 1_000_000
"""How often each side says something."""

SESSIONS = 64
"""Sessions at once. Each may hold its credit in queues and a window in a worker."""

LOOK_US = 1_000_000
"""How old the names of presets may be: a flood of HELLOs shall not keep a disk busy."""

ATTEMPTS = 2
"""Workers that may die while they load what a session waits for, before it is refused: the first
one may have died of something else, and others use them."""

Tell = Callable[[Session, Socket, Message], bool]
"""Sends a message to a client; False when it cannot take it now."""


class Control:
    """Grants configurations, and keeps sessions alive over the deaths of workers.

    local: only this user can reach the server, who may name any file that they can read.
    calibrate_us: how long a model is measured for before its first use.
    """

    def __init__(
        self, tell: Tell, workers: dict[str, Worker], calibrate_us: int, *, local: bool
    ) -> None:
        self.sessions = Sessions()
        self._tell = tell
        self._local = local
        self._workers = workers
        self._loads = Loads(self.sessions, workers, calibrate_us)
        self._names: tuple[str, ...] = ()
        self._looked_us = -LOOK_US

    def hello(self, message: Hello, peer: bytes, now_us: int) -> None:
        """Begin a session. Raises RemoteProtocolError when there are too many."""
        earlier = self.sessions.by_peer(Socket.CONTROL, peer)
        if earlier is not None:
            self.end(earlier, "said HELLO again")
        if len(self.sessions) >= SESSIONS:
            raise RemoteProtocolError(
                f"{len(self.sessions)} sessions are open, which is all there may be; close one",
                Code.FULL,
            )
        token = secrets.randbits(64) or 1
        session = Session(message.client, peer, now_us, ServerSession(), token)
        session.protocol.receive(Socket.CONTROL, message, now_us)
        welcome = Welcome(
            VERSION, SERVER, token, HEARTBEAT_US, limits.FRAMES, (), self._presets(now_us)
        )
        self._tell(session, Socket.CONTROL, welcome)
        self.sessions.add(session)

    def _presets(self, now_us: int) -> tuple[str, ...]:
        """Names of presets for a menu; the folders are looked at once a second at most."""
        if now_us - self._looked_us >= LOOK_US:
            self._looked_us = now_us
            names = [entry.name for entry in entries() if is_name(entry.name)]
            self._names = tuple(names[: limits.PRESETS])
        return self._names

    def receive(self, session: Session, message: Message, now_us: int) -> Message | None:
        """Take what a session's control socket brought; returns the answer."""
        match message:
            case Ping():
                session.late = max(session.late, message.late)
                return Pong(message.stamp, self._load_permille(session))
            case Configure():
                self.configure(session, message, now_us)
            case Bye():
                self.end(session, "the client left")
                return Bye(session.token)
        return None

    def _load_permille(self, session: Session) -> int:
        """For what share of the last second or so the session's worker was busy."""
        if session.current is None:
            return 0
        load = self._workers[session.current.worker].stats.get("load_permille")
        return load if isinstance(load, int) else 0

    def configure(self, session: Session, message: Configure, now_us: int) -> None:
        """Have the model loaded and measured; `loaded` goes on from there."""
        kind = kind_of(message.model)
        if kind == "networks" and (refused := no_model(message.model, local=self._local)):
            self._refuse(session, message.request, refused)
            return
        session.waiting_us, session.refused, session.moved = now_us, set(), False
        place = self._place(session, kind)
        self._ask(session, place, self._loads.of(message), message, now_us)

    def _place(self, session: Session, kind: str) -> str:
        """The worker to ask for room, of those of a kind that had some; "" for none."""
        alike = {name: self._workers[name].deaths == 0 for name in self._alike(kind)}
        left = {name: can for name, can in alike.items() if name not in session.refused}
        return best_place(self.sessions, session, left) if left else ""

    def _alike(self, kind: str) -> list[str]:
        return [worker.name for worker in self._workers.values() if worker.kind == kind]

    def _ask(
        self, session: Session, worker: str, load: Load, wanted: Configure, now_us: int
    ) -> None:
        session.waiting = (worker, load, wanted)
        session.attempts = 0
        self._workers[worker].ensure(now_us)
        self._loads.go_on(worker)

    def tick(self) -> None:
        """Answer those whose turn comes with time; have new workers load what sessions had."""
        for session in self.sessions:
            session.answers = min(ANSWERS, session.answers + 1)
        for worker in self._workers:
            self._loads.go_on(worker)

    def loading(self, message: Loading, worker: str) -> None:
        """Tell clients what they wait for, be it that others go first."""
        for session in self.sessions:
            if session.waiting and session.waits_for(worker):
                request = session.waiting[2].request
                done = Progress(session.token, request, "waiting for another model", 0, 0)
                if session.waits_for(worker, message.key):
                    done = replace(done, what=message.what, done=message.done, total=message.total)
                self._tell(session, Socket.CONTROL, done)

    def loaded(self, message: Loaded, worker: str, now_us: int) -> None:
        """Grant what waits for this model, and begin again what the worker's death interrupted."""
        for session in self.sessions:
            with contained():
                if worker in session.recovering:
                    self._reopen(session, worker, message)
                if session.waits_for(worker, message.key) and session.answers:
                    self._answer(session, message, now_us)
        self._loads.end(worker, message.key)
        self._loads.go_on(worker)

    def failed(self, message: Failed, worker: str) -> None:
        """Refuse what waits for this model, and end what cannot go on without it."""
        refused = Refused(message.code, message.text, message.hint)
        is_load = self._workers[worker].loading == message.key
        for session in self.sessions:
            granted = session.granted.values()
            opened = {g.load.key for g in granted if g.worker == worker}  # where an OPEN has failed
            needed = session.lost.get(worker, {}) if is_load else opened
            if is_load and session.waits_for(worker, message.key):
                self._refuse_waiting(session, refused)
            if message.key in needed:
                self.end(session, message.text, Code.WORKER)
        self._loads.end(worker, message.key)
        self._loads.go_on(worker)

    def fail(self, message: Error) -> None:
        """End the session whose model gave no stems."""
        if (session := self.sessions.by_token(message.session)) is not None:
            self.end(session, message.text, Code.MODEL)

    def died(self, worker: str) -> None:
        """A worker is gone: its sessions wait for the next one, or end if it dies too often."""
        hopeless = self._workers[worker].deaths >= MOST_DEATHS
        waits = any(session.waits_for(worker) for session in self.sessions)
        if hopeless or not (waits or any(worker in session.workers for session in self.sessions)):
            self._workers[worker].deaths = 0  # the next session begins anew
        for session in self.sessions:
            with contained():
                self._lose(session, worker, hopeless=hopeless)

    def release(self, session: Session, before: set[str]) -> None:
        """Tell those of the workers `before` that the session does not need any more."""
        for worker in before - session.workers:
            self._workers[worker].send(encode(Close(session.token)))

    def end(self, session: Session, why: str, code: Code | None = None) -> None:
        """Close a session; with a code its client is told that it is a failure."""
        log("session.closed", session=session.short, client=session.name, reason=why)
        if session.protocol.state is not State.OFFLINE:
            over = Error(code, clipped(why), "", session.token, 0) if code else Bye(session.token)
            self._tell(session, Socket.CONTROL, over)
        self.sessions.remove(session)
        session.waiting = None
        for worker in session.workers:
            self._workers[worker].send(encode(Close(session.token)))

    def _lose(self, session: Session, worker: str, *, hopeless: bool) -> None:
        if worker in session.workers:
            session.needs_again(worker)
            session.losses += 1
            if not session.lost[worker]:  # all that it had was the end of an epoch
                self._recover(session, worker)
        if session.waits_for(worker, self._workers[worker].loading):
            session.attempts += 1
            if session.attempts >= ATTEMPTS:
                text = f"the worker died {ATTEMPTS} times while it loaded this; see its log"
                self._refuse_waiting(session, Refused(Code.WORKER, text))
        why = f"its worker died {MOST_DEATHS} times in a row; see the server's log"
        if hopeless and worker in session.recovering:
            self.end(session, why, Code.WORKER)
        elif hopeless and session.waits_for(worker):
            self._refuse_waiting(session, Refused(Code.WORKER, why))

    def _reopen(self, session: Session, worker: str, model: Loaded) -> None:
        """Tell a new worker what the one before knew of this model, before it forgets the model."""
        key = model.key
        session.lost[worker].pop(key, None)
        known = [
            granted
            for granted in session.granted.values()
            if granted.worker == worker and granted.load.key == key
        ]
        if any(granted.model.preset != model.preset for granted in known):
            self.end(session, "its preset has been changed; choose it again", Code.MODEL)
            return
        for granted in known:
            self._workers[worker].send(encode(granted.open))
        if not session.lost[worker]:
            self._recover(session, worker)

    def _recover(self, session: Session, worker: str) -> None:
        """Have the client begin again, where it plays what `worker` has lost."""
        before = session.workers
        if session.has_again(worker):
            session.epochs.clear()  # LOST says that all are over
            if not self._tell(session, Socket.AUDIO, Lost(session.token, session.protocol.epoch)):
                self.end(session, "the client takes no audio, not even LOST", Code.SILENT)
        self.release(session, before)

    def _answer(self, session: Session, model: Loaded, now_us: int) -> None:
        """Grant or refuse what the session waits for, now that its model is here."""
        if session.waiting is None:
            return
        (worker, load, wanted), session.waiting = session.waiting, None
        kind = self._workers[worker].kind
        if not session.moved and (better := self._place(session, kind)) != worker:
            session.moved = True  # it has filled up while this one waited for the model
            self._ask(session, better, load, wanted, now_us)
            return
        session.answers -= 1
        try:
            granted = grant(self.sessions, session, worker, load, wanted, model)
        except Refused as refused:
            session.refused.add(worker)
            if refused.code == Code.LOAD and (other := self._place(session, kind)):
                self._ask(session, other, load, wanted, now_us)
            else:
                self._refuse(session, wanted.request, refused)
            return
        try:
            check_share(self.sessions, session, granted, self._alike(kind), cores())
        except Refused as refused:
            self._refuse(session, wanted.request, refused)
            return
        before = session.workers
        session.grant(granted)
        self.release(session, before)
        self._workers[worker].send(encode(granted.open))
        self._tell(session, Socket.CONTROL, granted.answer)
        log(
            "session.configured",
            session=session.short,
            client=session.name,
            model=model.name,
            rate=wanted.rate,
            latency_ms=round(1000 * granted.answer.latency / wanted.rate, 1),
        )

    def _refuse_waiting(self, session: Session, refused: Refused) -> None:
        if session.waiting:
            request, session.waiting = session.waiting[2].request, None
            self._refuse(session, request, refused)

    def _refuse(self, session: Session, request: int, refused: Refused) -> None:
        log("session.refused", session=session.short, code=refused.code, reason=refused)
        text = clipped(str(refused))
        answer = Error(refused.code, text, clipped(refused.hint), session.token, request)
        self._tell(session, Socket.CONTROL, answer)
