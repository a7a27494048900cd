"""What is sent next, step by step."""

import numpy as np
import pytest

from bridge.client.feed import Feed
from bridge.core.history import History
from bridge.core.replay import memory
from bridge.protocol.messages import Audio, Configured, Credit, Drain, Drained, Reset, Stems
from tests.client.scripted import SOURCES, live_plan, saved_plan

TOKEN, REQUEST, HELD = 5, 2, 16
PLAN = live_plan(window=111)
MEMORY = memory(PLAN)


class Fed:
    """A feed and what it wants to send; epochs are numbered from 1."""

    def __init__(self, *, credit=1000, capacity=2000, held=HELD, phase=0):
        self.history = History(2, capacity)
        self.feed = Feed(self.history, PLAN, held)
        saved = saved_plan(PLAN, block=50)
        agreed = (TOKEN, REQUEST, 150, saved, SOURCES, credit, "m", False, "none", (), (), phase)
        self.feed.agree(Configured(*agreed))
        self.epochs = 0

    def play(self, frames):
        self.history.append(np.full((2, frames), 3, np.float32))

    def sends(self, *, due=-150, whole=False, most=300):
        """All messages that may be sent now, as short tuples."""
        found: list[tuple[object, ...]] = []
        while True:
            number = self.epochs + 1
            message = self.feed.next(TOKEN, number, most, due=due, now_us=0, whole=whole)
            match message:
                case None:
                    return found
                case Reset():
                    self.epochs = number
                    assert (message.session, message.request) == (TOKEN, REQUEST)
                    found.append(("reset", number, message.origin, message.start))
                case Audio():
                    stop = message.start + message.audio.shape[1]
                    found.append(("audio", message.epoch, message.start, stop))
                    self.last = message
                case Drain():
                    found.append(("drain", message.epoch, message.stop))


@pytest.fixture
def fed():
    return Fed()


def test_nothing_is_opened_before_there_is_input(fed):
    assert fed.sends(whole=True) == []
    fed.play(20)
    assert fed.sends() == [("reset", 1, 0, 0), ("audio", 1, 0, 20)]


def test_small_blocks_are_saved_up_unless_they_are_waited_for(fed):
    fed.play(20)
    fed.sends()
    fed.play(HELD - 1)
    assert fed.sends() == []
    fed.play(1)
    assert fed.sends() == [("audio", 1, 20, 20 + HELD)]
    fed.play(2)
    assert fed.sends(whole=True) == [("audio", 1, 36, 38)]


def test_input_that_fills_a_message_is_not_saved_up():
    """As at 384 kHz, where what is saved up is more than a message takes."""
    fed = Fed(held=1000)
    fed.play(29)
    assert fed.sends(most=30) == [("reset", 1, 0, 0)]
    fed.play(1)
    assert fed.sends(most=30) == [("audio", 1, 0, 30)]


def test_input_that_a_run_waits_for_is_never_saved_up():
    fed = Fed(held=1000)
    sent = []
    for _ in range(200):
        fed.play(1)
        sent += [message[3] for message in fed.sends() if message[0] == "audio"]
    assert sent == [PLAN.host_needed(run) for run in range(2)]


@pytest.mark.parametrize("phase", [1, 7, 19])
def test_runs_come_earlier_by_the_phase_and_the_silence_for_it_is_not_sent(phase):
    fed = Fed(held=1000, phase=phase)
    sent = []
    for _ in range(200):
        fed.play(1)
        sent += [message[3] for message in fed.sends() if message[0] == "audio"]
    runs = [PLAN.host_needed(run) - phase for run in range(9)]
    assert len(sent) >= 2
    assert sent == [at for at in runs if 0 < at <= 200]


def test_what_was_saved_up_is_sent_when_an_epoch_ends(fed):
    fed.play(20)
    fed.sends()
    fed.play(3)
    fed.feed.begin(23)
    fed.play(30)
    assert fed.sends() == [
        ("audio", 1, 20, 23),
        ("drain", 1, 23),
        ("reset", 2, 23, 23),
        ("audio", 2, 23, 53),
    ]


def test_credit_is_used_up_to_the_last_frame_and_no_further():
    fed = Fed(credit=50)
    fed.play(60)
    assert fed.sends() == [("reset", 1, 0, 0), ("audio", 1, 0, 50)]
    fed.feed.take(Credit(TOKEN, 1, 5))
    assert fed.sends() == [("audio", 1, 50, 55)]
    fed.feed.take(Credit(TOKEN, 9, 60))  # of no epoch that there is
    assert fed.sends() == []


def test_a_third_epoch_waits_until_the_first_is_drained(fed):
    for origin in (0, 30, 60):
        fed.feed.begin(origin)
        fed.play(30)
    opened = fed.sends()
    assert [message for message in opened if message[0] == "reset"] == [
        ("reset", 1, 0, 0),
        ("reset", 2, 30, 30),
    ]
    fed.feed.take(Drained(TOKEN, 1, 30))
    assert fed.sends() == [("reset", 3, 60, 60), ("audio", 3, 60, 90)]


def test_an_epoch_whose_grid_begins_earlier_waits_for_the_one_that_would_be_cut(fed):
    fed.play(300)
    fed.sends()
    fed.feed.begin(280)
    fed.play(40)
    assert fed.sends() == [("drain", 1, 300)]
    fed.feed.take(Drained(TOKEN, 1, 300))
    assert fed.sends() == [("reset", 2, 280, 280), ("audio", 2, 280, 340)]
    np.testing.assert_array_equal(fed.last.audio[0], [0] * 20 + [3] * 40)


def test_silence_long_before_the_start_need_not_be_sent(fed):
    fed.play(1500)
    fed.sends(most=1500)
    fed.feed.begin(10)
    fed.play(40)
    fed.feed.take(Credit(TOKEN, 1, 1000))
    fed.sends(due=1400, most=1500)
    fed.feed.take(Drained(TOKEN, 1, 1500))
    assert fed.sends(due=1400) == [("reset", 2, 10, 1500 - MEMORY), ("audio", 2, 1400, 1540)]


def test_a_loss_that_crosses_with_the_next_epoch_begins_both_anew(fed):
    fed.play(300)
    fed.sends()
    fed.feed.begin(300)
    fed.play(20)
    assert fed.sends(due=170) == [("drain", 1, 300), ("reset", 2, 300, 300), ("audio", 2, 300, 320)]
    fed.feed.lose(1)
    assert fed.sends(due=170) == [
        ("reset", 3, 0, 70),
        ("audio", 3, 70, 300),
        ("drain", 3, 300),
        ("reset", 4, 300, 300),
        ("audio", 4, 300, 320),
    ]
    fed.feed.lose(2)  # of that time
    assert fed.sends(due=170) == []


def test_what_is_due_no_more_counts_as_got(fed):
    fed.play(800)
    fed.sends(due=650)
    fed.feed.take(Stems(TOKEN, 1, 0, 800, np.zeros((3, 2, 700), np.float32)))
    fed.feed.lose()
    fed.play(10)
    assert fed.sends(due=660, most=1000) == [("reset", 2, 0, 560), ("audio", 2, 560, 810)]
    assert fed.last.got == 660


def test_what_fell_out_of_the_history_is_left_out():
    fed = Fed(credit=50, capacity=400)
    fed.play(100)
    fed.sends()
    fed.play(400)
    assert fed.sends(due=350) == [("reset", 2, 0, 250), ("audio", 2, 250, 300)]


def test_an_epoch_that_is_over_is_not_opened_again(fed):
    fed.play(100)
    fed.sends()
    fed.feed.begin(100)
    fed.play(200)
    fed.sends()
    fed.feed.lose()
    assert fed.sends(due=100)[0] == ("reset", 3, 100, 100)
