"""What a session in Ardour gives: lag 0 and the stems of the stream, wherever the plug-in is."""

from __future__ import annotations

from itertools import product

import pytest

from tests.attempts import tried
from tests.hosts.ardour.comparing import check, check_main
from tests.hosts.ardour.conftest import IS_FULL, RATES, play_song
from tests.hosts.ardour.host import BOUNCED
from tests.hosts.ardour.session import rewrite
from tests.hosts.plugin import BLOCK, RATE, streamed_by
from tests.hosts.preset import wanting

KINDS = ("VST3", "LV2")
BLOCKS = ("64", "1024", "varying")
PLACES = ("track", "bus", "master")

# Each value of each of them; all of them together with STEMBRIDGE_FULL=1.
SHORT = [
    ("VST3", 48_000, "64", "track"),
    ("VST3", 44_100, "1024", "bus"),
    ("VST3", 96_000, "varying", "master"),
    ("LV2", 48_000, "varying", "track"),
]
CASES = list(product(KINDS, RATES, BLOCKS, PLACES)) if IS_FULL else SHORT

SETTLED_SECONDS = 1
# Resampled, and with windows that fit no block.
MODEL = "fake:rate=44100,segment=4000,delay=100"

pytestmark = pytest.mark.usefixtures("cleared")


def blocks(how: str) -> dict[str, int]:
    """For play.lua: blocks of one size, or cut at any frame."""
    return {"block": 1024, "vary": 1024} if how == "varying" else {"block": int(how)}


@pytest.mark.parametrize(("kind", "rate", "block", "place"), CASES)
def test_an_export_is_that_of_the_stream(
    ardour, sessions, journal, sidecar, kind, rate, block, place
):
    song, session = play_song(rate), sessions(rate)
    first = ardour.play(session, kind=kind, place=place, frames=song.shape[1], **blocks(block))
    render = journal.render(song.shape[1])
    assert first.latency == render.plan["latency"]
    check(first, render, song, sidecar, rate)

    # Saved, opened by another process, and exported once more.
    journal.clear()
    again = ardour.play(session, frames=song.shape[1], block=blocks(block)["block"])
    reopened = journal.render(song.shape[1])
    assert again.latency == first.latency
    assert reopened.plan == render.plan
    check(again, reopened, song, sidecar, rate)


# At 64 frames the engine's blocks are smaller than those of a bounce.
BOUNCES = list(product(KINDS, RATES, (64, 1024)))
SHORT_BOUNCES = [("VST3", 48_000, 64), ("LV2", 44_100, 1024)]


# A host that tells nothing waits only while it is further ahead of the clock than it may be when it
# plays. A machine that is too busy for that, or to grant the plan before the first blocks come, is
# heard without stems for a while, as in real time.
@pytest.mark.parametrize(("kind", "rate", "block"), BOUNCES if IS_FULL else SHORT_BOUNCES)
def test_a_bounce_that_tells_nothing_is_that_of_the_stream(
    ardour, sessions, journal, sidecar, kind, rate, block
):
    song = play_song(rate)
    asked = {"kind": kind, "place": "track", "frames": song.shape[1], "block": block}

    def bounced():
        journal.clear()
        played = ardour.play(sessions(rate), **asked, sleep=SETTLED_SECONDS, bounce=BOUNCED)
        return played, journal.render(song.shape[1])

    played, render = tried(bounced, lambda made: not made[1].replaced)
    check_main(played, song)
    assert played.after == played.latency
    if render.replaced:
        pytest.skip(f"this machine is too busy: {render.replaced} frames without stems")
    check(played, render, song, sidecar, rate)


def test_a_session_with_another_model(ardour, sessions, journal, sidecar):
    song, session = play_song(RATE), sessions(RATE)
    _, plan = streamed_by(sidecar, song, MODEL)
    ardour.insert(session, "VST3", "track")
    rewrite(session, wanting(MODEL, rate=RATE, plan=plan))
    journal.clear()
    played = ardour.play(session, frames=song.shape[1], block=BLOCK)
    render = journal.render(song.shape[1])
    assert played.latency == render.plan["latency"]
    assert render.plan["model"] == MODEL.partition(":")[0]
    check(played, render, song, sidecar, RATE, MODEL)
