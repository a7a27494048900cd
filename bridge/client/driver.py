"""Drives one stream: the caller's thread does the work, and one in the background what is left.

A real-time caller sends and receives without waiting. Whatever else there is, heartbeats, a new
connection, input and stems while the caller is silent, a thread of our own does ten times a
second. Sockets and time line are used under one lock, which nobody holds while waiting for
anything but them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bridge import __version__
from bridge.client.figures import Figures
from bridge.client.link import Ask, Link, agreed
from bridge.client.measuring import allowance, measuring
from bridge.client.patience import Patience
from bridge.client.ticker import Ticker
from bridge.client.timeline import Timeline
from bridge.errors import ServerError
from bridge.protocol.messages import (
    Configured,
    Credit,
    Drained,
    Lost,
    Ping,
    Pong,
    Progress,
    Stems,
)
from bridge.protocol.record import Message
from bridge.runtime.client_sockets import ClientSockets
from bridge.runtime.connection import read_connection

SLICE_US = 50_000
"""How long a waiting caller keeps the lock at a time."""

HOPELESS = 20
"""Connections in a row that came to nothing, after which nothing but stems counts as progress."""

NEWS = 16
"""Steps of progress that are kept for whoever waits."""

OnProgress = Callable[[str, int, int], None]


class Driver:
    """One stream's link, time line and thread.

    file: the connection file, None for that of this machine. timeout: seconds without any progress
    after which waiting ends. on_progress: told what a configuration waits for, as in PROGRESS.
    """

    def __init__(self, file: Path | None, timeout: float, on_progress: OnProgress) -> None:
        self.figures = Figures()
        self.lock = threading.Lock()
        self.timeline: Timeline | None = None
        self.link = Link(f"stembridge {__version__} in Python, process {os.getpid()}")
        self.transport_us = 0
        self._file = file
        self._patience = Patience(timeout)
        self._on_progress = on_progress
        self._ticker = Ticker(self._look_after, self._leave)
        self._news: list[Progress] = []
        self._asking = self._measuring = self._played = False
        self._live = False  # the server has what the time line was agreed on
        self._kept: Ask | None = None

    @property
    def is_live(self) -> bool:
        """Whether input is taken and stems come."""
        return self._live

    @property
    def is_closed(self) -> bool:
        """Whether it is over."""
        return self._ticker.is_over

    def connect(self) -> None:
        """Say hello to the server and measure how far away it is. Raises ServerError."""
        connection = read_connection(self._file)
        self.link.open(ClientSockets(connection), now_us())
        self.wait_for(lambda: self.link.is_attached)
        self.transport_us = self._measure(*measuring(connection))
        self._ticker.start()

    def request(self, ask: Ask) -> Configured:
        """Ask the server for a plan and wait for it. Raises ServerError when it refuses.

        Whatever comes of it, the one before goes on to hold until another is adopted.
        """
        with self.lock:
            self._asking = True
            self.link.ask(ask)
        try:
            answer = None
            while answer is None:  # the connection may be lost again at once
                self.wait_for(lambda: self.link.answer is not None)
                answer = self.link.answer
        finally:
            with self.lock:
                self._asking = False
                self._ask_again()
        return agreed(answer)

    def adopt(self, timeline: Timeline, ask: Ask) -> None:
        """Play `timeline` from now on; `ask` is to get its plan again from a new server."""
        with self.lock:
            self.timeline, self._kept = timeline, ask
            self._live = self.link.token == timeline.configured.session
            self._ask_again()

    def renew(self) -> None:
        """Have the plan that is played agreed to again, as the newest of all requests."""
        if self.timeline is None or self._kept is None or not self._live:
            return
        answer = self.request(self._kept)
        with self.lock:
            self.timeline.agree(answer)

    def exchange(self) -> None:
        """Take what came and send what is to be sent, without waiting. Hold the lock."""
        self._played = True
        self._exchange(tend=not self._live)

    def _exchange(self, *, tend: bool = True, whole: bool = False) -> None:
        """Likewise. tend: do everything else that is due. whole: send input however little."""
        self.link.late_frames = self.figures.late_frames
        receive = self.link.tend if tend else self.link.receive
        for message in receive(now_us()):
            self._take(message, now_us())
        self._keep_up()
        self._pump(whole=whole)

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Return once `done`, which is asked under the lock, is true.

        Raises ServerError when there is no progress, or no server yet to begin with.
        """
        self._patience.renew(now_us())
        while True:
            with self.lock:
                self._exchange(whole=True)
                finished = done()
                if not finished:
                    self._check_patience()
                    self.link.wait(SLICE_US)
                news, self._news = self._news, []
            for what in news:
                self._on_progress(what.what, what.done, what.total)
            if finished:
                return
            if not self.link.is_open:
                time.sleep(SLICE_US / 1_000_000)
                self._reopen()

    def close(self) -> None:
        """Leave the server and end the thread."""
        self._ticker.end()

    def _check_patience(self) -> None:
        if self.is_closed:
            raise ServerError("the stream was closed meanwhile; open another one")
        if self.timeline is None and not self.link.is_open:
            raise ServerError(self.link.problem)
        self._patience.check(now_us(), self.link.problem)

    def _measure(self, pings: int, gap_us: int) -> int:
        """What to allow for the way to the server and back, from so many round trips."""
        times = self.figures.pings
        self._measuring = True
        for _ in range(pings):
            self.link.send(Ping(now_us()), now_us())
            until = now_us() + gap_us
            while now_us() < until:
                self.link.wait(until - now_us())
                self._exchange()
        self.wait_for(lambda: times.count >= pings)
        self._measuring = False
        return allowance(times.max)

    def _ask_again(self) -> None:
        """Have the kept plan asked for: after a new connection, or now if it is not in force."""
        if self._kept is not None:
            self.link.ask(self._kept, now=not self._live)

    def _pump(self, *, whole: bool) -> None:
        while self._live and self.timeline is not None and self.link.is_open:
            message = self.timeline.next_message(
                self.link.token, self.link.next_epoch, self.link.most_frames, now_us(), whole=whole
            )
            if message is None:
                return
            self.link.send(message, now_us())

    def _take(self, message: Message, now: int) -> None:
        if isinstance(message, Pong):
            if self._measuring:  # others wait until they are noticed
                self.figures.pings.add(now - message.stamp)
            return
        if self.link.failures < HOPELESS:
            self._patience.renew(now)
        if isinstance(message, Progress):
            self._news = [*self._news[-NEWS:], message]
        if self._live and self.timeline is not None:
            match message:
                case Stems() | Credit() | Drained():
                    self.link.failures = 0
                    self.timeline.take(message, now)
                case Lost():
                    self.timeline.lose(message.epoch)
                    self.figures.reconnects += 1

    def _keep_up(self) -> None:
        """Follow the connection where it was lost or has come back."""
        if self.timeline is None:
            return
        if self._live and not self.link.is_attached:
            self._live = False
            self.timeline.lose()
            self.figures.reconnects += 1
        elif not self._live and not self._asking and self.link.answer is not None:
            try:
                self.timeline.agree(agreed(self.link.answer))
            except ServerError as error:
                self.link.drop(str(error), now_us())
            else:
                self._live = True

    def _reopen(self) -> None:
        """Make new sockets if it is time to, outside of the lock, as it takes a while."""
        if not self._may_open() or now_us() < self.link.reopen_us:
            return
        try:
            sockets = ClientSockets(read_connection(self._file))
        except ServerError as error:
            with self.lock:
                self.link.drop(str(error), now_us())
            return
        with self.lock:
            if self._may_open():
                self.link.open(sockets, now_us())
            else:  # another thread was faster
                sockets.close()

    def _may_open(self) -> bool:
        return not self.link.is_open and not self.is_closed

    def _look_after(self) -> None:
        self._reopen()
        with self.lock:
            # While the caller plays on, what is left over waits for what follows.
            silent, self._played = not self._played, False
            self._exchange(whole=silent)

    def _leave(self) -> None:
        with self.lock:
            self._live = False
            self.link.leave(now_us())


def now_us() -> int:
    """The clock of this process, in microseconds."""
    return time.monotonic_ns() // 1000
