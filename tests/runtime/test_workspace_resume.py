"""Unfinished work that is taken up again after an interruption at any point."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bridge.engine.offline import State
from bridge.runtime.workspace import Workspace
from tests.runtime.unfinished import (
    COLUMNS,
    GROUPS,
    JOB,
    LENGTH,
    advance,
    content,
    expected,
    interrupted,
    taken_up,
    taken_up_from_the_start,
)

KILLED_PROCESS = """
import os, signal, sys
from pathlib import Path
from tests.runtime.unfinished import JOB, advance
from bridge.runtime.workspace import Workspace
with Workspace(Path(sys.argv[1]), Path(sys.argv[2]), keep=True) as work:
    work.begin(JOB)
    advance(work, 2)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_frames_are_read_back_stem_after_stem_and_channel_after_channel(tmp_path):
    with Workspace(tmp_path, Path("song.wav"), keep=False) as work:
        work.begin(JOB)
        assert advance(work) == State()
        np.testing.assert_allclose(content(work), expected(), atol=1e-6)


def test_work_goes_on_after_any_group_with_the_same_bits(tmp_path):
    whole = taken_up_from_the_start(tmp_path / "whole")
    done = []
    for groups in range(GROUPS + 1):
        interrupted(tmp_path / str(groups), groups)
        state, out = taken_up(tmp_path / str(groups))
        np.testing.assert_array_equal(out, whole)
        done.append(state.groups_done)
    assert done == list(range(GROUPS + 1))


def test_frames_that_no_state_speaks_of_are_cut_off(tmp_path):
    path = interrupted(tmp_path, 3)
    with (path / "stems.f32").open("ab") as file:
        file.write(b"\xff" * 1001)
    assert taken_up(tmp_path)[0].groups_done == 3


def test_work_whose_first_state_was_never_written_begins_again(tmp_path):
    path = interrupted(tmp_path, 1)
    (path / "state.npz").unlink()
    assert taken_up(tmp_path)[0] == State()


@pytest.mark.parametrize("kept", [0, 1, 100, 300, -1])
def test_a_torn_state_means_to_begin_again(tmp_path, kept):
    path = interrupted(tmp_path, 3)
    state = path / "state.npz"
    state.write_bytes(state.read_bytes()[:kept])
    assert taken_up(tmp_path)[0] == State()


@pytest.mark.parametrize("lost", [1, 32, 10**9])
def test_missing_frames_mean_to_begin_again(tmp_path, lost):
    path = interrupted(tmp_path, 3)
    stems = path / "stems.f32"
    stems.write_bytes(stems.read_bytes()[: max(0, stems.stat().st_size - lost)])
    assert taken_up(tmp_path)[0] == State()


def test_lost_frames_mean_to_begin_again(tmp_path):
    (interrupted(tmp_path, 3) / "stems.f32").unlink()
    assert taken_up(tmp_path)[0] == State()


@pytest.mark.parametrize("words", [b"", b"{", b"\xff"])
def test_a_torn_job_is_not_taken_up(tmp_path, words):
    (interrupted(tmp_path, 3) / "job.json").write_bytes(words)
    with Workspace(tmp_path, Path("song.wav"), keep=True) as work:
        assert not work.resumes(JOB)
        assert not work.begin(JOB)
        assert advance(work) == State()


def test_a_killed_process_leaves_work_that_can_be_taken_up(tmp_path):
    command = [sys.executable, "-c", KILLED_PROCESS, str(tmp_path), "song.wav"]
    ended = subprocess.run(command, check=False)
    assert ended.returncode == -9
    assert taken_up(tmp_path)[0].groups_done == 2


def test_without_resume_earlier_work_is_thrown_away(tmp_path):
    interrupted(tmp_path, 3)
    with Workspace(tmp_path, Path("song.wav"), keep=False) as work:
        assert not work.begin(JOB)
        assert [path.name for path in work.path.iterdir()] == ["job.json"]
        assert advance(work) == State()


def test_states_never_speak_of_more_frames_than_are_there(tmp_path):
    with Workspace(tmp_path, Path("song.wav"), keep=False) as work:
        work.begin(JOB)
        seen = []
        for _ in range(GROUPS):
            advance(work, 1)
            state = work.restore(COLUMNS)
            assert (work.path / "stems.f32").stat().st_size == state.released * COLUMNS * 4
            seen.append(state.released)
        assert all(one <= later for one, later in pairwise(seen))
        assert seen[-1] == LENGTH
