from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bridge.errors import ModelError, NetworkError
from bridge.runtime import hub, hub_process
from tests.attempts import tried
from tests.files import present
from tests.runtime.hub_server import (
    SIGNATURES,
    WEIGHTS,
    HubServer,
    bag_text,
    helpers_of,
    model_files,
    put_in_cache,
    use_hub,
    without_network,
)

NAME = "htdemucs_ft"
TIDYING_SECONDS = 10  # huggingface-hub by itself gives up, and tidies up, after 20
FIRST, SECOND = (f"{sig}.safetensors" for sig in SIGNATURES)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "hf"


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch):
    before = set(helpers_of(os.getpid()))
    with HubServer() as server:
        use_hub(monkeypatch, home, host=server.host)
        server.offer(NAME)
        yield server
    assert set(helpers_of(os.getpid())) <= before


def ignore(here: int, total: int) -> None:
    """Progress that nobody looks at."""


def reach(name: str = NAME) -> hub.Offer:
    """Ask a hub that answers, however busy this machine is."""
    return hub.reach(name, deadline=60)


def unfinished(home: Path) -> list[int]:
    """How many bytes of each file are there that is not whole yet."""
    return [one.st_size for one in present(home, "**/*.incomplete").values()]


def run(code: str, *before: str) -> subprocess.Popen[str]:
    program = f"from bridge.runtime import hub, hub_process\n{code}"
    command = [*before, sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(condition, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def test_nothing_cached_is_known_without_the_network(server):
    assert hub.cached(NAME) is None
    assert server.requests == []


def test_cached_gives_the_files_in_the_order_of_the_bag(server, home):
    reverse = SIGNATURES[::-1]
    folder = put_in_cache(home, NAME, model_files(NAME, reverse))
    files = hub.cached(NAME)
    assert files == hub.ModelFiles(
        NAME, folder / f"{NAME}.yaml", tuple(folder / f"{sig}.safetensors" for sig in reverse)
    )
    assert files.folder == folder
    assert files.size == sum(len(content) for content in model_files(NAME).values())
    assert server.requests == []


@pytest.mark.usefixtures("server")
def test_a_model_that_lacks_one_file_is_not_cached(home):
    put_in_cache(home, NAME, model_files(NAME)).joinpath(SECOND).unlink()
    assert hub.cached(NAME) is None


@pytest.mark.usefixtures("server")
def test_a_cached_bag_that_leaves_its_folder_is_refused(home):
    files = {f"{NAME}.yaml": b"models: ['../../../../x']\n"}
    put_in_cache(home, NAME, files)
    with pytest.raises(ModelError, match=r"\.\./\.\./\.\./\.\./x"):
        hub.cached(NAME)


def test_a_network_that_a_bag_uses_twice_is_fetched_once(server):
    one = SIGNATURES[0]
    files = model_files(NAME, (one,)) | {f"{NAME}.yaml": bag_text((one, one)).encode()}
    server.offer(NAME, files)
    found = hub.fetch(NAME, ignore)
    assert [path.name for path in found.weights] == [FIRST, FIRST]
    assert found.size == sum(len(content) for content in files.values())
    assert server.fetched().count(FIRST) == 1


@pytest.mark.parametrize("name", ["spectral", "fake", "auto"])
def test_what_has_no_weights_cannot_be_looked_up(name):
    with pytest.raises(ModelError, match=f"{name} has no weights"):
        hub.cached(name)


def test_reach_tells_the_sizes_and_fetches_no_weights(server):
    offer = reach()
    sizes = {file: len(content) for file, content in model_files(NAME).items()}
    assert {file.name: file.size for file in offer.files} == sizes
    assert (offer.name, offer.repo) == (NAME, "adefossez/HTDemucs-ft")
    assert offer.host == server.host
    assert "scientific purposes" in offer.licence
    assert {file for _, file, _ in server.requests} == sizes.keys()
    assert server.fetched() == [f"{NAME}.yaml"]
    assert hub.cached(NAME) is None


@pytest.mark.usefixtures("server")
def test_reach_knows_what_is_here_already(home):
    files = model_files(NAME)
    del files[SECOND]
    put_in_cache(home, NAME, files)
    offer = reach()
    assert [file.name for file in offer.files if not file.here] == [SECOND]
    assert offer.size == len(WEIGHTS[SIGNATURES[1]])


def test_fetch_shows_bytes_while_they_arrive(server):
    server.does.hold_at = 600_000  # and goes on only once half a file has been shown
    seen = []

    def progress(here: int, total: int) -> None:
        seen.append(here)
        assert total == sum(len(content) for content in model_files(NAME).values())
        if here >= 500_000:
            server.does.go_on.set()

    files = hub.fetch(NAME, progress)
    assert files == hub.cached(NAME)
    assert [path.read_bytes() for path in files.weights] == list(WEIGHTS.values())
    assert seen == sorted(set(seen))
    assert seen[-1] == files.size


def test_what_an_earlier_fetch_left_over_is_not_counted(server, home):
    blobs = home / "hub" / "models--adefossez--HTDemucs-ft" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hashed(FIRST)}.00000000.incomplete").write_bytes(bytes(2_000_000))
    server.does.hold_at = 600_000
    seen = []

    def progress(here: int, total: int) -> None:
        del total
        seen.append(here)
        server.does.go_on.set()

    hub.fetch(NAME, progress)
    assert seen[0] <= 600_000


@pytest.mark.slow
def test_a_lost_connection_is_taken_up_again(server):
    server.does.drop_once_at = 600_000
    files = hub.fetch(NAME, ignore)
    assert files.weights[0].read_bytes() == WEIGHTS[SIGNATURES[0]]
    assert any(ranged for _, file, ranged in server.requests if file == FIRST)


@pytest.mark.slow
def test_a_stalled_fetch_gives_up_and_the_next_one_keeps_what_is_complete(
    server, home, monkeypatch
):
    monkeypatch.setattr(hub_process, "_GRACE_S", TIDYING_SECONDS)
    hub.fetch(NAME, ignore)
    for path in (*home.rglob(SECOND), *home.rglob(hashed(SECOND))):
        path.unlink()
    server.does.hold_at = 300_000
    with pytest.raises(NetworkError, match=r"nothing came for 2 s.*models fetch htdemucs_ft"):
        hub.fetch(NAME, ignore, stall=2.0)
    assert unfinished(home) == []
    server.does.go_on.set()
    server.requests.clear()
    assert hub.fetch(NAME, ignore).weights[1].read_bytes() == WEIGHTS[SIGNATURES[1]]
    assert server.fetched() == [SECOND]


def hashed(file: str) -> str:
    return hashlib.sha256(model_files(NAME)[file]).hexdigest()


@pytest.mark.slow
def test_waiting_for_another_fetch_of_the_same_model_is_no_stall(server):
    server.offer(NAME, model_files(NAME, SIGNATURES[:1]))
    server.does.pause = 0.8  # 16 steps, 12.8 s in all, more than the stall limit
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(hub.fetch(NAME, ignore, stall=10.0)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [hub.cached(NAME)] * 2


@pytest.mark.slow
def test_a_silent_server_is_given_up_in_time(server):
    server.does.silent = True

    def seconds() -> float:
        start = time.monotonic()
        with pytest.raises(NetworkError) as caught:
            hub.reach(NAME)
        taken = time.monotonic() - start
        text = str(caught.value)
        for part in (server.host, "no answer within 3 s", f"models fetch {NAME}", "-m spectral"):
            assert part in text
        assert "\n" not in text
        return taken

    assert tried(seconds, lambda taken: taken < 5) < 5


def test_a_closed_port_is_told_at_once(home, monkeypatch):
    use_hub(monkeypatch, home, host="127.0.0.1:9")
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1:9 for htdemucs_ft.*refused"):
        reach()


@pytest.mark.parametrize("call", ["hub.reach(NAME, 60)", "hub.fetch(NAME, print)"])
def test_no_route_is_told_in_time(call, tmp_path, monkeypatch):
    unshare = without_network()
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    code = f"""
import time
NAME, start = {NAME!r}, time.monotonic()
try:
    {call}
except Exception as error:
    print(time.monotonic() - start, type(error).__name__, error)
"""

    def seconds() -> float:
        output, _ = run(code, *unshare).communicate()
        taken, kind, text = output.strip().split(" ", 2)
        assert kind == "NetworkError"
        for part in ("huggingface.co", "name resolution", f"stembridge models fetch {NAME}"):
            assert part in text
        assert "\n" not in text
        return float(taken)

    assert tried(seconds, lambda taken: taken < 5) < 5


def test_offline_mode_asks_nobody(server, home, monkeypatch):
    use_hub(monkeypatch, home, host=server.host, offline=True)
    for call in (reach, lambda: hub.fetch(NAME, ignore)):
        with pytest.raises(NetworkError, match="HF_HUB_OFFLINE"):
            call()
    assert server.requests == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "code", "error", "text"),
    [
        (401, "RepoNotFound", ModelError, "no repository adefossez/HTDemucs-ft"),
        (404, "EntryNotFound", ModelError, "a file of htdemucs_ft is missing"),
        (403, "GatedRepo", ModelError, "only for people"),
        (503, "", NetworkError, "HTTP 503"),
        (401, "", NetworkError, "HTTP 401"),
    ],
)
def test_a_refusal_is_one_line_that_says_why(server, status, code, error, text):
    server.does.status, server.does.error_code = status, code
    with pytest.raises(error, match=text) as caught:
        reach()
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_what_is_not_a_hub_is_called_so(server):
    server.does.commit = None
    with pytest.raises(NetworkError, match="not a hub"):
        reach()


@pytest.mark.parametrize("call", [reach, lambda name: hub.fetch(name, ignore)])
def test_a_hostile_bag_on_the_hub_is_refused(call, server):
    server.offer(NAME, {f"{NAME}.yaml": bag_text(("../../evil",)).encode()})
    with pytest.raises(ModelError, match=r"\.\./\.\./evil"):
        call(NAME)
    assert all("evil" not in file for _, file, _ in server.requests)


def test_a_bag_that_is_too_large_is_not_fetched(server):
    server.offer(NAME, {f"{NAME}.yaml": b" " * 100_000})
    with pytest.raises(ModelError, match="100000 bytes"):
        reach()
    assert server.fetched() == []


def test_a_file_that_arrives_damaged_is_not_kept(server, home):
    server.does.damage = True
    with pytest.raises(ModelError, match=f"{FIRST} arrived damaged"):
        hub.fetch(NAME, ignore)
    assert hub.cached(NAME) is None
    assert [*home.rglob(FIRST), *home.rglob(hashed(FIRST))] == []


@pytest.mark.usefixtures("server")
def test_a_cache_that_cannot_be_written_is_named(home):
    home.write_text("a file where a folder should be")
    with pytest.raises(ModelError, match="cannot be written") as caught:
        hub.fetch(NAME, ignore)
    assert str(home) in str(caught.value)


@pytest.mark.usefixtures("server")
def test_a_helper_that_ends_without_a_word_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(NetworkError, match="ended without an answer"):
        reach()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended stays in /proc until init has noticed."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.slow
def test_a_helper_that_does_not_listen_is_killed(tmp_path, server, monkeypatch):
    deaf = tmp_path / "deaf"
    deaf.write_text(f"#!{sys.executable}\nimport time\nwhile True:\n    time.sleep(1)\n")
    deaf.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(deaf))
    before = set(helpers_of(os.getpid()))
    with pytest.raises(NetworkError, match=r"no answer within 0\.2 s"):
        hub.reach(NAME, deadline=0.2)
    assert set(helpers_of(os.getpid())) <= before
    assert server.requests == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_the_helper_ends_with_its_parent_and_tidies_up(kind, server, home):
    server.does.hold_at = 600_000
    process = run(f"hub_process._GRACE_S = {TIDYING_SECONDS}\nhub.fetch({NAME!r}, print)")
    try:
        assert wait_until(lambda: any(size > 500_000 for size in unfinished(home)))
        helpers = helpers_of(process.pid)
        process.send_signal(kind)
        assert process.wait(60) != 0
        assert wait_until(lambda: not any(map(alive, helpers)), TIDYING_SECONDS)
        assert unfinished(home) == []
    finally:
        process.kill()
        process.communicate()
