"""`stembridge keys` as a user runs it."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess

import pytest

from tests.cli.helpers import COMMAND, Ended, refused

KEY = "0123456789abcdef" * 4


@pytest.fixture
def keys(tmp_path):
    def run(*arguments: str) -> Ended:
        done = subprocess.run(
            [COMMAND[0], "keys", *arguments],
            env={**os.environ, "STEMBRIDGE_CONFIG_DIR": str(tmp_path / "config")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def test_a_client_is_let_in_by_the_line_that_its_own_machine_prints(keys, tmp_path):
    made = keys("new", "laptop")
    assert re.fullmatch("[0-9a-f]{64}\n", made.out)
    line = made.err.strip().removeprefix("On the server's machine: stembridge keys ")
    assert keys(*line.split()).status == 0
    listed = json.loads(keys("list", "--json").out)
    assert listed == {
        "server": "",
        "client": made.out.strip(),
        "allowed": {"laptop": made.out.strip()},
    }
    assert keys("new").out == made.out  # the same key for ever
    secret = tmp_path / "config/keys/client.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert secret.read_text().strip() not in made.out + made.err + keys("list").out


def test_the_list_shows_what_is_there_and_makes_nothing(keys, tmp_path):
    assert "No client may come in" in keys("list").out
    assert not (tmp_path / "config").exists()
    keys("allow", "a-name-that-is-quite-long", KEY)
    ended = keys("list")
    assert re.search(rf"^a-name-that-is-quite-long +{KEY}$", ended.out, re.MULTILINE)
    assert keys("remove", "a-name-that-is-quite-long").status == 0
    assert KEY not in keys("list").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("allow", "laptop", "x"), ("'x' is not a key", "stembridge keys new")),
        (("allow", "../laptop", KEY), ("'../laptop' is not a name",)),
        (("remove", "laptop"), ("no key is named 'laptop'", "stembridge keys list")),
        (("new", "my laptop"), ("'my laptop' is not a name",)),
        (("allow", "laptop"), ("PUBLICKEY", "stembridge keys allow --help")),
    ],
)
def test_mistakes_are_named_in_one_line(arguments, words, keys):
    refused(keys(*arguments), 2, *words)


def test_keys_that_others_could_read_are_refused_in_one_line(keys, tmp_path):
    keys("new")
    (tmp_path / "config/keys/client.secret").chmod(0o644)
    for command in ("new", "list"):
        refused(keys(command), 10, "client.secret is open to other users", "chmod 600")


def test_the_help_says_how_two_machines_are_joined(keys):
    ended = keys("--help")
    for words in ("keys new", "keys allow", "serve --bind tcp://", "connection.json"):
        assert words in ended.out
