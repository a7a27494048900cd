"""Work on one song that is interrupted and taken up again, for the tests of the workspace."""

from contextlib import suppress
from pathlib import Path

import numpy as np

from bridge.engine.base import Ensemble, Member
from bridge.engine.fake import FakeSeparator
from bridge.engine.offline import OfflineRun, Settings
from bridge.runtime.workspace import Workspace

STEMS = ("drums", "bass", "other", "vocals")
COLUMNS = 8
LENGTH = 1000
GROUPS = 8
JOB = {"input": {"sha256": "ab", "span": (0, 5)}, "settings": {"model": "fake", "bits": None}}


class InterruptionError(Exception):
    """What ends a context early in these tests."""


def mix():
    return np.random.default_rng(0).standard_normal((2, LENGTH)).astype(np.float32)


def advance(work, groups=99):
    """Run up to `groups` groups from where `work` stands; the state that it stood at."""
    fake = FakeSeparator(100, segment=150, overlap=0.5)
    ensemble = Ensemble("fake", (Member(fake, (1.0,) * 4),))
    run = OfflineRun(ensemble, LENGTH, Settings(STEMS, batch=2))
    state = work.restore(COLUMNS)
    first = run.first_read(state)
    chunks = run.run(iter([mix()[:, first:]]), first, state)
    for _ in range(groups):
        try:
            work.append(next(chunks))
        except StopIteration:
            break
    return state


def content(work):
    return np.concatenate(list(work.read(COLUMNS)), axis=1)


def expected():
    gains = np.array([0.5, 0.25, 0.0625, 0.125], np.float32)
    return (mix() * gains[:, None, None]).reshape(COLUMNS, LENGTH)


def interrupted(folder, groups):
    """The folder of work that was interrupted after `groups` groups."""
    work = Workspace(folder, Path("song.wav"), keep=True)
    with suppress(InterruptionError), work:
        assert not work.begin(JOB)
        advance(work, groups)
        raise InterruptionError
    return work.path


def taken_up(folder):
    """The state at which the work goes on; it must then end with all the right frames."""
    with Workspace(folder, Path("song.wav"), keep=True) as work:
        assert work.begin(JOB)
        state = advance(work)
        np.testing.assert_allclose(content(work), expected(), atol=1e-6)
        return state, content(work)


def taken_up_from_the_start(folder):
    with Workspace(folder, Path("song.wav"), keep=True) as work:
        work.begin(JOB)
        advance(work)
        return content(work)
