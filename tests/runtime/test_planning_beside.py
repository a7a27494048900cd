"""What a session is granted beside others that may go over to what they were granted last."""

import pytest

from bridge.protocol.messages_worker import Load
from bridge.protocol.session import ServerSession
from bridge.runtime.planning import Refused
from bridge.runtime.server_grants import grant
from bridge.runtime.server_session import Session, Sessions
from tests.runtime.test_planning import network
from tests.server.raw import configuring

LOAD = Load("k", "network", "exact", 48_000, 2, 0, -1, 1)
HEAVY = network(cost_us=900_000)
LIGHT = network(cost_us=100_000)


class Server:
    def __init__(self):
        self.sessions = Sessions()
        self.requests = 0

    def session(self):
        token = len(self.sessions) + 1
        session = Session("host", b"%d" % token, 0, ServerSession(), token)
        self.sessions.add(session)
        return session

    def grant(self, session, model, kind="network", **wishes):
        self.requests += 1
        wanted = configuring(1, self.requests, **({"realtime": True} | wishes))
        granted = grant(self.sessions, session, kind, LOAD, wanted, model)
        session.grant(granted)
        return self.requests


def test_what_was_granted_and_is_not_played_yet_counts():
    server = Server()
    first, second = server.session(), server.session()
    first.begin(1, server.grant(first, LIGHT, latency_us=5_000_000))
    heavy = server.grant(first, HEAVY)
    with pytest.raises(Refused, match=r"1 session already uses .* %"):
        server.grant(second, HEAVY)
    server.grant(second, HEAVY, kind="another worker")
    first.begin(2, heavy)
    with pytest.raises(Refused, match=r"1 session already uses .* %"):
        server.grant(second, HEAVY)
    server.grant(first, HEAVY)


def test_what_is_played_counts_until_what_was_granted_is():
    server = Server()
    first, second = server.session(), server.session()
    first.begin(1, server.grant(first, HEAVY))
    light = server.grant(first, LIGHT, latency_us=10_000_000)
    with pytest.raises(Refused):
        server.grant(second, LIGHT, latency_us=1_000_000)
    first.begin(2, light)
    server.grant(second, LIGHT, latency_us=1_000_000)


def test_an_offline_plan_that_was_granted_may_be_in_progress():
    server = Server()
    first, second = server.session(), server.session()
    first.begin(1, server.grant(first, LIGHT, latency_us=10_000_000))
    server.grant(first, HEAVY, realtime=False)
    with pytest.raises(Refused, match=r"may take \d+\.\d ms"):
        server.grant(second, LIGHT, latency_us=1_000_000)
