"""Sessions that wait for a model while the worker they asked fills up."""

from dataclasses import replace

import pytest

from bridge.protocol import limits
from bridge.protocol.codec import decode
from bridge.protocol.codes import Code
from bridge.protocol.messages import Configured, Error, Hello
from bridge.protocol.messages_worker import Close
from bridge.runtime.cores import cores
from bridge.runtime.server_control import Control
from bridge.runtime.server_places import ROOMY
from bridge.runtime.workers import SILENT_US, Worker, names
from tests.runtime.test_planning import hop_by_hop
from tests.server.raw import configuring

pytestmark = pytest.mark.skipif(cores() < 2, reason="one core: there is one worker for spectral")

LATER_US = 3 * SILENT_US


@pytest.fixture
def told():
    return []


@pytest.fixture
def workers():
    made = {name: Worker(name, "cpu") for name in names(2)}
    yield made
    for worker in made.values():
        worker.end()


@pytest.fixture
def control(told, workers):
    def tell(_session, _socket, message):
        told.append(message)
        return True

    return Control(tell, workers, 1, local=True)


def waiting(control, count, **wishes):
    """So many sessions that wait for spectral from the beginning on; returns the LOAD's key."""
    for number in range(count):
        control.hello(Hello((1, 0), f"track {number}"), bytes([number]), 0)
    for session in control.sessions:
        wish = configuring(session.token, model="spectral", realtime=True, **wishes)
        control.configure(session, wish, 0)
    return next(iter(control.sessions)).waiting[1].key


def places(control):
    return [s.current.worker if s.current else "" for s in control.sessions]


def check_alive(worker):
    """It was started when it was asked, and not when its session was."""
    assert worker.process is not None
    worker.tick(LATER_US + 1)


def test_who_finds_no_room_goes_on_to_a_worker_that_lives_from_then_on(control, workers, told):
    """Runs are due as soon as they can be done: no session could wait for another's."""
    key = waiting(control, 3, latency_us=0)
    model = replace(hop_by_hop(cost_us=2700), key=key)
    control.loaded(model, "spectral", LATER_US)
    assert places(control) == ["spectral", "", ""]
    check_alive(workers["spectral-2"])
    control.loaded(model, "spectral-2", LATER_US)
    assert places(control) == ["spectral", "spectral-2", ""]
    assert [type(m) for m in told if isinstance(m, Configured | Error)] == [
        Configured,
        Configured,
        Error,
    ]
    assert told[-1].code == Code.LOAD


def test_a_worker_hears_when_the_last_plan_that_it_had_is_forgotten(control, workers):
    """A session keeps its newest plans; what it never played goes without a RESET."""
    key = waiting(control, 1, latency_us=0)
    (one,) = control.sessions
    model = replace(hop_by_hop(cost_us=4500), key=key)
    control.loaded(model, "spectral", 0)
    sent = []
    workers["spectral"].send = lambda frames: sent.append(decode(frames))
    workers["spectral"].deaths = 1  # so that the next plans are another's
    for request in range(2, 2 + limits.PLANS):
        assert one.workers >= {"spectral"}
        assert not sent
        wish = configuring(one.token, request, model="spectral", realtime=True)
        control.configure(one, wish, 0)
        control.loaded(model, "spectral-2", 0)
    assert one.workers == {"spectral-2"}
    assert sent == [Close(one.token)]


def test_who_waits_for_a_worker_that_fills_up_goes_on(control, workers, told):
    key = waiting(control, 4, latency_us=200_000)
    model = replace(hop_by_hop(cost_us=9000), key=key)
    control.loaded(model, "spectral", LATER_US)
    first, *rest = control.sessions
    share = first.current.task.cost_us / first.current.task.period_us
    stay = int(ROOMY // share) + 1
    assert stay < 4
    assert places(control) == stay * ["spectral"] + (4 - stay) * [""]
    assert all(session.waits_for("spectral-2", key) for session in rest[stay - 1 :])
    check_alive(workers["spectral-2"])
    control.loaded(model, "spectral-2", LATER_US)
    fit = min(4, int(1 // share))
    assert places(control) == (
        stay * ["spectral"] + (fit - stay) * ["spectral-2"] + (4 - fit) * [""]
    )
    refused = [m for m in told if isinstance(m, Error)]
    assert len(refused) == 4 - fit
    assert all(f"already need {fit * share:.2f} cores" in m.text for m in refused)
