"""Separates a whole signal, window by window, in bounded memory.

One block's way: `_Feed` collects input blocks -> windows of a group are read from it -> the
separator runs them as one batch, in another thread -> `OverlapAdd` joins them -> finished frames
are handed out, while the next groups are being computed.
The order of the groups depends on the settings alone, so that a run which stopped after any group
goes on from there and ends with the same bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

import numpy as np

from bridge.core.assemble import Assembler
from bridge.core.overlap import OverlapAdd
from bridge.core.plan import Plan
from bridge.core.timeline import Span
from bridge.engine.base import Audio, Ensemble, Separator
from bridge.errors import BridgeError, ModelError

# demucs' apply_model shifts by up to half a second.
MAX_SHIFT_SECONDS = 0.5


@dataclass(frozen=True)
class Settings:
    """What to compute. Raises nothing itself; the bounce validates before.

    stems: names of the wanted stems, in output order.
    overlap: share of a segment that windows have in common; None takes each separator's own.
    shifts: runs at random shifts that are averaged; 0 is one run without a shift.
    seed: of the random shifts.
    batch: windows that run at once, at most.
    """

    stems: tuple[str, ...]
    overlap: float | None = None
    shifts: int = 0
    seed: int = 0
    batch: int = 1


@dataclass(frozen=True)
class State:
    """Where a run stands between two groups; enough to go on from."""

    groups_done: int = 0
    released: int = 0
    pending: Audio | None = None


@dataclass(frozen=True)
class Chunk:
    """Finished frames: `stems` of shape (S, C, span.length), and the state right after them."""

    span: Span
    stems: Audio
    windows: int
    state: State


@dataclass(frozen=True)
class _Lane:
    """One pass of one separator over the signal, with its share in each wanted stem."""

    separator: Separator
    plan: Plan
    columns: list[int]
    share: Audio

    def read_span(self, index: int) -> Span:
        return self.separator.read_span(self.plan.emit(index))


@dataclass(frozen=True)
class _Group:
    """Windows of one lane that run together: same length, next to each other."""

    lane: int
    indices: range
    start: int


class OfflineRun:
    """One signal of `length` frames (at the ensemble's rate) through an ensemble.

    `notify` gets one line of words when something out of the ordinary happens.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        length: int,
        settings: Settings,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._length = length
        self._notify = notify
        self._channels = ensemble.first.channels
        self._at_once = settings.batch
        self._lanes = list(_lanes(ensemble, length, settings))
        self._groups = _groups(self._lanes, settings.batch)

    @property
    def windows(self) -> int:
        """Windows that the whole run computes."""
        return sum(len(group.indices) for group in self._groups)

    def windows_in(self, groups_done: int) -> int:
        """Windows in the first `groups_done` groups."""
        return sum(len(group.indices) for group in self._groups[:groups_done])

    def first_read(self, state: State) -> int:
        """First input frame that is needed from `state` on; earlier ones may be skipped."""
        reads = [self._read(group).start for group in self._groups[state.groups_done :]]
        return max(0, min(reads, default=self._length))

    def run(
        self, blocks: Iterator[Audio], start: int = 0, state: State | None = None
    ) -> Iterator[Chunk]:
        """Separate `blocks`, each (C, n) float32, whose first frame is `start`.

        Yields a chunk after each group. Raises ModelError when the model's output is not finite.
        """
        state = state or State()
        rows = (len(self._settings.stems), self._channels)
        output = OverlapAdd(rows, state.released, state.pending)
        groups = self._groups[state.groups_done :]
        for number, (group, found) in enumerate(self._computed(groups, blocks, start)):
            lane = self._lanes[group.lane]
            for index, piece in zip(group.indices, found, strict=True):
                output.add(lane.plan.emit(index), piece)
            last = number + 1 == len(groups)
            frontier = self._length if last else max(groups[number + 1].start, output.start)
            span, stems = output.release(frontier)
            done = State(state.groups_done + number + 1, output.start, output.pending)
            yield Chunk(span, stems, len(group.indices), done)

    def _computed(
        self, groups: list[_Group], blocks: Iterator[Audio], start: int
    ) -> Iterator[tuple[_Group, list[Audio]]]:
        """Each group and the faded stems of its windows, in order.

        As many groups are computed at once as the separators have streams, while whoever asks for
        them writes the one before. Where that would leave a single one at the end, the first has
        the machine for itself instead: it is known to be alone before it begins.
        """
        feed = _Feed(blocks, self._channels, self._length, start)
        keep = list(accumulate((self._read(g).start for g in reversed(groups)), min))[::-1]
        most = max((lane.separator.streams for lane in self._lanes), default=1)
        whole = len(groups) == len(self._groups)
        first_alone = whole and self._shares(most) and len(groups) % most == 1
        running: deque[tuple[_Group, Future[list[Audio]]]] = deque()
        with ThreadPoolExecutor(most, "separator") as pool:
            try:
                for number, (oldest, group) in enumerate(zip(keep, groups, strict=True)):
                    alone = first_alone and number == 0
                    feed.forget(oldest)
                    windows = [
                        feed.read(self._lanes[group.lane].read_span(i)) for i in group.indices
                    ]
                    found = pool.submit(self._run_group, group, windows, alone=alone)
                    running.append((group, found))
                    if alone:
                        wait([found])
                    if len(running) > most:
                        yield running[0][0], running[0][1].result()
                        running.popleft()
                while running:
                    yield running[0][0], running[0][1].result()
                    running.popleft()
            finally:
                pool.shutdown(cancel_futures=True)

    def _shares(self, most: int) -> bool:
        return most > 1 and all(lane.separator.shares for lane in self._lanes)

    def _read(self, group: _Group) -> Span:
        lane = self._lanes[group.lane]
        first = lane.read_span(group.indices[0])
        return Span.between(first.start, lane.read_span(group.indices[-1]).stop)

    def _run_group(self, group: _Group, windows: list[Audio], *, alone: bool) -> list[Audio]:
        """The faded stems of each window, (S, C, emit)."""
        lane, found = self._lanes[group.lane], list[Audio]()
        while len(found) < len(windows):
            index = group.indices[len(found)]
            some = windows[len(found) :][: self._at_once]
            try:
                stems = lane.separator.separate(np.stack(some), alone=alone)
            except Exception as error:  # noqa: BLE001 - what is in a network is not ours
                self._halve(error, len(some), lane, index)
                continue
            found += [self._faded(lane, index + n, piece) for n, piece in enumerate(stems)]
        return found

    def _faded(self, lane: _Lane, index: int, piece: Audio) -> Audio:
        emit, read = lane.plan.emit(index), lane.read_span(index)
        every = lane.columns == list(range(len(piece)))
        wanted = (piece if every else piece[lane.columns])[..., emit.slice_in(read)]
        with np.errstate(all="ignore"):
            total = wanted.sum()  # in one pass: what is finite sums to what is
        if not np.isfinite(total):
            seconds = emit.start / lane.separator.rate
            raise ModelError(
                f"{lane.separator.name} gave values that are not finite at {seconds:.1f} s; "
                "use --precision exact, or another --device"
            )
        faded: Audio = wanted * (lane.share[:, None, None] * lane.plan.fade(index))
        return faded

    def _halve(self, error: Exception, size: int, lane: _Lane, index: int) -> None:
        name = lane.separator.name
        if not is_out_of_memory(error):
            seconds = lane.plan.emit(index).start / lane.separator.rate
            what = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            raise ModelError(f"{name} failed at {seconds:.1f} s ({what}); use another model") from (
                error
            )
        if size == 1:
            raise BridgeError(
                f"out of memory with a single window of {name}; use --device cpu, "
                "a smaller model, or -m spectral"
            ) from error
        self._at_once = size // 2
        self._notify(f"out of memory with {size} windows at once; going on with {self._at_once}")


@dataclass
class _Feed:
    """Input blocks, pulled as far as a window needs and forgotten behind the last one."""

    blocks: Iterator[Audio]
    channels: int
    length: int
    position: int
    _held: Assembler = field(init=False)

    def __post_init__(self) -> None:
        self._held = Assembler(self.channels, self.length, self.position)

    def read(self, span: Span) -> Audio:
        while self.position < min(span.stop, self.length):
            block = next(self.blocks)
            self._held.push(self.position, block)
            self.position += block.shape[-1]
        return self._held.read(span)

    def forget(self, before: int) -> None:
        self._held.forget(min(before, self.position))


def is_out_of_memory(error: Exception) -> bool:
    """True for MemoryError and for the errors that torch raises in its place."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(
        hint in words for hint in ("out of memory", "can't allocate memory", "not enough memory")
    )


def _lanes(ensemble: Ensemble, length: int, settings: Settings) -> Iterator[_Lane]:
    random = Random(settings.seed)  # noqa: S311 - shifts are no secret
    columns = [ensemble.first.sources.index(stem) for stem in settings.stems]
    totals = np.sum([member.weights for member in ensemble.members], axis=0)[columns]
    needed = ensemble.contributing(settings.stems)
    for member in ensemble.members:
        separator = member.separator
        furthest = int(MAX_SHIFT_SECONDS * separator.rate)
        # Drawn for every member, so that leaving some out does not change the others.
        shifts = [random.randint(0, furthest) - furthest for _ in range(settings.shifts)]
        if member not in needed:
            continue
        overlap = separator.overlap if settings.overlap is None else settings.overlap
        weights = np.asarray(member.weights)[columns] / totals / max(1, settings.shifts)
        for origin in shifts or [0]:
            plan = Plan.overlapping(length, separator.segment, overlap, origin)
            yield _Lane(separator, plan, columns, weights.astype(np.float32))


def _groups(lanes: list[_Lane], batch: int) -> list[_Group]:
    groups = []
    for number, lane in enumerate(lanes):
        lengths = [lane.read_span(i).length for i in range(lane.plan.count)]
        index = 0
        while index < len(lengths):
            stop = index + 1
            while stop < min(len(lengths), index + batch) and lengths[stop] == lengths[index]:
                stop += 1
            groups.append(_Group(number, range(index, stop), lane.plan.emit(index).start))
            index = stop
    return sorted(groups, key=lambda group: (group.start, group.lane))
