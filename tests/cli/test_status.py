"""The table of `stembridge status`, which has to fit a terminal."""

from bridge.cli.status import _lines

CLIENT = "stembridge 0.3.0 in Python, process 1234567"


def session(**changes):
    return {
        "id": "a1b2",
        "client": CLIENT,
        "state": "running",
        "model": "htdemucs_ft",
        "rate": 44_100,
        "latency_frames": 3 * 44_100 + 17,
        "runs": 70,
        "p50_us": 812_345,
        "p999_us": 1_034_567,
        "late_frames": 20_480,
        **changes,
    }


def report(*sessions, restarts=0):
    worker = {"pid": 1234567, "restarts": restarts, "models": ("htdemucs",), "load_permille": 457}
    return {
        "server": {"version": "0.3.0", "pid": 1234567, "up_us": 3_600_000_000},
        "workers": {"networks": worker},
        "sessions": sessions,
    }


def test_it_fits_80_columns_with_the_usual_values():
    spectral = session(model="spectral", latency_frames=3000, p50_us=2345, p999_us=9876)
    dawless = session(client="a plug-in on the track of the lead vocals, instance 3")
    lines = _lines(report(session(), spectral, dawless, session(rate=48_000)), 80)
    assert max(map(len, lines)) <= 80
    *_, first, second, third, fourth = lines
    assert first.split()[-6:] == ["running", "3000", "ms", "812/1035", "ms", "20480"]
    assert "  htdemucs_ft 44.1 kHz  " in first
    assert "  68.0 ms  2.3/9.9 ms  " in second
    assert "…" in third
    assert "  htdemucs_ft 48 kHz  " in fourth


def test_a_wide_terminal_shows_the_names_of_clients():
    name = "a plug-in on the track of the lead vocals, instance 3"
    lines = _lines(report(session(), session(client=name)), 150)
    assert "  Python 1234567  " in lines[-2]
    assert f"  {name}  " in lines[-1]


def test_a_session_without_a_plan_has_a_row():
    new = {"id": "0001", "client": CLIENT, "state": "new", "late_frames": 0}
    assert _lines(report(new), 80)[-1].split() == ["0001", "Python", "1234567", "new"]


def test_restarts_are_counted_in_words():
    assert _lines(report(restarts=1), 80)[1].endswith(", restarted once")
    assert _lines(report(restarts=2), 80)[1].endswith(", restarted 2 times")
    assert "restarted" not in _lines(report(), 80)[1]
