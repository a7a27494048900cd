"""The report of a server, whose fields docs/PROTOCOL.md lists."""

from dataclasses import replace

import pytest

from bridge.protocol import limits
from bridge.protocol.codec import decode, encode
from bridge.protocol.messages import Configured, Hello, Report, Welcome
from bridge.protocol.messages_worker import Load, Open
from bridge.protocol.session import ServerSession
from bridge.protocol.states import Socket
from bridge.runtime.planning import credit, plan_session
from bridge.runtime.report import report
from bridge.runtime.server_session import Granted, Session
from bridge.runtime.workers import Worker
from tests.protocol.examples import CLIENT, WORKER
from tests.runtime.test_planning import network, wanted

CONFIGURED = next(m for m in CLIENT if isinstance(m, Configured))
LOAD = next(m for m in WORKER if isinstance(m, Load))
OPEN = next(m for m in WORKER if isinstance(m, Open))


def session(token=7, name="a client"):
    protocol = ServerSession()
    protocol.receive(Socket.CONTROL, Hello((1, 0), name), 0)
    protocol.send(Socket.CONTROL, Welcome((1, 0), "s", token, 1_000_000, 512, ()), 0)
    return Session(name, b"peer", 0, protocol, token)


def grant(to, model_name="network"):
    wish = wanted(latency_us=4_000_000)
    model = network()
    plan, latency = plan_session(wish, model, (), 0)
    answer = replace(CONFIGURED, plan=plan, latency=latency, credit=credit(wish), model=model_name)
    to.grant(Granted("networks", wish, LOAD, model, OPEN, answer))
    return to


@pytest.fixture
def workers():
    return {kind: Worker(kind, "cpu") for kind in ("spectral", "networks")}


def test_without_anything_there_are_only_the_server_s_figures(workers):
    found = report([], workers, 5_000_000)
    assert found["server"]["up_us"] == 5_000_000
    assert found["server"]["pid"] > 0
    assert found["workers"] == {}
    assert found["sessions"] == []


def test_a_new_session_and_one_that_waits(workers):
    waiting = session(8)
    waiting.waiting = ("spectral", LOAD, wanted())
    states = [each["state"] for each in report([session(), waiting], workers, 0)["sessions"]]
    assert states == ["new", "configuring"]


def test_a_session_that_has_a_plan(workers):
    playing = grant(session(0xABCD_0000_0000_1234))
    playing.late, playing.unread, playing.losses = 3, 5, 1
    figures = {"runs": 9, "p50_us": 100, "p999_us": 200}
    workers["networks"].deaths = workers["networks"].restarts = 1
    workers["networks"].stats = {"models": ["network"], "sessions": {str(playing.token): figures}}
    found = report([playing], workers, 0)
    (row,) = found["sessions"]
    assert row.items() >= {**figures, "late_frames": 3, "unread_frames": 5, "losses": 1}.items()
    assert row["latency_frames"] == 4 * 48_000
    assert row["hop"] == playing.granted[1].answer.plan.hop
    assert row["worker"] == "networks"
    assert found["workers"] == {"networks": {"pid": 0, "restarts": 1, "models": ["network"]}}
    playing.lost["networks"] = {}
    assert report([playing], workers, 0)["sessions"][0]["state"] == "recovering"


def test_the_token_is_not_given_away(workers):
    playing = grant(session(0xABCD_EF01_2345_6789))
    text = repr(report([playing], workers, 0))
    assert "6789" in text
    assert str(playing.token) not in text
    assert f"{playing.token:x}" not in text


def test_a_report_of_every_session_with_long_names_fits_a_message(workers):
    long = "é" * (limits.STRING_BYTES // 2)
    figures = dict.fromkeys(
        ("runs", "skipped", "overruns", "p50_us", "p999_us", "max_us"), 3_600_000_000
    )
    playing = [grant(session((1 << 63) + n, long), "m" * limits.TEXT_BYTES) for n in range(64)]
    stats = {str(each.token): figures for each in playing}
    workers["networks"].deaths = 1
    workers["networks"].stats = {"models": ["network"] * 16, "sessions": stats}
    message = Report(report(playing, workers, 1 << 50))
    frames = encode(message)
    assert len(frames[1]) <= limits.TREE_BYTES
    found = decode(frames)
    assert isinstance(found, Report)
    assert len(found.report["sessions"]) == 64
