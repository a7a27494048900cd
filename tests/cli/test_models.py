from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.models import command
from bridge.engine.catalog import CATALOG
from bridge.errors import ModelError
from bridge.runtime import hub
from tests.cli.helpers import shown
from tests.runtime.hub_server import (
    SIGNATURES,
    HubServer,
    model_files,
    put_in_cache,
    use_hub,
    without_network,
)

NAME = "htdemucs_ft"
MAIN = "from bridge.cli.main import main; main()"
# A busy machine may take longer to load the child than a user waits for the network.
PATIENT = f"from bridge.runtime import hub; hub.reach.__defaults__ = (60.0,); {MAIN}"
ENDS_SECONDS = 30


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    use_hub(monkeypatch, tmp_path / "hf")
    return tmp_path / "hf"


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch):
    with HubServer() as server:
        use_hub(monkeypatch, home, host=server.host)
        server.offer(NAME)
        yield server


def output(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def program(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, "models", *arguments]


def run(
    *arguments: str, before: list[str] | None = None, code: str = PATIENT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*(before or []), *program(code, *arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def run_on_terminal(answer: str, *arguments: str) -> tuple[int, str]:
    """Run with a terminal for input and errors, type `answer`; return the status and the screen."""
    ours, theirs = pty.openpty()
    command = program(PATIENT, *arguments)
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        screen = shown(ours)
    return process.returncode, " ".join(screen.split())


def test_the_list_names_every_model_once_and_fits_80_columns(home):
    put_in_cache(home, NAME, model_files(NAME))
    lines = output("list").splitlines()
    assert max(map(len, lines)) <= 80
    first_words = [line.split()[0] for line in lines[1 : 1 + len(CATALOG)]]
    assert first_words == list(CATALOG)
    here = {line.split()[0] for line in lines if "yes, 2.1 MB" in line}
    assert here == {NAME}


def test_the_list_is_the_same_for_programs(home):
    folder = put_in_cache(home, NAME, model_files(NAME))
    rows = {row["name"]: row for row in json.loads(output("list", "--json"))}
    assert rows.keys() == CATALOG.keys()
    assert [name for name, row in rows.items() if row["cached"]] == [NAME]
    assert rows[NAME]["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert rows["htdemucs_6s"]["stems"][4:] == ["guitar", "piano"]
    assert not rows["spectral"]["weights"]


def test_a_damaged_model_does_not_end_the_list(home):
    put_in_cache(home, NAME, {f"{NAME}.yaml": b"models: ['../x']"})
    lines = output("list").splitlines()
    assert [line.split()[0] for line in lines if "damaged" in line] == [NAME]
    rows = {row["name"]: row for row in json.loads(output("list", "--json"))}
    assert "../x" in rows[NAME]["damage"]


def test_the_list_asks_nobody(server):
    output("list")
    assert server.requests == []


@pytest.mark.usefixtures("home")
def test_info_gives_the_licence_before_anything_is_here():
    text = " ".join(output("info", "mdx_q").split())
    for part in ('"provided only for scientific purposes"', "diffq", "adefossez/Demucs-mdx_q"):
        assert part in text


def test_info_gives_the_hash_of_each_file(home):
    import hashlib

    files = model_files(NAME)
    folder = put_in_cache(home, NAME, files)
    facts = json.loads(output("info", NAME, "--json"))
    assert facts["folder"] == str(folder)
    assert {file["name"]: file["sha256"] for file in facts["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    text = output("info", NAME)
    assert all(file["sha256"] in text for file in facts["files"])
    assert str(folder) in text  # in one piece, to be copied


def test_path_prints_a_folder_and_nothing_else(home):
    assert output("path") == f"{home / 'hub'}\n"
    folder = put_in_cache(home, NAME, model_files(NAME))
    assert output("path", NAME) == f"{folder}\n"


@pytest.mark.usefixtures("home")
def test_path_of_a_model_that_is_not_here_fails_on_stderr():
    done = run("path", NAME)
    assert (done.returncode, done.stdout) == (ModelError.status, "")
    assert done.stderr == (
        f"stembridge: {NAME} is not on this machine; `stembridge models fetch {NAME}` gets it\n"
    )


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("verb", ["info", "path", "fetch"])
def test_an_unknown_name_is_answered_with_the_nearest(verb):
    done = run(verb, "htdemux")
    assert (done.returncode, done.stdout) == (ModelError.status, "")
    assert "did you mean 'htdemucs'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_fetch_shows_size_and_licence_then_the_bytes(server):
    done = run("fetch", NAME, "--yes")
    assert done.returncode == 0
    files = hub.cached(NAME)
    assert files is not None
    assert done.stdout == f"{NAME} is in {files.folder} (2.1 MB)\n"
    lines = done.stderr.splitlines()
    assert lines[0] == f"To fetch  {NAME}: 2 of 3 files, 2.1 MB"
    assert lines[1] == f"From      {server.host}/adefossez/HTDemucs-ft"
    assert "provided only for scientific purposes" in " ".join(done.stderr.split())
    assert lines[-1] == f"{NAME}: 100 % of 2.1 MB"


def test_fetch_of_what_is_here_asks_nobody(server, home):
    folder = put_in_cache(home, NAME, model_files(NAME))
    assert output("fetch", NAME) == f"{NAME} is in {folder} (2.1 MB)\n"
    assert server.requests == []


def test_fetch_needs_yes_where_nobody_can_be_asked(server):
    done = run("fetch", NAME)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--yes" in done.stderr.splitlines()[-1]
    assert server.fetched() == [f"{NAME}.yaml"]


def test_no_on_a_terminal_fetches_nothing(server):
    status, screen = run_on_terminal("n\n", "fetch", NAME)
    assert status == ModelError.status
    assert screen.index("scientific purposes") < screen.index("Fetch it? [y/N]")
    assert f"{NAME} was not fetched" in screen
    assert server.fetched() == [f"{NAME}.yaml"]


@pytest.mark.usefixtures("server")
def test_yes_on_a_terminal_fetches_with_a_bar():
    status, screen = run_on_terminal("y\n", "fetch", NAME)
    assert status == 0
    assert "2.1/2.1 MB" in screen
    assert hub.cached(NAME) is not None


@pytest.mark.slow
def test_fetch_from_a_silent_server_ends_in_time(server):
    server.does.silent = True
    start = time.monotonic()
    done = run("fetch", NAME, "--yes", code=MAIN)
    assert time.monotonic() - start < ENDS_SECONDS
    assert done.returncode == 6
    assert done.stderr.startswith(f"stembridge: cannot ask {server.host} for {NAME}: no answer")
    assert done.stderr.count("\n") == 1


def test_fetch_without_a_network_ends_in_time(home, monkeypatch):
    unshare = without_network()
    monkeypatch.delenv("HF_ENDPOINT")
    start = time.monotonic()
    done = run("fetch", NAME, "--yes", before=unshare, code=MAIN)
    assert time.monotonic() - start < ENDS_SECONDS
    assert done.returncode == 6
    assert "cannot ask huggingface.co" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(home.rglob(f"{SIGNATURES[0]}*")) == []


def test_the_command_loads_nothing_heavy_before_it_is_used():
    code = (
        "import sys, bridge.cli.models, bridge.cli.doctor;"
        "heavy = {'torch', 'numpy', 'rich', 'huggingface_hub', 'yaml', 'zmq'} & sys.modules.keys();"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
