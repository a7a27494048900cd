"""Streams whose server or worker goes away, falls behind, or talks nonsense."""

import numpy as np
import pytest

from bridge.client.patience import Patience
from bridge.errors import ServerError
from bridge.protocol.messages import Bye, Error
from bridge.protocol.states import Socket
from tests.client.conftest import BLOCK
from tests.client.scripted import separate
from tests.client.scripted_server import eventually
from tests.client.test_stream import play, signal


def lose_server(server):
    server.kill()
    server.start()


def lose_worker(server):
    server.lose()


def lose_session(server):
    server.say((Socket.CONTROL, Bye(server.session.token)))


def refuse_session(server):
    error = Error("silent", "nothing was heard", "", server.session.token)
    server.say((Socket.CONTROL, error))


def talk_nonsense(server):
    server.say((Socket.AUDIO, Bye(server.session.token)))  # over the wrong socket


FAULTS = [lose_server, lose_worker, lose_session, refuse_session, talk_nonsense]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("reset", [False, True])
def test_a_waiting_caller_loses_nothing(server, open_stream, fault, reset):
    stream = open_stream()
    parts = [signal(700), signal(800, seed=1)] if reset else [signal(1500)]
    pieces = [play(stream, parts[0][:, :650], [BLOCK])]
    if reset:
        pieces.append(play(stream, parts[0][:, 650:], [BLOCK]))
        stream.reset()
        pieces.append(play(stream, parts[1][:, :20], [20]))
    fault(server)
    rest = parts[1][:, 20:] if reset else parts[0][:, 650:]
    pieces += [play(stream, rest, [BLOCK, 3, 17]), stream.drain()]
    heard = np.concatenate(pieces, axis=2)[:, :, stream.latency :]
    expected = np.concatenate([separate(server.plan, part) for part in parts], axis=2)
    np.testing.assert_array_equal(heard, expected)
    assert stream.late_frames == 0
    assert stream.stats()["reconnects"] >= 1


def test_a_session_that_is_given_up_is_said_goodbye_to(server, open_stream):
    play(open_stream(), signal(500), [BLOCK])
    first = server.session
    talk_nonsense(server)
    eventually(lambda: server.session is not first)
    assert first.book.token == 0


def test_a_new_server_is_asked_for_the_plan_of_the_old_one(server, open_stream):
    stream = open_stream(latency=100)
    latency, plan = stream.latency, stream.plan
    play(stream, signal(500), [BLOCK])
    server.kill()
    server.answers(hop=90)  # to somebody new
    server.start()
    play(stream, signal(500), [BLOCK])
    assert (stream.latency, stream.plan) == (latency, plan)
    assert server.session.asked[-1].saved == plan
    assert server.session.asked[-1].latency_us == 100_000


def test_only_what_is_needed_is_sent_again(server, open_stream):
    stream = open_stream()
    play(stream, signal(5000), [BLOCK])
    server.lose()
    play(stream, signal(200), [BLOCK])
    first, again = server.session.resets
    assert (again.epoch, again.origin) == (first.epoch + 1, 0)
    reach = server.plan.window - server.plan.lookahead - 1 + server.plan.fade
    assert again.start in range(5000 - reach - stream.latency, 5200 - reach)


def hear(stream, block, until):
    """Play `block` again and again, without waiting, until the condition is true of the stems."""
    heard = []

    def good():
        heard.append(stream.process(block))
        return until(heard[-1])

    eventually(good)
    return heard


def is_dry(stems):
    return not stems[[0, 2]].any() and stems[1].any()


def is_separated(stems):
    return stems[0].any() and stems[2].any()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_real_time_caller_hears_the_mix_meanwhile_and_then_stems_again(
    server, open_stream, fault
):
    stream = open_stream(realtime=True)
    block = signal(BLOCK)
    heard = hear(stream, block, is_separated)
    server.working = False
    fault(server)
    heard += hear(stream, block, is_dry)
    server.working = True
    late = stream.late_frames
    assert late > 0
    heard += hear(stream, block, is_separated)
    # Until what was heard faded in is heard as the undisturbed stream would have it.
    heard += hear(stream, block, lambda stems: np.array_equal(stems, steady(server, block, stream)))
    whole = np.concatenate(heard, axis=2)
    audio = np.tile(block, (1, len(heard)))
    expected = np.pad(audio, ((0, 0), (stream.latency, 0)))[:, : whole.shape[2]]
    np.testing.assert_allclose(whole.sum(axis=0), expected, atol=1e-5)
    assert stream.connected
    assert stream.warnings == ()


def steady(server, block, stream):
    """The newest block of stems of a stream that was given `block` all the time."""
    audio = np.tile(block, (1, stream.position // BLOCK))
    stems = separate(server.plan, audio)
    return stems[:, :, stream.position - BLOCK - stream.latency : stream.position - stream.latency]


def test_a_real_time_caller_may_hear_silence_instead(server, open_stream):
    stream = open_stream(realtime=True, late="silence")
    hear(stream, signal(BLOCK), is_separated)
    server.working = False
    hear(stream, signal(BLOCK), lambda stems: not stems.any())
    assert stream.late_frames > 0


def test_real_time_goes_on_without_a_server(server, open_stream):
    stream, block = open_stream(realtime=True), signal(BLOCK)
    hear(stream, block, is_separated)
    server.kill()
    hear(stream, block, lambda _: not stream.connected)
    for _ in range(200):
        stems = stream.process(block)
    np.testing.assert_array_equal(stems[1].any(), True)
    assert is_dry(stems)
    assert any(stream.warnings)
    server.start()
    hear(stream, block, lambda stems: stream.connected and is_separated(stems))


def test_what_is_not_there_at_the_end_in_real_time_is_late(server, open_stream):
    stream, audio = open_stream(realtime=True), signal(500)
    stream._driver._patience = Patience(0.2)
    server.kill()
    for at in range(0, 500, BLOCK):
        stream.process(audio[:, at : at + BLOCK])
    rest = stream.drain()
    np.testing.assert_array_equal(rest[1], audio[:, -stream.latency :])
    assert stream.late_frames == 500
    assert stream.drain().shape == rest.shape
    server.start()


def test_what_is_behind_for_too_long_is_left_out(server, open_stream):
    stream, block = open_stream(realtime=True), signal(BLOCK)
    hear(stream, block, is_separated)
    with server.lock:  # it neither reads nor works
        for _ in range(200):
            stream.process(block)
    hear(stream, block, lambda stems: np.array_equal(stems, steady(server, block, stream)))
    assert [reset.origin for reset in server.session.resets] == [0] * len(server.session.resets)
    assert len(server.session.resets) >= 2


def test_a_refusal_by_a_new_server_leaves_the_plan_of_the_old_one(server, open_stream):
    stream, audio = open_stream(), signal(1000)
    pieces = [play(stream, audio[:, :500], [BLOCK])]
    lose_server(server)
    with pytest.raises(ServerError, match="there is no bad model"):
        stream.reconfigure(model="bad")
    pieces.append(play(stream, audio[:, 500:], [BLOCK]))
    heard = np.concatenate(pieces, axis=2)[:, :, stream.latency :]
    expected = separate(server.plan, audio)[:, :, : heard.shape[2]]
    np.testing.assert_array_equal(heard, expected)


def test_a_refusal_later_on_is_told_and_tried_again(server, open_stream):
    stream, block = open_stream(realtime=True), signal(BLOCK)
    hear(stream, block, is_separated)
    server.refusal = ("load", "there is too much to do")
    lose_server(server)
    hear(stream, block, lambda _: "there is too much to do" in " ".join(stream.warnings))
    server.refusal = None
    hear(stream, block, lambda stems: stream.connected and is_separated(stems))


@pytest.mark.slow
def test_another_plan_than_before_is_not_taken(server, open_stream):
    stream = open_stream()
    play(stream, signal(400), [BLOCK])
    stream._driver._patience = Patience(1.5)  # each attempt renews it, up to 2 s apart
    server.answers(hop=90)
    server.options["keeps_plans"] = False
    lose_server(server)
    with pytest.raises(ServerError, match="not the one it had before"):
        play(stream, signal(4000), [BLOCK])


def test_stems_that_came_are_acknowledged(server, open_stream):
    stream = open_stream()
    play(stream, signal(1000), [BLOCK])
    got = server.session.got
    assert got == sorted(got)
    assert got[-1] >= 1000 - 2 * stream.latency


@pytest.mark.parametrize("credit", [100, 130])
def test_little_credit_is_kept_to(server, open_stream, credit):
    server.options["credit"] = credit
    stream, audio = open_stream(), signal(1000)
    heard = np.concatenate([play(stream, audio, [BLOCK]), stream.drain()], axis=2)
    np.testing.assert_array_equal(heard[:, :, stream.latency :], separate(server.plan, audio))
