"""The lives of a feed that other languages read: made by this code, and full of what can happen."""

import json
from collections import Counter

from tests.client.feed_vectors import FILE, text

LIVES = json.loads(FILE.read_text(encoding="utf-8"))["lives"]


def test_the_file_is_what_the_code_makes():
    assert FILE.read_text(encoding="utf-8") == text(), "python -m tests.client.feed_vectors"


def test_everything_happens_in_them():
    steps = [step for life in LIVES for step in life["steps"]]
    count = Counter(step[0] for step in steps)
    assert min(count[kind] for kind in ("begin", "end", "lose", "agree", "drained")) >= 10
    assert min(count[kind] for kind in ("play", "credit", "stems", "next")) >= 100
    sent = Counter("none" if s[5] is None else s[5][0] for s in steps if s[0] == "next")
    assert min(sent[kind] for kind in ("none", "reset", "audio", "drain")) >= 30
