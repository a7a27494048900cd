"""What a session in Ardour gives: lag 0 and the stems of the stream, wherever the plug-in is."""

from __future__ import annotations

from itertools import product

import pytest

from tests.hosts.ardour.comparing import check
from tests.hosts.ardour.conftest import IS_FULL, play_song
from tests.hosts.ardour.host import BOUNCED

KINDS, RATES = ("VST3", "LV2"), (44_100, 48_000, 96_000)
BLOCKS = ("64", "1024", "varying")
PLACES = ("track", "bus", "master")

# Each value of each of them with both kinds; all of them with STEMBRIDGE_FULL=1.
SHORT = [
    ("VST3", 48_000, "64", "track"),
    ("VST3", 44_100, "1024", "bus"),
    ("VST3", 96_000, "varying", "master"),
    ("LV2", 48_000, "varying", "track"),
    ("LV2", 96_000, "64", "bus"),
    ("LV2", 44_100, "1024", "master"),
]
CASES = list(product(KINDS, RATES, BLOCKS, PLACES)) if IS_FULL else SHORT

SETTLED_SECONDS = 1

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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", RATES if IS_FULL else RATES[1:2])
def test_a_bounce_that_tells_nothing_is_that_of_the_stream(
    ardour, sessions, journal, sidecar, kind, rate
):
    song, session = play_song(rate), sessions(rate)
    played = ardour.play(
        session,
        kind=kind,
        place="track",
        frames=song.shape[1],
        block=1024,
        sleep=SETTLED_SECONDS,
        bounce=BOUNCED,
    )
    check(played, journal.render(song.shape[1]), song, sidecar, rate)
