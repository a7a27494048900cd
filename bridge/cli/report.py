"""What a bounce says while it works: a bar on a terminal, plain lines elsewhere, or JSON events."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from bridge.errors import INTERRUPTED, BridgeError

if TYPE_CHECKING:
    from bridge.runtime.bounce import Progress, Result

_LINE_EVERY = 5.0  # seconds between two plain lines, so that a log stays readable


class Report:
    """Says nothing but warnings and failures: the form for `--quiet`, and what others extend."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def begin(self, song: Path, number: int, total: int) -> None:
        """Song `number` of `total` is about to be opened."""
        self._song = song
        self._place = f"{number}/{total} " if total > 1 else ""

    def progress(self, progress: Progress) -> None:
        """A group of windows was separated."""

    def warn(self, text: str) -> None:
        """Something that the user should know."""
        self._say(f"stembridge: warning: {text}")

    def note(self, text: str) -> None:
        """Something that takes long."""

    def fail(self, song: Path, error: BridgeError) -> None:
        """One song of several failed."""
        del song
        self._say(f"stembridge: {error}")

    def done(self, song: Path, result: Result) -> None:
        """A song's files have their final names."""

    def _say(self, text: str) -> None:
        click.echo(text, err=True)

    def _speed(self, progress: Progress) -> float:
        """Seconds of audio that this run separated for each second that it took."""
        share = progress.computed / progress.windows
        return share * progress.frames / progress.rate / max(1e-9, progress.seconds)

    def _left(self, progress: Progress) -> str:
        """Time until all windows are separated, as 1:02:03 or 4:05."""
        todo = (progress.total_windows - progress.windows) / progress.computed
        seconds = round(progress.seconds * todo)
        minutes, hours = seconds // 60 % 60, seconds // 3600
        start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
        return f"{start}:{seconds % 60:02} left"


class _Lines(Report):
    """Plain lines on stderr; results on stdout."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    def begin(self, song: Path, number: int, total: int) -> None:
        super().begin(song, number, total)
        self._last = time.monotonic()

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < _LINE_EVERY:
            return
        self._last = now
        share = progress.windows / progress.total_windows
        self._say(
            f"{self._place}{self._song.name}: {share:.0%}, "
            f"{self._speed(progress):.1f} x real time, {self._left(progress)}"
        )

    def note(self, text: str) -> None:
        self._say(f"stembridge: {text}")

    def done(self, song: Path, result: Result) -> None:
        files = [path for name, path in result.paths.items() if name != "manifest"]
        files += result.sessions.values()
        folder = result.paths["manifest"].parent
        names = ", ".join(str(path.relative_to(folder)) for path in files)
        seconds, manifest = result.manifest["seconds"], result.manifest
        windows = manifest["windows"]
        computed = manifest["frames"] / manifest["rate"] * windows["computed"] / windows["total"]
        speed = computed / max(seconds, 1e-9)
        took = "already done" if result.skipped else f"{seconds:.1f} s, {speed:.1f} x real time"
        self._result(f"{folder}: {names} ({took})")
        if self._verbose:
            for line in _details(song, manifest):
                self._result(line)

    def _result(self, text: str) -> None:
        click.echo(text)


class _Bar(_Lines):
    """A progress bar on a terminal, from the first song on: questions may be asked before it."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,  # it would lead what goes into a file to the terminal
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, song: Path, number: int, total: int) -> None:
        super().begin(song, number, total)
        self._bar.start()
        name = self._place + _short(song.name)
        self._task = self._bar.add_task(name, total=None, speed="reading", left="")

    def progress(self, progress: Progress) -> None:
        done, total = progress.windows, progress.total_windows
        speed, left = f"{self._speed(progress):.1f} x real time", self._left(progress)
        if done == total:
            speed, left = "writing", ""
        self._bar.update(self._task, completed=done, total=total, speed=speed, left=left)

    def fail(self, song: Path, error: BridgeError) -> None:
        self._bar.remove_task(self._task)
        super().fail(song, error)

    def done(self, song: Path, result: Result) -> None:
        self._bar.remove_task(self._task)
        super().done(song, result)

    def _say(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False)

    def _result(self, text: str) -> None:
        if sys.stdout.isatty():
            self._say(text)  # above the bar, instead of into it
        else:
            self._bar.refresh()  # what is piped may come out on this terminal in the end
            super()._result(text)


class _Events(Report):
    """One JSON object a line on stdout."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, BridgeError):
            self._event("error", message=str(error), status=error.status)
        elif isinstance(error, KeyboardInterrupt):
            self._event("error", message="interrupted", status=INTERRUPTED)

    def begin(self, song: Path, number: int, total: int) -> None:
        super().begin(song, number, total)
        self._event("begin", input=str(song), number=number, total=total)

    def progress(self, progress: Progress) -> None:
        self._event(
            "progress",
            input=str(self._song),
            windows=progress.windows,
            total_windows=progress.total_windows,
            seconds_done=round(progress.frames / progress.rate, 3),
            speed=round(self._speed(progress), 2),
        )

    def warn(self, text: str) -> None:
        super().warn(text)
        self._event("warning", message=text)

    def fail(self, song: Path, error: BridgeError) -> None:
        super().fail(song, error)
        self._event("failed", input=str(song), message=str(error), status=error.status)

    def done(self, song: Path, result: Result) -> None:
        self._event(
            "done",
            input=str(song),
            files={name: str(path) for name, path in result.paths.items()},
            sessions={kind: str(path) for kind, path in result.sessions.items()},
            skipped=result.skipped,
            seconds=result.manifest["seconds"],
        )

    def _event(self, name: str, **fields: Any) -> None:
        click.echo(json.dumps({"event": name, **fields}))


def make_report(*, as_json: bool, quiet: bool, verbose: bool) -> Report:
    """The form that suits the options and where stderr goes."""
    if as_json:
        return _Events()
    if quiet:
        return Report()
    return _Bar(verbose=verbose) if sys.stderr.isatty() else _Lines(verbose=verbose)


def _details(song: Path, manifest: dict[str, Any]) -> Iterator[str]:
    model, windows = manifest["identity"]["model"], manifest["windows"]
    yield f"  input    {song}: {manifest['frames']} frames at {manifest['rate']} Hz"
    yield f"  model    {model['name']}: {windows['computed']} of {windows['total']} windows"
    for stem in (*manifest["stems"], *manifest.get("mixes", ())):
        yield f"  {stem['name']:<8} {_peak(stem['peak'], 'digital silence')}"
    if manifest["null_peak"] is not None:
        yield f"  sum minus input: {_peak(manifest['null_peak'], 'exactly 0')}"


def _peak(peak: float, nothing: str) -> str:
    return f"peak {20 * math.log10(peak):.1f} dBFS" if peak > 0 else nothing


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:13]}…{name[-14:]}"
