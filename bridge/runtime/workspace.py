"""Unfinished work of one song, kept so that it can be taken up after any interruption.

    DIR/.stembridge-part/KEY/job.json     what the work belongs to
                             stems.f32    finished frames of every stem, interleaved float32
                             state.npz    where the run stands; replaced in one step
                             *.wav ...    results that do not have their final name yet

Frames are appended first and the state is replaced after them: a state never speaks of frames
that are not there, and frames beyond it are cut off when the work is taken up again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock, Timeout

from bridge.engine.base import Audio
from bridge.engine.offline import Chunk, State
from bridge.errors import OutputError, ResumeError
from bridge.runtime.writing import writing

FOLDER = ".stembridge-part"
BLOCK = 1 << 16  # frames read at once


class Workspace:
    """Folder of the unfinished work on the input `target`, locked while the context is open.

    When the context is left, the folder is removed, unless `keep` is set and an error ended it.
    `kind` tells apart works of other kinds on the same file.
    """

    def __init__(self, folder: Path, target: Path, *, keep: bool, kind: str = "") -> None:
        name = kind.encode() + os.fsencode(os.path.realpath(target))
        key = hashlib.sha256(name).hexdigest()[:12]
        self.path = folder / FOLDER / key
        self._target = target
        self._keep = keep
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        self._lock = FileLock(self.path.with_suffix(".lock"), blocking=False)
        try:
            self._make_folders()
            with writing(self.path.with_suffix(".lock")):
                self._acquire()
            self._make_folders()  # whoever held the lock until now may have removed them
        except BaseException as error:  # Ctrl-C too
            if self._lock.is_locked:
                self.__exit__(type(error), error, None)
            else:
                self._remove_empty()
            raise
        return self

    def _acquire(self) -> None:
        try:
            self._lock.acquire()
        except Timeout:  # an OSError too, so that it has to be told apart in here
            self._made.clear()  # they are in use
            raise OutputError(
                f"another stembridge is working on {self._target} here; wait for it to end"
            ) from None

    def _make_folders(self) -> None:
        for path in (*reversed(self.path.parents), self.path):
            with writing(path):
                if not path.exists():
                    own = path in (self.path, self.path.parent)
                    path.mkdir(0o700 if own else 0o777, parents=True, exist_ok=True)
                    self._made.append(path)
        for path in (self.path.parent, self.path):
            if path.is_symlink():  # its files would be removed as unfinished work
                raise OutputError(f"{path} is a link to another folder; remove it")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or not (self._keep and (self.path / "job.json").exists()):
            shutil.rmtree(self.path, ignore_errors=True)
            with suppress(OSError):  # Windows removes no open file
                self.path.with_suffix(".lock").unlink()
        self._lock.release()
        self._remove_empty()

    def resumes(self, identity: dict[str, Any]) -> bool:
        """True when `keep` is set and earlier work on the same is here. Changes nothing.

        Raises ResumeError when it belongs to another input or to other settings.
        """
        if not self._keep:
            return False
        try:
            found = json.loads((self.path / "job.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none, or torn by a power failure
            return False
        self._compare(found, identity)
        return True

    def begin(self, identity: dict[str, Any]) -> bool:
        """Say what the work belongs to; True when earlier work on the same goes on."""
        if self.resumes(identity):
            return True
        job = self.path / "job.json"
        with writing(job):
            self._remove_stale()
            temporary = job.with_suffix(".new")
            temporary.write_text(json.dumps(identity), encoding="utf-8")
            _sync(temporary)
            temporary.replace(job)
        return False

    def _remove_stale(self) -> None:
        for stale in self.path.iterdir():
            if stale.is_dir() and not stale.is_symlink():
                shutil.rmtree(stale)
            elif not stale.name.startswith("decoded."):  # by a decoder, in this run
                stale.unlink()

    def restore(self, columns: int) -> State:
        """The state of the work so far; that of the very beginning where none is whole."""
        stems = self.path / "stems.f32"
        with writing(stems), stems.open("ab") as file:
            state = self._saved_state()
            if file.tell() < state.released * columns * 4:
                state = State()
            file.truncate(state.released * columns * 4)
        return state

    def _saved_state(self) -> State:
        try:
            # Opened here, since np.load leaves a damaged file open.
            with (
                (self.path / "state.npz").open("rb") as file,
                np.load(file, allow_pickle=False) as saved,
            ):
                return State(int(saved["groups"]), int(saved["released"]), saved["pending"])
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            return State()  # there is none, or it was torn by a power failure

    def append(self, chunk: Chunk) -> None:
        """Keep the finished frames of `chunk` and the state after them."""
        interleaved = np.moveaxis(chunk.stems, -1, 0)
        with writing(self.path), (self.path / "stems.f32").open("ab") as file:
            file.write(np.ascontiguousarray(interleaved, "<f4").data)
            file.flush()
            os.fsync(file.fileno())
        state = chunk.state
        temporary = self.path / "state.new.npz"
        with writing(self.path):
            np.savez(
                temporary,
                groups=state.groups_done,
                released=state.released,
                pending=np.zeros(0, np.float32) if state.pending is None else state.pending,
            )
            _sync(temporary)
            temporary.replace(self.path / "state.npz")

    def read(self, columns: int) -> Iterator[Audio]:
        """Everything that was appended, in blocks of shape (columns, n), float32."""
        with (self.path / "stems.f32").open("rb") as file:
            while data := file.read(BLOCK * columns * 4):
                yield np.frombuffer(data, "<f4").reshape(-1, columns).T

    def _compare(self, found: dict[str, Any], wanted: dict[str, Any]) -> None:
        wanted = json.loads(json.dumps(wanted))
        for key in sorted(found.keys() | wanted.keys()):
            if found.get(key) != wanted.get(key):
                raise ResumeError(
                    f"cannot resume {self._target}: {_difference(key, found, wanted)}; "
                    "use the same again, or start anew without --resume"
                )

    def _remove_empty(self) -> None:
        for path in (self.path.parent, *reversed(self._made)):
            try:
                path.rmdir()
            except OSError:
                continue


def _sync(path: Path) -> None:
    """Have the content of `path` on the disk before it takes the place of an earlier file."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _difference(key: str, found: dict[str, Any], wanted: dict[str, Any]) -> str:
    old, new = found.get(key), wanted.get(key)
    if isinstance(old, dict) and isinstance(new, dict):
        inner = next(k for k in sorted(old.keys() | new.keys()) if old.get(k) != new.get(k))
        return _difference(inner, old, new)
    return f"{key} was {str(old)[:64]} and is now {str(new)[:64]}"
