"""Whatever is logged, it is one line, and its fields can be told apart again."""

import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.runtime.logs import log, place, start_logging

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|error) (\S+)((?: .*)?)")
FIELD = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|[^ "=]+)')


@pytest.fixture(autouse=True)
def _as_before():
    logger = logging.getLogger("stembridge")
    before = (logger.handlers, logger.propagate, logger.level)
    yield
    logger.handlers, logger.propagate, logger.level = before


@pytest.fixture
def lines(capsys):
    def read():
        return capsys.readouterr().err.split("\n")[:-1]

    return read


def fields(text):
    """The fields of a line, and nothing is left beside them."""
    assert FIELD.sub("", text) == ""
    return {
        name: json.loads(value) if value[0] == '"' else value for name, value in FIELD.findall(text)
    }


@given(st.dictionaries(st.from_regex(r"\A[a-z_]{1,8}\Z"), st.text(), max_size=5))
def test_any_text_is_one_line_that_can_be_read_again(values):
    values = {name: text for name, text in values.items() if name not in ("event", "level")}
    written = []

    class Written(logging.Handler):
        def emit(self, record):
            written.append(self.format(record))

    start_logging()
    logger = logging.getLogger("stembridge")
    formatter = logger.handlers[0].formatter
    logger.handlers = [Written()]
    logger.handlers[0].setFormatter(formatter)
    log("some.event", **values)
    assert len(written) == 1
    assert written[0].isprintable()
    assert written[0].splitlines() == written
    match = LINE.fullmatch(written[0])
    assert match
    assert match[2] == "some.event"
    assert fields(match[3]) == values


def test_values_of_other_types(lines):
    start_logging()
    log("worker.died", pid=7, reason=ValueError("a\nb"), nothing=None, empty="", path="/x y")
    (line,) = lines()
    assert line.endswith('worker.died pid=7 reason="a\\nb" nothing=None empty="" path="/x y"')


def test_percent_signs_are_only_that(lines):
    start_logging()
    log("a.b", name="%s%d%n{0}")
    assert lines()[0].endswith("a.b name=%s%d%n{0}")


def test_details_are_only_for_those_who_ask(lines):
    start_logging()
    log("a.detail", level=logging.DEBUG)
    log("b.news")
    start_logging(verbose=True)
    log("c.detail", level=logging.DEBUG)
    assert [line.split()[1:3] for line in lines()] == [["info", "b.news"], ["debug", "c.detail"]]


def test_the_place_of_an_error():
    with pytest.raises(ValueError, match="x") as caught:
        int("x")
    assert re.fullmatch(r".*test_logs\.py:\d+ test_the_place_of_an_error", place(caught.value))
    assert place(KeyError(1)) == ""
