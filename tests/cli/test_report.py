"""What a bounce says while it works."""

import json
from pathlib import Path

import pytest

from bridge.cli.report import make_report
from bridge.runtime.bounce import Progress

HALF = Progress(3, 5, 10, 20 * 44_100, 44_100, 4.0)
"""Of 40 s, half; three windows of five in this run, in 4 s."""


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("bridge.cli.report._LINE_EVERY", 0)


@pytest.mark.usefixtures("impatient")
def test_what_comes_before_the_first_window_slows_nothing_down(capsys):
    """A model that is prepared for half a minute, such as one that was fetched just now."""
    with make_report(as_json=False, quiet=False, verbose=False) as report:
        report.begin(Path("song.wav"), 1, 1)
        report.progress(HALF)
    assert capsys.readouterr().err == "song.wav: 50%, 3.0 x real time, 0:07 left\n"


def test_the_event_tells_the_same_speed(capsys):
    with make_report(as_json=True, quiet=False, verbose=False) as report:
        report.begin(Path("song.wav"), 1, 1)
        report.progress(HALF)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["windows"], told["seconds_done"], told["speed"]) == (5, 20, 3)
