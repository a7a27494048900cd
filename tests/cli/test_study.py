"""`stembridge study`: what it prints and writes, and how it ends."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from bridge.runtime.study_files import can_draw
from tests.cli.helpers import COMMAND, Ended, music, refused, run, shown, song, tree, write

RATE = 44_100
STUDY = [COMMAND[0], "study"]
FAKE = ("-m", "fake:segment=20000,delay=100", "--quick")
SLOW = ("-m", "fake:segment=20000,delay=100,cost=0.05")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a song of 3 s in it."""
    made = tmp_path_factory.mktemp("study")
    write(made / "song.wav", music(3 * RATE))
    return made


def study(*arguments, cwd, environment=None):
    return run([*STUDY, *map(str, arguments)], cwd=cwd, environment=environment)


def start(*arguments, cwd, **streams):
    return subprocess.Popen([*STUDY, *map(str, arguments)], cwd=cwd, text=True, **streams)


def test_it_prints_tables_and_a_picture_and_writes_both(folder, tmp_path):
    out = tmp_path / "out"
    ended = study("song.wav", *FAKE, "-o", out, cwd=folder)
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == ("fake, 0.45 to 2.25 s of the song, after 0.45 s of run-up; window 0.45 s")
    assert sum(line.startswith("window ") and "SNR" in line for line in lines) == 3
    assert any("measured on cpu and a margin added" in line for line in lines)
    assert any(line.startswith("look-ahead") and "smallest latency" in line for line in lines)
    assert any("within 5 ms of a seam" in line for line in lines)
    assert any("┤" in line and "●" in line for line in lines)
    assert max(map(len, lines)) < 140
    names = {"study.csv", *(("study.png",) if can_draw() else ())}
    assert set(tree(out)) == names
    assert lines[-1] in {str(out / name) for name in names}
    header, *rows = (out / "study.csv").read_text().splitlines()
    assert header.startswith("window_s,hop_s,lookahead_ms,join,compared_s,snr_db_drums,")
    assert {line.split(",")[3] for line in rows} == {"fade", "average"}


def test_without_a_folder_nothing_is_written(folder):
    before = tree(folder)
    assert study("song.wav", *FAKE, cwd=folder).status == 0
    assert tree(folder) == before


def test_json_has_all_rows(folder):
    ended = study("song.wav", *FAKE, "--json", "--start", "0:01", "--seconds", "1", cwd=folder)
    assert ended.status == 0
    assert ended.err == ""
    found = json.loads(ended.out)
    assert (found["model"], found["from"], found["to"]) == ("fake", 1.0, 2.0)
    assert found["moved"] == dict.fromkeys(("drums", "bass", "other", "vocals"))  # no error at all
    assert {row["seconds"] for row in found["rows"]} == {1.0}
    assert all(row["snr"]["bass"] > 100 for row in found["rows"])


def test_ctrl_c_keeps_what_was_measured(folder, tmp_path):
    out = tmp_path / "out"
    running = start(
        "song.wav", *SLOW, "-o", out, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    line = running.stderr.readline()  # once it can tell how long it takes
    assert "left" in line
    while "window" not in line:
        line = running.stderr.readline()
        assert line
    running.send_signal(signal.SIGINT)
    printed, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told.splitlines()[-1] == "stembridge: interrupted"
    rows = (out / "study.csv").read_text().splitlines()[1:]
    seconds = [float(row.split(",")[4]) for row in rows]
    assert rows
    assert min(seconds) < 1.8  # the last pass was under way
    assert "SNR of the worst stem" in printed


def test_a_terminal_gets_a_bar_that_goes_away(folder):
    ours, theirs = pty.openpty()
    running = start("song.wav", *FAKE[:2], cwd=folder, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    text = shown(ours)
    printed, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "window 0.45 s" in text
    assert "%" in text
    assert "left" in text
    assert text.rstrip().endswith("\x1b[2K")
    assert printed.startswith("fake, ")


def test_without_matplotlib_one_line_says_what_is_missing(folder, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['matplotlib'] = None\n")
    out = tmp_path / "out"
    ended = study(
        "song.wav", *FAKE, "-o", out, cwd=folder, environment={"PYTHONPATH": str(tmp_path)}
    )
    assert ended.status == 0
    assert set(tree(out)) == {"study.csv"}
    warnings = [line for line in ended.err.splitlines() if "warning" in line]
    (line,) = warnings
    assert line.endswith(
        "study.png is left out, as matplotlib draws it: pip install 'stembridge[study]'"
    )


def test_results_that_exist_stay(folder, tmp_path):
    (tmp_path / "study.csv").write_text("mine")
    ended = study("song.wav", *FAKE, "-o", tmp_path, cwd=folder)
    refused(ended, 4, str(tmp_path / "study.csv"), "--overwrite")
    assert tree(tmp_path) == {"study.csv": b"mine"}
    assert study("song.wav", *FAKE, "-o", tmp_path, "--overwrite", cwd=folder).status == 0
    assert (tmp_path / "study.csv").read_text() != "mine"


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("-m", "spectral"), 2, ("spectral", "name a network")),
        (("-m", "no-such-model"), 5, ("no-such-model",)),
        (("--start", "2"), 2, ("--start 2 s", "lasts 3.0 s")),
        (("--start", "soon"), 2, ("'soon' is not a time",)),
        (("--seconds", "0"), 2, ("--seconds", "1<=x<=3600")),
        (("--truth", "nowhere"), 3, ("nowhere/drums.wav", "no such file")),
        (("--precision", "rough"), 2, ("--precision", "rough")),
        (("-m", "fake:segment=200000"), 3, ("too short", "6.3 s or more")),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(folder, options, status, words):
    ended = study("song.wav", *FAKE, *options, cwd=folder)
    lines = [line for line in ended.err.splitlines() if "warning" not in line]
    refused(Ended(ended.status, ended.out, "\n".join(lines)), status, *words)


def test_a_song_that_is_not_there(tmp_path):
    refused(study("none.wav", *FAKE, cwd=tmp_path), 3, "none.wav", "no such file")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no full device")
def test_a_folder_that_cannot_be(tmp_path):
    path = song(tmp_path, seconds=3)
    refused(study(path, *FAKE, "-o", path, cwd=tmp_path), 4, "song.wav")
