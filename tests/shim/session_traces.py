"""What the Python client's session says to random traces, for the C++ one to say the same.

`python -m tests.shim.session_traces` writes the file that is kept beside the C++ tests; with a
path, a count and a seed it writes another, for `STEMBRIDGE_TRACES`.

A trace is a list of steps, each `[act, socket, now_us, fields, verdict, changed]`. act: "send",
"receive" or "disconnect". fields: of the message, over those of the first one of its type in
accepted.json; its samples are zeros. verdict: "taken", "ignored", "wrong" (this side's mistake), or
the code of the refusal. changed: what `seen` says after the step and did not say before.
"""

import json
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.protocol.session import ClientSession
from bridge.protocol.states import Socket, State
from tests.protocol.examples import CLIENT

FILE = Path(__file__).parents[2] / "shim" / "tests" / "protocol" / "traces.json"
TRACES, STEPS, SEED = 60, 60, 1
EXAMPLES = {message.wire_name: message for message in reversed(CLIENT)}
OVER = {  # how often each is tried, and over which socket it belongs
    "send": {
        **dict.fromkeys(("HELLO", "BYE", "SHUTDOWN"), (0.3, Socket.CONTROL)),
        "STATUS": (1, Socket.CONTROL),
        "CONFIGURE": (4, Socket.CONTROL),
        "ATTACH": (0.6, Socket.AUDIO),
        "RESET": (9, Socket.AUDIO),
        "AUDIO": (24, Socket.AUDIO),
        "DRAIN": (4, Socket.AUDIO),
        "PING": (2, Socket.AUDIO),
        "PONG": (1, Socket.CONTROL),
    },
    "receive": {
        **dict.fromkeys(("WELCOME", "BYE", "REPORT"), (0.3, Socket.CONTROL)),
        "CONFIGURED": (5, Socket.CONTROL),
        "PROGRESS": (2, Socket.CONTROL),
        "ERROR": (2, Socket.CONTROL),
        "ATTACHED": (2, Socket.AUDIO),
        "STEMS": (16, Socket.AUDIO),
        "CREDIT": (8, Socket.AUDIO),
        "DRAINED": (6, Socket.AUDIO),
        "LOST": (2, Socket.AUDIO),
        "PING": (2, Socket.CONTROL),
        "PONG": (1, Socket.AUDIO),
    },
}


class Tracer:
    """One trace in the making: a session, its clock, and what it was last seen to be."""

    def __init__(self, random):
        self.random = random
        self.session = ClientSession()
        self.now_us = random.randrange(10**9)
        self.last = {}
        self.steps = []
        self.changed()

    def seen(self):
        """All that a caller can ask the session."""
        session = self.session
        return {
            "state": session.state.value,
            "token": session.token,
            "request": session.request,
            "pending": session.pending,
            "epoch": session.epoch,
            "credit_left": session.credit_left,
            "pings": sorted(socket.value for socket in session.pings(self.now_us)),
            "gone": session.is_gone(self.now_us),
        }

    def changed(self):
        """What is seen now and was not before."""
        before, self.last = self.last, self.seen()
        return {name: value for name, value in self.last.items() if before.get(name) != value}

    def step(self):
        """One thing that happens."""
        rare = self.random.random()
        self.now_us += round(10 ** self.random.uniform(0, 4 if rare > 0.02 else 7))
        if rare < 0.005:
            self.session.disconnect()
            self.steps.append(["disconnect", "", self.now_us, {}, "taken", self.changed()])
            return
        while True:
            act, name, socket = self.choose()
            wanted = self.wanted(name)
            message = self.message(name, wanted)
            trial = self.enter(deepcopy(self.session), act, socket, message)
            if (
                trial == "taken" or self.random.random() < 0.15 or trial == "format"
            ):  # offences would be most of it
                break
        verdict = self.enter(self.session, act, socket, message)
        header = {"t": name, **wanted}
        self.steps.append([act, socket.value, self.now_us, header, verdict, self.changed()])

    def choose(self):
        """What is said by whom, and over which socket; more often what leads on than not."""
        random = self.random
        leads = {State.OFFLINE: ("send", "HELLO"), State.GREETING: ("receive", "WELCOME")}
        if self.session.state is State.NEW:
            agree = ("receive", "CONFIGURED") if self.session.pending else ("send", "CONFIGURE")
            leads[State.NEW] = agree
        if self.session.state in (State.CONFIGURED, State.LOST):
            attached = self.session._book._attached
            leads[self.session.state] = "send", "RESET" if attached else "ATTACH"
        lead = leads.get(self.session.state)
        if lead and random.random() < 0.7:
            act, name = lead
        else:
            act = random.choice(("send", "receive"))
            weights = [weight for weight, _socket in OVER[act].values()]
            name = random.choices(list(OVER[act]), weights)[0]
        socket = OVER[act][name][1]
        if random.random() < 0.04 or name in ("PING", "PONG", "ERROR"):
            socket = random.choice(list(Socket))
        return act, name, socket

    def wanted(self, name):
        """Fields of a message that may fit, or nearly so."""
        names = EXAMPLES[name].kinds
        wanted: dict[str, Any] = {}
        for one in ("session", "request", "epoch", "heartbeat_us", "channels", "latency", "credit"):
            if one in names:
                wanted[one] = getattr(self, f"any_{one}")(name)
        if name == "CONFIGURED":
            wanted["sources"] = [str(place) for place in range(self.random.choice((1, 4)))]
        if "epoch" in names:
            wanted |= self.positions(name, wanted["epoch"], names)
        return wanted

    def any_session(self, name):
        own = self.session.token or self.random.choice((3, 4))
        if name == "WELCOME":
            return self.random.choice((3, 4, 2**64 - 1))
        if self.random.random() < 0.96:
            return 0 if name == "ERROR" and self.random.random() < 0.8 else own
        return self.random.choice((1, own + 1 if own < 2**64 - 1 else 1))

    def any_request(self, name):
        newest = self.session.request
        if name == "CONFIGURE":
            return max(1, newest + self.random.choice((1, 1, 1, 1, 1, 2, 0, -1)))
        if name == "ERROR":
            return self.random.choice((0, max(0, newest), max(0, newest - 1)))
        return max(1, newest + self.random.choice((0, 0, 0, 0, 0, 0, -1, -1, -2, -5, 1)))

    def any_epoch(self, name):
        newest = self.session.epoch
        if name == "RESET":
            return max(1, newest + self.random.choice((1, 1, 1, 1, 1, 2, 0)))
        older = (0, 0, 0, 0, 0, -1, -1, -2, 1) if name != "DRAINED" else (0, -1, -1, -1, 1)
        return max(1, newest + self.random.choice(older))

    def any_heartbeat_us(self, _name):
        return self.random.choice((1000, 100_000, 1_000_000, 60_000_000))

    def any_channels(self, _name):
        return self.random.choice((1, 2))

    def any_latency(self, _name):
        return self.random.randrange(100)

    def any_credit(self, _name):
        return self.random.choice((1, 20, 60, 60))

    def positions(self, name, number, names):
        """Where a message about an epoch may be, near where that epoch is."""
        random, epochs = self.random, self.session._book.epochs
        epoch = epochs._open.get(number) or epochs.current
        begin, end, stems, received = (
            (epoch.start, epoch.input_end, epoch.stems_end, epoch.received)
            if epoch
            else (0, random.choice((0, 500, 2**62 - 9)), 0, 0)
        )

        def near(frame, *offsets):
            return min(2**62, max(0, frame + random.choice((0, 0, 0, 0, 0, *offsets))))

        wanted: dict[str, Any] = {}
        if name == "RESET":
            origin = near(end, -3, 9, 40, -2000)
            return {"origin": origin, "start": near(origin, 5, 25, -1)}
        if "start" in names:
            wanted["start"] = near(stems if name == "STEMS" else end, -1, 1, -4, 2)
        for one, frame in (("got", stems), ("received", (received + end) // 2), ("stop", end)):
            if one in names:
                wanted[one] = near(random.choice((frame, end, begin)), -1, 1)
        if name in ("AUDIO", "STEMS"):
            terms = epoch.terms if epoch else None
            shape = [terms.channels if terms else 1, random.choice((1, 2, 5, 10, 21))]
            if random.random() < 0.1:
                shape[0] = 3 - shape[0]
            if name == "STEMS":
                sources = terms.sources if terms and random.random() < 0.97 else 2
                room = max(1, end - wanted["start"])
                shape = [sources, shape[0], min(shape[1], room + random.choice((0, 0, 0, 1)))]
            wanted["shape"] = shape
        return wanted

    def message(self, name, wanted):
        """The example of that name with these fields."""
        changes = dict(wanted)
        if "shape" in changes:
            changes["audio"] = np.zeros(changes.pop("shape"), np.float32)
        if "sources" in changes:
            changes["sources"] = tuple(changes["sources"])
        return replace(EXAMPLES[name], **changes)  # type: ignore[type-var]  # all are dataclasses

    def enter(self, session, act, socket, message):
        """What the session says to it."""
        try:
            if act == "send":
                session.send(socket, message, self.now_us)
                return "taken"
            fresh = session.receive(socket, message, self.now_us)
        except LocalProtocolError:
            return "wrong"
        except RemoteProtocolError as error:
            return str(error.code)
        return "taken" if fresh else "ignored"


def text(count=TRACES, seed=SEED):
    """The content of a file with so many traces."""
    random = Random(seed)  # noqa: S311 - it is no secret
    lines = []
    for _ in range(count):
        tracer = Tracer(random)
        for _ in range(STEPS):
            tracer.step()
        lines.append(json.dumps(tracer.steps, separators=(",", ":")))
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    match sys.argv[1:]:
        case [path, traces, seed]:
            Path(path).write_text(text(int(traces), int(seed)), "utf-8")
        case _:
            FILE.write_text(text(), "utf-8")
