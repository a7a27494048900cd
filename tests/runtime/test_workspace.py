"""The folder of unfinished work: its lock, whose it is, and that nothing of it is left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import OutputError, ResumeError
from bridge.runtime.workspace import FOLDER, Workspace
from tests.runtime.unfinished import JOB, InterruptionError, advance, interrupted, taken_up

OTHER_PROCESS = """
import sys
from pathlib import Path
from bridge.runtime.workspace import Workspace
with Workspace(Path(sys.argv[1]), Path(sys.argv[2]), keep=False):
    print("in")
"""


def test_what_ffmpeg_decoded_just_now_is_kept_when_work_begins(tmp_path):
    with Workspace(tmp_path, Path("song.wav"), keep=False) as work:
        (work.path / "decoded.w64").touch()
        (work.path / "0.wav").touch()
        work.begin(JOB)
        assert {path.name for path in work.path.iterdir()} == {"job.json", "decoded.w64"}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"settings": {"model": "spectral", "bits": None}}, "model was fake and is now spectral"),
        ({"settings": {"model": "fake", "bits": "16"}}, "bits was None and is now 16"),
        ({"input": {"sha256": "cd", "span": (0, 5)}}, "sha256 was ab and is now cd"),
        ({"input": {"sha256": "ab", "span": (0, 6)}}, r"span was \[0, 5\] and is now \[0, 6\]"),
        ({"input": {"sha256": "ab"}}, r"span was \[0, 5\] and is now None"),
        ({"versions": {"torch": "9"}}, "versions was None and is now {'torch': '9'}"),
    ],
)
def test_work_on_something_else_is_not_taken_up_and_not_touched(tmp_path, other, words):
    path = interrupted(tmp_path, 2)
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    work = Workspace(tmp_path, Path("song.wav"), keep=True)
    refused = pytest.raises(ResumeError, match=f"song.wav: {words}; .* without --resume")
    with refused, work:
        work.begin(json.loads(json.dumps({**JOB, **other})))
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


def test_a_second_process_is_refused_until_the_first_has_left(tmp_path):
    def enter(song):
        command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path), song]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    with Workspace(tmp_path, Path("song.wav"), keep=False) as work:
        work.begin(JOB)
        refused = enter("song.wav")
        assert "OutputError: another stembridge is working on song.wav here" in refused.stderr
        assert refused.stdout == ""
        assert enter("other.wav").stdout == "in\n"
        assert (work.path / "job.json").exists()
    assert enter("song.wav").stdout == "in\n"


def test_a_second_one_in_this_process_is_refused_and_leaves_the_first_alone(tmp_path):
    with Workspace(tmp_path, Path("song.wav"), keep=False) as work:
        work.begin(JOB)
        second = Workspace(tmp_path, Path("song.wav"), keep=False)
        with pytest.raises(OutputError, match=r"another stembridge is working on song.wav"):
            second.__enter__()
        assert not work.begin(JOB)


def test_two_names_of_one_song_share_the_work_and_other_songs_do_not():
    paths = [
        Workspace(Path("o"), Path(name), keep=False).path
        for name in ("song.wav", "./x/../song.wav", "song.flac")
    ]
    assert paths[0] == paths[1] != paths[2]
    assert {path.parent for path in paths} == {Path("o") / FOLDER}


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("fails", [False, True])
def test_folders_that_it_made_are_gone_afterwards(tmp_path, fails):
    work = Workspace(tmp_path / "a" / "b", Path("song.wav"), keep=False)
    try:
        with work:
            work.begin(JOB)
            advance(work, 2)
            if fails:
                raise InterruptionError
    except InterruptionError:
        assert fails
    assert everything(tmp_path) == []


def test_folders_that_were_there_stay_and_so_do_results(tmp_path):
    (tmp_path / "empty").mkdir()
    with Workspace(tmp_path / "empty", Path("song.wav"), keep=False):
        pass
    with Workspace(tmp_path / "new", Path("song.wav"), keep=False):
        (tmp_path / "new" / "drums.wav").touch()
    assert everything(tmp_path) == ["empty", "new", "new/drums.wav"]


def test_kept_work_is_gone_once_it_is_finished(tmp_path):
    path = interrupted(tmp_path / "o", 2)
    assert path.exists()
    taken_up(tmp_path / "o")
    assert everything(tmp_path) in ([], ["o"])


def test_an_error_before_any_work_leaves_nothing_to_keep(tmp_path):
    with pytest.raises(InterruptionError), Workspace(tmp_path / "o", Path("song.wav"), keep=True):
        raise InterruptionError
    assert everything(tmp_path) == []


def test_a_place_that_is_a_file_is_refused_in_words(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*choose another -o"):
        Workspace(tmp_path / "file" / "o", Path("song.wav"), keep=False).__enter__()
    assert everything(tmp_path) == ["file"]


@pytest.mark.parametrize("which", ["parent", "own"])
def test_a_link_in_place_of_the_folder_is_refused_and_its_target_untouched(tmp_path, which):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("kept")
    place = Workspace(tmp_path / "out", tmp_path / "song.wav", keep=False).path
    link = place if which == "own" else place.parent
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    with (
        pytest.raises(OutputError, match="is a link to another folder"),
        Workspace(tmp_path / "out", tmp_path / "song.wav", keep=False) as work,
    ):
        work.begin({})
    assert (victim / "precious").read_text() == "kept"


def test_a_stray_folder_in_the_work_is_removed(tmp_path):
    place = Workspace(tmp_path / "out", tmp_path / "song.wav", keep=False).path
    (place / "stray/inner").mkdir(parents=True)
    with Workspace(tmp_path / "out", tmp_path / "song.wav", keep=False) as work:
        work.begin({})
        assert not (place / "stray").exists()
