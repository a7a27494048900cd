"""The files that tie the C++ protocol to the Python one are what the Python one says today."""

import json
from collections import Counter

from tests.shim import decode_verdicts, session_traces


def test_the_traces_are_what_the_session_says():
    made = session_traces.FILE.read_text("utf-8")
    assert made == session_traces.text(), "python -m tests.shim.session_traces"


def test_the_traces_go_everywhere():
    steps = [step for trace in json.loads(session_traces.text()) for step in trace]
    verdicts = Counter((act, verdict) for act, _, _, _, verdict, _ in steps)
    for act, verdict in (
        *(("send", "taken"), ("send", "wrong"), ("receive", "taken"), ("receive", "ignored")),
        *(("receive", "order"), ("receive", "format"), ("receive", "type")),
    ):
        assert verdicts[act, verdict] >= 10, verdicts
    states = {seen["state"] for *_rest, seen in steps if "state" in seen}
    assert states == {"offline", "greeting", "new", "configured", "running", "draining", "lost"}
    for act, names in session_traces.OVER.items():
        taken = {header["t"] for a, _s, _n, header, v, _c in steps if (a, v) == (act, "taken")}
        assert taken == set(names)


def test_the_verdicts_are_what_the_codec_says():
    made = decode_verdicts.FILE.read_text("utf-8")
    assert made == decode_verdicts.text(), "python -m tests.shim.decode_verdicts"


def test_the_verdicts_are_of_every_kind():
    found = Counter(entry.get("code", "accepted") for entry in json.loads(decode_verdicts.text()))
    assert min(found[kind] for kind in ("accepted", "malformed", "type")) >= 100, found
