"""Turns separated stems into the files of a preset.

Stems are brought to the input's rate; `other` becomes what the others leave of the input, before
any effect, so that mixes without effects sum to the input. Each stem passes its chain into a take,
each mix sums takes and passes its own chain, and files are encoded from takes at the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge.core.mix import mix_stems, residual
from bridge.core.timeline import Span
from bridge.engine.base import Audio
from bridge.runtime.audio_input import Source, read_blocks
from bridge.runtime.audio_output import Encoding
from bridge.runtime.chain import Lane, Runner
from bridge.runtime.preset import Mix, Preset
from bridge.runtime.render import RESCALE_CEILING, Rendering, Written, stem_blocks
from bridge.runtime.takes import Level, Take, TakeWriter, encode_take, level
from bridge.runtime.workspace import Workspace

OTHER = "other"


@dataclass(frozen=True)
class Parts:
    """What a preset takes of a model's stems.

    used: stems that get a take of their own. computed: stems that the model has to give.
    apart: stems whose sum, taken from the input, leaves `other`; None where the model gives that.
    """

    used: tuple[str, ...]
    computed: tuple[str, ...]
    apart: tuple[str, ...] | None


def plan_parts(preset: Preset, sources: tuple[str, ...], *, rest: bool) -> Parts:
    """Which of a model's stems are needed. `rest`: `other` is what the stems leave of the input.

    Stems that nothing tells from `other`, as for karaoke, stay in it and need not be computed.
    Raises ModelError or UsageError where preset and model do not fit.
    """
    written = preset.written_stems(sources)
    mixes = preset.written_mixes()
    gains = {stem: tuple(mix.gain(stem) for mix in mixes) for stem in sources}
    used = tuple(stem for stem in sources if stem in written or any(gains[stem]))
    if not (rest and OTHER in used and len(sources) > 1):
        return Parts(used, used, None)
    treated = {*preset.stems, *preset.widths}
    own = {*written, *treated} | {stem for stem in sources if gains[stem] != gains[OTHER]}
    inside = () if OTHER in own else tuple(s for s in sources if s != OTHER and s not in own)
    apart = tuple(stem for stem in sources if stem != OTHER and stem not in inside)
    used = tuple(stem for stem in used if stem not in inside)
    # A mix that is the whole song needs no stem, but a run has to give one.
    return Parts(used, apart or inside[:1], apart)


class PresetRenderer:
    """Renders the stems that `work` holds for `span` of `source` as `preset` says.

    Parameters: `model_rate` in Hz; `parts`, whose `computed` stems are in the working file in that
    order; `clip` one of none, rescale and clamp; `seed` of the dither; `warn` gets lines of words.
    """

    def __init__(
        self,
        source: Source,
        span: Span,
        work: Workspace,
        *,
        preset: Preset,
        parts: Parts,
        model_rate: int,
        encoding: Encoding,
        clip: str,
        seed: int,
        warn: Callable[[str], None],
    ) -> None:
        self._source, self._span, self._work = source, span, work
        self._preset, self._parts, self._model_rate = preset, parts, model_rate
        self._encoding, self._clip, self._seed, self._warn = encoding, clip, seed, warn

    def render(self) -> Rendering:
        """Write every file. Raises OutputError when the disk does not take them."""
        stems = self._stem_takes()
        mixes = {mix.name: self._mix_take(mix, stems) for mix in self._preset.written_mixes()}
        kept = self._preset.out_stems
        takes = {s: t for s, t in stems.items() if kept is None or s in kept} | mixes
        for name in stems.keys() - takes.keys():
            stems[name].path.unlink()
        levels, down = self._levels(takes)
        frames = max(take.frames for take in takes.values())
        files = {
            name: self._encode(index, take, levels[name].gain, frames)
            for index, (name, take) in enumerate(takes.items())
        }
        facts = {
            mix.name: {"loudness": levels[mix.name].reached} for mix in self._preset.written_mixes()
        }
        return Rendering({name: files[name] for name in takes}, down, None, facts)

    def _dry(self) -> Iterator[dict[str, Audio]]:
        """Blocks of every used stem before effects, shape (C, n), in step with the input."""
        computed = self._parts.computed
        blocks = stem_blocks(
            self._work, len(computed), self._source, self._span.length, self._model_rate
        )
        for mix, block in zip(read_blocks(self._source, self._span), blocks, strict=True):
            stems = dict(zip(computed, block, strict=True))
            if self._parts.apart is not None:
                apart = {name: stems[name] for name in self._parts.apart}
                stems[OTHER] = residual(mix, apart).astype(np.float32)
            yield {name: stems[name] for name in self._parts.used}

    def _stem_takes(self) -> dict[str, Take]:
        """The stems after their chains. All are made in one pass over the separated stems."""
        channels, rate = self._source.channels, self._source.rate
        used = self._parts.used
        with ExitStack() as stack:
            writers = {
                name: stack.enter_context(TakeWriter(self._path("stem", name), channels))
                for name in used
            }
            lanes = {
                name: Lane(
                    Runner(self._preset.stems.get(name, ()), rate, channels),
                    writer.write,
                    self._preset.widths.get(name, 1.0),
                )
                for name, writer in writers.items()
            }
            for stems in self._dry():
                for name, stem in stems.items():
                    lanes[name].push(stem)
            for lane in lanes.values():
                lane.finish(self._span.length, keep=self._preset.keep_tails)
        return {name: writer.take() for name, writer in writers.items()}

    def _mix_take(self, mix: Mix, stems: dict[str, Take]) -> Take:
        channels, rate = self._source.channels, self._source.rate
        parts = {name: take for name, take in stems.items() if mix.gain(name)}
        frames = max((take.frames for take in parts.values()), default=self._span.length)
        gains = {name: mix.gain(name) for name in parts}
        measured = None if mix.loudness is None else rate
        with TakeWriter(self._path("mix", mix.name), channels, measured) as writer:
            lane = Lane(Runner(mix.chain, rate, channels), writer.write)
            silence = Take(Path(os.devnull), channels, 0, 0.0, None)
            parts, gains = parts or {OTHER: silence}, gains or {OTHER: 0.0}
            for blocks in zip(*(take.blocks(frames) for take in parts.values()), strict=True):
                lane.push(mix_stems(dict(zip(parts, blocks, strict=True)), gains))
            lane.finish(frames, keep=self._preset.keep_tails)
        return writer.take()

    def _levels(self, takes: dict[str, Take]) -> tuple[dict[str, Level], float]:
        """The gain of each file, and what all were turned down by in it, 1.0 if by nothing.

        A mix is brought to its loudness, and then all are turned down alike if that is asked for.
        """
        mixes = {mix.name: mix for mix in self._preset.written_mixes()}
        found = {}
        for name, take in takes.items():
            mix = mixes.get(name)
            found[name] = Level() if mix is None else level(name, take, mix.loudness, mix.peak_db)
            if found[name].warning:
                self._warn(found[name].warning)
        loudest = max(takes[name].peak * found[name].gain for name in takes)
        down = RESCALE_CEILING / loudest if self._clip == "rescale" and loudest > 1 else 1.0
        return {name: one.turned(down) for name, one in found.items()}, down

    def _encode(self, index: int, take: Take, gain: float, frames: int) -> Written:
        return encode_take(
            take,
            self._work.path / f"{index}.{self._encoding.format}",
            self._encoding,
            self._source,
            frames=frames,
            start=self._span.start,
            gain=gain,
            seed=(self._seed, index),
            clamp=self._clip == "clamp",
        )

    def _path(self, kind: str, name: str) -> Path:
        order = [*self._parts.used, *self._preset.mixes].index(name)
        return self._work.path / f"{kind}-{order}.f32"
