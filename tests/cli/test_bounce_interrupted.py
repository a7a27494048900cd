"""Interruptions of every kind: what was finished stays whole, what was not goes on to the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.helpers import (
    STEMS,
    bounce,
    good,
    manifest,
    music,
    refused,
    song,
    start,
    stopped,
    tree,
    write,
)
from tests.files import present

pytestmark = pytest.mark.slow

FULL = bool(os.environ.get("STEMBRIDGE_FULL"))
PART = ".stembridge-part"
# Twenty windows; coding mp3 takes about as long as separating, so that kills hit both.
SLOW = ("-m", "fake:cost=0.03,segment=11025", "--format", "mp3", "-o", "out", "--json")
LENGTH = 5.0  # seconds


def wait_for(process: subprocess.Popen[str], wanted: Callable[[dict[str, Any]], bool]) -> None:
    """Read events until the wanted one."""
    assert process.stdout is not None
    for line in process.stdout:
        if wanted(json.loads(line)):
            return
    raise AssertionError(f"ended before: {process.communicate()[1]}")


def windows(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["event"] == "progress" and event["windows"] == count


def at_window(count: int) -> Callable[[subprocess.Popen[str]], None]:
    return lambda process: wait_for(process, windows(count))


def kill(
    moment: Callable[[subprocess.Popen[str]], None], *arguments: str, cwd: Path, made: str
) -> None:
    """Kill a bounce at a moment of its work, before `made` is there."""
    ended = stopped(signal.SIGKILL, moment, *arguments, cwd=cwd, made=made)
    assert ended.status == -signal.SIGKILL, ended.err


def kill_song(moment: Callable[[subprocess.Popen[str]], None], *options: str, folder: Path) -> None:
    kill(moment, "song.wav", *SLOW, *options, cwd=folder, made="out/song")


def interrupt_song(number: int, moment: int, *options: str, folder: Path) -> None:
    """Send a signal at a window, which has to end it in words."""
    arguments = ("song.wav", *SLOW, *options)
    ended = stopped(number, at_window(moment), *arguments, cwd=folder, made="out/song")
    last = json.loads(ended.out.splitlines()[-1])
    assert (last["event"], last["status"]) == ("error", 130)
    assert (ended.status, ended.err) == (130, "stembridge: interrupted\n")


def stems(folder: Path) -> dict[str, bytes]:
    """Every file with a final name, but the manifest."""
    return {p.name: p.read_bytes() for p in folder.glob("song/*") if p.name != "manifest.json"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A folder with a song and its stems in `out`, and the seconds that it took after its begin."""
    folder = tmp_path_factory.mktemp("undisturbed")
    song(folder, seconds=LENGTH)
    process = start("song.wav", *SLOW, cwd=folder)
    wait_for(process, lambda event: event["event"] == "begin")
    began = time.monotonic()
    process.communicate()
    assert process.returncode == 0
    return folder, time.monotonic() - began


@pytest.fixture
def folder(tmp_path: Path, undisturbed: tuple[Path, float]) -> Path:
    (tmp_path / "song.wav").write_bytes((undisturbed[0] / "song.wav").read_bytes())
    return tmp_path


def check_whole(folder: Path, undisturbed: Path) -> None:
    """Whatever has its final name must be as it is without a disturbance."""
    expected = stems(undisturbed / "out")
    for name, content in stems(folder / "out").items():
        assert content == expected[name], name
    if (folder / "out/song/manifest.json").exists():
        found, wanted = manifest(folder / "out/song"), manifest(undisturbed / "out/song")
        for values in (found, wanted):
            del values["seconds"], values["windows"]
        assert found == wanted
        assert stems(folder / "out") == expected


def finish(folder: Path, undisturbed: Path, *options: str) -> int:
    """Resume to the end; the windows that it computed."""
    done = good("song.wav", *SLOW, *options, cwd=folder).events[-1]
    check_whole(folder, undisturbed)
    assert stems(folder / "out").keys() == {f"{name}.mp3" for name in STEMS}
    assert not (folder / "out" / PART).exists()
    computed: int = manifest(folder / "out/song")["windows"]["computed"]
    return 0 if done["skipped"] else computed


@pytest.mark.parametrize("seed", range(5 if FULL else 2))
def test_killed_four_times_at_random(seed: int, folder: Path, undisturbed: tuple[Path, float]):
    whole, seconds = undisturbed
    moments = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(4):
        process = start("song.wav", *SLOW, "--resume", cwd=folder)
        wait_for(process, lambda event: event["event"] == "begin")
        time.sleep(moments.uniform(0, seconds) * moments.choice([0.3, 1]))
        process.kill()
        process.communicate()
        check_whole(folder, whole)
    assert finish(folder, whole, "--resume") <= 20


def test_killed_at_half_computes_the_other_half(folder: Path, undisturbed: tuple[Path, float]):
    kill_song(at_window(10), "--resume", folder=folder)
    assert finish(folder, undisturbed[0], "--resume") <= 0.55 * 20
    assert manifest(folder / "out/song")["windows"]["total"] == 20


def test_killed_while_writing(folder: Path, undisturbed: tuple[Path, float]):
    def unfinished() -> dict[str, int]:
        files = present(folder / "out" / PART, "*/*.mp3")
        return {path.name: one.st_mtime_ns for path, one in files.items()}

    def writes(process: subprocess.Popen[str]) -> None:
        while unfinished() in ({}, before) and process.poll() is None:
            time.sleep(0.002)

    for _ in range(2):
        before = unfinished()
        kill_song(writes, "--resume", folder=folder)
        assert unfinished() not in ({}, before)
        assert not stems(folder / "out")
    assert finish(folder, undisturbed[0], "--resume") == 0


def test_killed_without_resume_starts_anew(folder: Path, undisturbed: tuple[Path, float]):
    kill_song(at_window(10), folder=folder)
    assert (folder / "out" / PART).exists()
    assert finish(folder, undisturbed[0]) == 20


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("--shifts", "1"), ("shifts was 0 and is now 1",)),
        (("--format", "flac"), ("format was mp3 and is now flac",)),
        (("--stems", "vocals"), ("stems was None", "['vocals']")),
        (("--end", "4"), ("220500", "176400")),
        (("-m", "fake:segment=11025"), ("model was fake:cost=0.03",)),
        ("input", ("sha256",)),
    ],
)
def test_changed_work_is_not_resumed(
    change: str | tuple[str, ...],
    words: tuple[str, ...],
    folder: Path,
    undisturbed: tuple[Path, float],
):
    kill_song(at_window(3), "--resume", folder=folder)
    options: tuple[str, ...] = ()
    before = (folder / "song.wav").read_bytes()
    if change == "input":
        write(folder / "song.wav", music(220_500, seed=9))
    else:
        options = tuple(change)
    kept = tree(folder / "out")
    plain = [option for option in SLOW if option != "--json"]
    ended = bounce("song.wav", *plain, "--resume", *options, cwd=folder)
    refused(ended, 8, "cannot resume song.wav", "without --resume", *words)
    assert tree(folder / "out") == kept
    if change == "input":
        (folder / "song.wav").write_bytes(before)
        assert 0 < finish(folder, undisturbed[0], "--resume") <= 17


def test_finished_song_is_not_done_again(folder: Path, undisturbed: tuple[Path, float]):
    finish(folder, undisturbed[0], "--resume")
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    plain = [option for option in SLOW if option != "--json"]
    ended = good("song.wav", *plain, "--resume", cwd=folder)
    assert "already done" in ended.out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == {
        path: stamp for path, stamp in times.items() if path.is_file()
    }
    events = good("song.wav", *SLOW, "--resume", cwd=folder).events
    assert [event["event"] for event in events] == ["begin", "done"]
    assert events[1]["skipped"] is True


def test_batch_is_resumed(tmp_path: Path):
    names = [song(tmp_path, f"{name}.wav", seconds=3, seed=ord(name)).name for name in "abc"]
    options = ("-m", "fake:cost=0.05,segment=4410", "-o", "out", "--resume", "--json")

    def second(process: subprocess.Popen[str]) -> None:
        wait_for(process, lambda event: event.get("input") == "b.wav" and event.get("windows") == 3)

    kill(second, *names, *options, cwd=tmp_path, made="out/b")
    done = [e for e in good(*names, *options, cwd=tmp_path).events if e["event"] == "done"]
    assert [event["skipped"] for event in done] == [True, False, False]
    computed = [manifest(tmp_path / "out" / n)["windows"]["computed"] for n in "abc"]
    assert computed[0] == computed[2] == 30
    assert computed[1] <= 27
    good(*names, "-m", "fake:segment=4410", "-o", "fresh", cwd=tmp_path)
    for name in names:
        for stem in STEMS:
            paths = [tmp_path / o / name[0] / f"{stem}.wav" for o in ("out", "fresh")]
            assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, 4), (signal.SIGINT, 20), (signal.SIGTERM, 4), (signal.SIGHUP, 4)],
)
def test_interrupted_by_a_signal(
    number: int, moment: int, folder: Path, undisturbed: tuple[Path, float]
):
    before = tree(folder)
    interrupt_song(number, moment, folder=folder)
    assert tree(folder) == before

    interrupt_song(number, moment, "--resume", folder=folder)
    assert (folder / "out" / PART).exists()
    assert finish(folder, undisturbed[0], "--resume") <= 20 - moment


def test_interrupted_within_one_window(tmp_path: Path):
    song(tmp_path, seconds=20)
    process = start("song.wav", "-m", "fake:cost=2", "--json", "-o", "out", cwd=tmp_path)
    wait_for(process, windows(1))
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - began < 20  # of 38 that are left


def test_two_at_once_on_one_song(folder: Path, undisturbed: tuple[Path, float]):
    first = start("song.wav", *SLOW, cwd=folder)
    wait_for(first, windows(1))
    first.send_signal(signal.SIGSTOP)
    try:
        ended = bounce("song.wav", "-m", "fake", "-o", "out", "--overwrite", cwd=folder)
    finally:
        first.send_signal(signal.SIGCONT)
    refused(ended, 4, "another stembridge is working on song.wav", "wait")
    first.communicate()
    assert first.returncode == 0
    check_whole(folder, undisturbed[0])
    assert not (folder / "out" / PART).exists()
