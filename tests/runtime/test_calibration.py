"""Measured run times on a real disk: damaged, full, read-only, shared and missing."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.cost import Cost
from bridge.core.figures import Durations
from bridge.protocol.messages_worker import Load, Loaded, Loading
from bridge.runtime import calibration
from bridge.runtime.calibration import ENTRIES, load, refine, store
from bridge.runtime.worker_models import Shelf

KEY = {"device": "cpu", "model": "htdemucs", "weights": "955717e8", "threads": "2"}


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "_unwritten", {})
    return moved(tmp_path / "config", monkeypatch)


def moved(folder, monkeypatch):
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(folder))
    return folder


def other_process(code):
    """What another process prints that has the same folder."""
    head = "from bridge.core.cost import Cost\nfrom bridge.runtime.calibration import *\n"
    ended = subprocess.run(
        [sys.executable, "-c", head + code], check=True, capture_output=True, text=True
    )
    return ended.stdout.strip()


def same(cost_us):
    return Cost(cost_us, cost_us)


def holds(path, cost):
    text = path.read_text()
    return str(cost.typical_us) in text and str(cost.worst_us) in text


def numbered(number):
    return {**KEY, "hop": str(number)}


def test_what_is_stored_is_known_to_the_next_process(config):
    assert load(KEY) is None
    store(KEY, Cost(123_456, 1_234_567, 234_567))
    assert load(dict(reversed(KEY.items()))) == Cost(123_456, 1_234_567, 234_567)
    assert other_process(f"print(load({KEY!r}))") == str(Cost(123_456, 1_234_567, 234_567))
    assert sorted(path.name for path in config.iterdir()) == [
        "calibration.json",
        "calibration.lock",
    ]


@pytest.mark.parametrize("name", KEY)
def test_another_machine_model_or_version_is_not_known(name):
    store(KEY, same(5))
    assert load({**KEY, name: "another"}) is None
    assert load({n: value for n, value in KEY.items() if n != name}) is None
    store(KEY, same(6))
    assert load(KEY) == same(6)


def test_what_was_stored_longest_ago_goes_first(config):
    for number in range(ENTRIES):
        store(numbered(number), same(100 + number))
    store(numbered(0), same(100))  # now the last
    store(numbered(ENTRIES), same(1))
    store(numbered(ENTRIES + 1), same(2))
    known = [n for n in range(ENTRIES + 2) if load(numbered(n))]
    assert known == [0, *range(3, ENTRIES + 2)]
    assert len(json.loads((config / "calibration.json").read_text())["entries"]) == ENTRIES


def stamps(folder):
    """What changes with every writing, by file."""
    found = {path: path.stat() for path in folder.iterdir()}
    return {path: (one.st_mtime_ns, one.st_size, one.st_ino) for path, one in found.items()}


def test_asking_never_writes_nor_waits(config):
    store(KEY, same(5))
    store(numbered(1), same(6))
    before = stamps(config)
    with FileLock(config / "calibration.lock"):
        assert load(KEY) == same(5)
        assert load(numbered(2)) is None
    assert stamps(config) == before


def entry(times, key=b'{"a": "b"}', long=b"3"):
    form = b'{"version": 3, "entries": [{"key": %b, "long_us": %b, "typical_us": %b}]}'
    return form % (key, long, times)


def test_an_entry_is_read(config):
    config.mkdir()
    (config / "calibration.json").write_bytes(entry(b'1, "worst_us": 3600000000'))
    assert load({"a": "b"}) == Cost(1, 3_600_000_000, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b'{"version": 1, "entries": [{"key": {"a": "b"}, "cost_us": 1}]}',
        b'{"version": 9, "entries": [{"key": {"a": "b"}, "typical_us": 1, "worst_us": 1}]}',
        b'{"version": 3}',
        b'{"version": 3, "entries": {}}',
        b'{"version": 3, "entries": [1]}',
        b'{"version": 3, "entries": [{"key": {}}]}',
        b'{"version": 3, "entries": [{"key": {"a": "b"}, "typical_us": 1, "worst_us": 1}]}',
        b'{"version": 3, "entries": [{"key": {"a": "b"}, "long_us": 0, "typical_us": 1}]}',
        entry(b'1, "worst_us": 1', long=b"-1"),
        entry(b'1, "worst_us": 1', long=b"true"),
        entry(b'1, "worst_us": 1', long=b"3600000001"),
        b'{"version": 3, "entries": [{"key": {"a": "b"}, "long_us": 0, "worst_us": 1}]}',
        entry(b'1, "worst_us": 1', key=b"1"),
        entry(b'1, "worst_us": 1', key=b'{"a": 1}'),
        entry(b'1, "worst_us": 1', key=b'{"a": []}'),
        entry(b'0, "worst_us": 1'),
        entry(b'2, "worst_us": 1'),
        entry(b'1, "worst_us": true'),
        entry(b'true, "worst_us": 1'),
        entry(b'1, "worst_us": 1.5'),
        entry(b'1.0, "worst_us": 2'),
        entry(b'NaN, "worst_us": 2'),
        entry(b'1, "worst_us": NaN'),
        entry(b'1, "worst_us": "1"'),
        entry(b'1, "worst_us": 3600000001'),
        entry(b'1, "worst_us": 1' + b"0" * 9999),
        entry(b'1, "worst_us": 1') + b" " * (1 << 20),
    ],
    ids=lambda content: content[:60].decode("latin1"),
)
def test_a_file_that_is_damaged_or_newer_is_replaced(config, content):
    config.mkdir()
    (config / "calibration.json").write_bytes(content)
    assert load({"a": "b"}) is None
    assert load(KEY) is None
    assert (config / "calibration.json").read_bytes() == content
    store(KEY, same(7))
    assert load(KEY) == same(7)
    assert other_process(f"print(load({KEY!r}))") == str(same(7))


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_file_with_any_bytes_in_it_never_breaks_anything(tmp_path_factory, noise, at):
    with pytest.MonkeyPatch.context() as patch:
        folder = moved(tmp_path_factory.mktemp("noise"), patch)
        store(KEY, same(7))
        path = folder / "calibration.json"
        whole = path.read_bytes()
        path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
        assert load(KEY) in (None, same(7)) or holds(path, load(KEY))
        store(KEY, same(8))
        assert load(KEY) == same(8)


def place_without_a_folder(_):
    return os.devnull


def place_behind_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "config"


def place_where_a_folder_has_the_name(tmp_path):
    (tmp_path / "config" / "calibration.json").mkdir(parents=True)
    return tmp_path / "config"


@pytest.mark.parametrize(
    "place", [place_without_a_folder, place_behind_a_file, place_where_a_folder_has_the_name]
)
def test_without_a_folder_this_process_remembers(place, tmp_path, monkeypatch):
    moved(place(tmp_path), monkeypatch)
    assert load(KEY) is None
    store(KEY, same(4000))
    refine(KEY, seen(*[4000] * 100))
    assert load(KEY) == same(5000)
    assert other_process(f"print(load({KEY!r}))") == "None"
    for number in range(2 * ENTRIES):
        store(numbered(number), same(1))
    assert len(calibration._unwritten) == ENTRIES
    assert not list(tmp_path.rglob("*.new"))


@pytest.fixture
def disk(tmp_path):
    """A folder on a disk that takes 16 thousand bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root's rights")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk):
    with (disk / "others.bin").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert shutil.disk_usage(disk).free == 0


def test_a_full_disk_loses_nothing_that_was_stored(disk, monkeypatch):
    moved(disk, monkeypatch)
    store(KEY, same(1000))
    fill(disk)
    store(numbered(1), same(2000))
    assert (load(KEY), load(numbered(1))) == (same(1000), same(2000))
    assert other_process(f"print(load({KEY!r}), load({numbered(1)!r}))") == f"{same(1000)} None"
    (disk / "others.bin").unlink()
    store(numbered(1), same(3000))
    assert (
        other_process(f"print(load({KEY!r}), load({numbered(1)!r}))")
        == f"{same(1000)} {same(3000)}"
    )
    assert calibration._unwritten == {}


def test_a_read_only_disk_is_read(disk, monkeypatch):
    moved(disk, monkeypatch)
    store(KEY, same(1000))
    store(numbered(1), same(2000))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert (load(KEY), load(numbered(1))) == (same(1000), same(2000))
    store(KEY, same(1500))
    assert load(KEY) == same(1500)


def test_a_process_that_died_with_the_lock_does_not_stop_others(config):
    other_process(
        f"import os; from filelock import FileLock; store({KEY!r}, Cost(5, 5))\n"
        f"held = FileLock({str(config / 'calibration.lock')!r}); held.acquire(); os._exit(0)"
    )
    store(numbered(1), same(6))
    assert other_process(f"print(load({KEY!r}), load({numbered(1)!r}))") == f"{same(5)} {same(6)}"


@pytest.mark.slow
def test_a_lock_that_is_not_given_back_costs_only_the_storing(config):
    code = (
        f"import sys; from filelock import FileLock; store({KEY!r}, Cost(5, 5))\n"
        f"held = FileLock({str(config / 'calibration.lock')!r}); held.acquire()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    head = "from bridge.core.cost import Cost\nfrom bridge.runtime.calibration import *\n"
    with subprocess.Popen(
        [sys.executable, "-c", head + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        store(KEY, same(6))
        assert load(KEY) == same(6)
        assert other_process(f"print(load({KEY!r}))") == str(same(5))
        holder.communicate()


def store_some(numbers):
    calibration._LOCK_SECONDS = 60
    for number in numbers:
        store(numbered(number), same(1 + number))


def test_processes_that_store_at_once_lose_nothing_of_each_other():
    shares = [range(i, 32, 4) for i in range(4)]
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(store_some, shares))
    assert [load(numbered(number)) for number in range(32)] == [
        same(1 + number) for number in range(32)
    ]


def test_a_cost_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="cannot take 3600000001 us"):
        store(KEY, Cost(1, 3_600_000_001))


def seen(*durations):
    counted = Durations()
    for duration in durations:
        counted.add(duration)
    return counted


def test_a_session_raises_what_is_stored_at_once_and_lowers_it_slowly():
    store(KEY, Cost(200, 1000))
    refine(KEY, seen(*[100] * 500))
    assert load(KEY) == Cost(200, 1000)  # too few to say that it was too much
    refine(KEY, seen(900, 880, *[90] * 498))
    assert load(KEY) == Cost(200, 1125)
    refine(KEY, seen(1_000_000_000, *[90] * 500))
    assert load(KEY) == Cost(200, 2250)  # a machine that slept
    refine(KEY, seen(*[100] * 2000))
    assert load(KEY) == Cost(200 - (200 - 125) // 8, 2250 - (2250 - 125) // 8)
    refine(KEY, seen(*[1000] * 2000))
    assert load(KEY) == Cost(2 * 191, 1985 - (1985 - 1250) // 8)  # all runs, not one
    refine(numbered(1), seen(5))
    assert load(numbered(1)) is None
    refine(KEY, seen())
    assert load(KEY) == Cost(382, 1894)


def test_a_short_measurement_is_not_taken_for_a_full_one():
    def measures(calibrate_us):
        wanted = Load("k", "fake", "exact", 48_000, 2, 0, -1, calibrate_us)
        told = list(Shelf("cpu", lambda: True, lambda: ()).load(wanted))
        assert isinstance(told[-1], Loaded)
        return any(isinstance(one, Loading) and one.total for one in told)

    assert [measures(us) for us in (1000, 999_999, 1_000_000, 2_000_000)] == [
        True,
        False,
        True,
        False,
    ]
