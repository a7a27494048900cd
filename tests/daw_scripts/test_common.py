"""What the scripts of all hosts share: JSON, the command, its arguments."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import parse_time
from bridge.runtime.plugin_files import start_command
from tests.daw_scripts.lua import MISSING, SCRIPTS, is_installed, literal, run

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
few = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def call(tmp_path):
    """Has job.lua do something; gives what it answers to each."""

    def ask(environment: dict[str, str] | None = None, **wanted: object) -> list[Any]:
        file = tmp_path / "call.lua"
        file.write_text("return " + literal(wanted))
        said = run(HERE / "job.lua", SCRIPTS / "common", file, **(environment or {}))
        return [json.loads(line) for line in said.split("\n") if line]

    return ask


# An empty list and an empty object are the same table in Lua.
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner, min_size=1),
)  # fmt: skip


@few
@given(st.lists(values, min_size=1, max_size=20), st.booleans(), st.sampled_from([None, 1]))
def test_json_is_read_as_python_writes_it(call, wanted, ascii_only, indent):
    texts = [json.dumps(value, ensure_ascii=ascii_only, indent=indent) for value in wanted]
    assert [answer["value"] for answer in call(decode=texts)] == [_single(v) for v in wanted]


def _single(value: Any) -> Any:
    """The same with numbers as JSON compares them."""
    return json.loads(json.dumps(value))


BROKEN = [
    *("", "{", "[1,]", '{"a":1,}', '{"a" 1}', "{1:2}", '"a', '"\\x"', '"\\u12"', "01", "-"),
    *("1 2", "[1 2]", "nul", '"\n"', "tru", ".5", "+1", '{"a":1 "b":2}'),
]
NESTED = "[" * 200  # Python reads it as far as it goes


def test_what_is_no_json_is_refused(call):
    for text in BROKEN:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
    for text, answer in zip([*BROKEN, NESTED], call(decode=[*BROKEN, NESTED]), strict=True):
        assert answer["error"].startswith("JSON: "), text
        assert " at byte " in answer["error"], text


def test_a_file_name_that_is_no_text_keeps_its_bytes(tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    file = tmp_path / "call.lua"
    file.write_text("return " + literal({"decode": [json.dumps(name)]}))
    said = run(HERE / "job.lua", SCRIPTS / "common", file)
    assert json.loads(said)["value"] == name


@few
@given(
    st.sampled_from([8_000, 11_025, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000, 384_000]),
    st.lists(st.tuples(st.integers(0, 2**33), st.integers(1, 2**33)), min_size=20, max_size=200),
)
def test_a_span_lands_on_its_frames(call, rate, pairs):
    spans = [(start, start + length, rate) for start, length in pairs]
    for (start, stop, _), words in zip(spans, call(spans=spans), strict=True):
        said = {name: parse_time(words[words.index(name) + 1]) for name in ("--start", "--end")}
        assert (round(said["--start"] * rate), round(said["--end"] * rate)) == (start, stop)


def test_options_become_words(call):
    options = {
        "found": ["python", "-m", "bridge.cli.main"],
        "model": "tests/a b",
        "preset": "remix-kit",
        "stems": ["vocals", "drums"],
        "format": "flac",
        "bits": "24",
        "extra": ["--shifts", "2"],
    }
    (words,) = call(arguments=options)
    assert words[:3] == options["found"]
    given = "bounce in -o out --json --format flac -m tests/a b --preset remix-kit --bits 24"
    assert " ".join(words[3:]) == f"{given} --stems vocals,drums --shifts 2"


def test_what_is_not_chosen_is_left_to_the_settings_of_the_user(call):
    options = {
        "found": ["stembridge"],
        "model": "",
        "format": "wav",
        "bits": "",
        "stems": [],
        "extra": [],
    }
    (words,) = call(arguments=options)
    assert words[1:] == ["bounce", "in", "-o", "out", "--json", "--format", "wav"]


@pytest.fixture
def places(tmp_path):
    """An environment in which there is no stembridge, and its folder of settings."""
    home = tmp_path / "home"
    config = home / ".config" / "stembridge"
    config.mkdir(parents=True)
    nothing = dict.fromkeys(("STEMBRIDGE_CONFIG_DIR", "XDG_CONFIG_HOME", "LOCALAPPDATA"), "")
    return {**nothing, "HOME": str(home), "PATH": "/usr/bin:/bin"}, config / "plugin.json"


def test_the_recorded_command_comes_first(call, places):
    environment, file = places
    file.write_text(json.dumps({"command": list(start_command()), "bundles": []}))
    (answer,) = call({**environment, "PATH": f"{BIN}:/usr/bin:/bin"}, find="")
    assert answer["found"] == [sys.executable, "-P", "-m", "bridge.cli.main"]


@pytest.mark.parametrize(
    ("host", "variable", "folder"),
    [
        ({}, "STEMBRIDGE_CONFIG_DIR", "."),
        ({}, "XDG_CONFIG_HOME", "stembridge"),
        ({"macos": True}, "HOME", "Library/Application Support/stembridge"),
    ],
)
def test_the_record_is_where_each_system_has_it(call, places, tmp_path, host, variable, folder):
    environment, _ = places
    there = tmp_path / "other" / folder
    there.mkdir(parents=True)
    (there / "plugin.json").write_text(json.dumps({"command": list(start_command())}))
    (answer,) = call({**environment, variable: str(tmp_path / "other")}, host=host, find="")
    assert answer["found"][0] == sys.executable


USELESS = [
    "no json",
    "[]",
    "1",
    '{"command": 1}',
    '{"command": [1, "bridge.cli.main"]}',
    '{"command": ["/nowhere/python", "-m", "bridge.cli.main", "plugin"]}',
    '{"command": ["python"]}',
]


@pytest.mark.parametrize("content", [None, *USELESS])
def test_without_a_record_it_is_looked_for_on_the_path(call, places, content):
    environment, file = places
    if content is not None:
        file.write_text(content)
    (answer,) = call({**environment, "PATH": f"relative:{BIN}:/usr/bin"}, find="")
    assert answer["found"] == [str(BIN / "stembridge")]
    (answer,) = call(environment, find="")
    assert str(file) in answer["error"]
    assert "`stembridge plugin install`" in answer["error"]
    assert "PATH" in answer["error"]


def test_a_command_that_is_given_is_taken_or_refused(call, places):
    environment, _ = places
    (answer,) = call(environment, find=str(BIN / "stembridge"))
    assert answer["found"] == [str(BIN / "stembridge")]
    (answer,) = call(environment, find="/nowhere/stembridge")
    assert "/nowhere/stembridge" in answer["error"]


def test_windows_has_names_of_its_own(call, places):
    environment, _ = places
    windows = {**environment, "PATH": "C:\\one;relative", "LOCALAPPDATA": "C:\\local"}
    (answer,) = call(windows, host={"windows": True}, find="")
    assert "C:\\local\\stembridge\\plugin.json" in answer["error"]
