"""A preset: how a song is separated, what its stems and mixes pass through, and what is written.

docs/PRESETS.md describes the file. `preset_reader.py` makes one of it, `preset_store.py` finds it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from bridge.config import LOSSY, BounceSettings, check_bits
from bridge.core.loudness import MIN_RATE
from bridge.errors import ModelError, UsageError
from bridge.runtime.effects import WHOLE, check_sound, make_effect, nearest, open_plugin
from bridge.runtime.outputs import one_file

if TYPE_CHECKING:
    from pedalboard import Pedalboard

SILENT = -math.inf


@dataclass(frozen=True)
class Effect:
    """One effect of a chain.

    name: class of pedalboard, or "" for an external plugin. values: its parameters; files are
    absolute paths. plugin, plugin_name, state: of an external one. place: file and line, for
    messages.
    """

    name: str
    values: Mapping[str, Any]
    place: str
    plugin: Path | None = None
    plugin_name: str | None = None
    state: Path | None = None

    def make(self, rate: int | None = None) -> Any:
        """A new instance; with `rate` in Hz, tried at it. Raises UsageError that names the line."""
        try:
            if self.plugin is not None:
                return open_plugin(self.plugin, self.plugin_name, self.values, self.state)
            made = make_effect(self.name, self.values)
            if rate is not None:
                check_sound(self.name, made, rate)
        except UsageError as error:
            raise UsageError(f"{self.place}: {error}") from error
        return made

    @property
    def whole(self) -> bool:
        """True where blocks would not give what one call over the whole signal does."""
        return self.name in WHOLE


Chain = tuple[Effect, ...]


@dataclass(frozen=True)
class Mix:
    """A sum of stems, and what is done to it.

    gains: dB by stem. remaining: dB of every stem that `gains` does not name. loudness: LUFS that
    the mix is brought to after its chain, or None. peak_db: dBFS that no sample passes by that.
    """

    name: str
    gains: Mapping[str, float] = field(default_factory=dict)
    remaining: float = 0.0
    chain: Chain = ()
    loudness: float | None = None
    peak_db: float = -1.0

    def gain(self, stem: str) -> float:
        """The linear gain of a stem."""
        decibels = self.gains.get(stem, self.remaining)
        return 0.0 if decibels == SILENT else float(10 ** (decibels / 20))


@dataclass(frozen=True)
class Preset:
    """One preset, checked.

    separation: fields of BounceSettings by name. stems: chains by stem. widths: by stem, 0 is mono
    and 1 unchanged; it comes before the chain. mix: what every mix passes
    after its own chain. out_stems: stems to write, None for all of the model. out_mixes: mixes to
    write. keep_tails: whether results may be longer than the song. sha256: of all that it is made
    of.
    """

    name: str
    path: Path
    description: str
    when: str
    separation: Mapping[str, Any]
    stems: Mapping[str, Chain]
    widths: Mapping[str, float]
    mix: Mix
    mixes: Mapping[str, Mix]
    out_stems: tuple[str, ...] | None
    out_mixes: tuple[str, ...]
    encoding: Mapping[str, str]
    keep_tails: bool
    sha256: str

    @classmethod
    def load(cls, name: str | os.PathLike[str]) -> Self:
        """The preset of that name, or in the file of that path.

        Raises UsageError that names file, line, what is wrong, and the nearest that is right.
        """
        from bridge.runtime.preset_store import find_preset

        return find_preset(name)  # type: ignore[return-value]

    def settings(
        self, wanted: Mapping[str, Any], usual: Mapping[str, Any] = MappingProxyType({})
    ) -> BounceSettings:
        """Settings of a bounce with this preset.

        wanted: what wins over the preset; usual: what holds where it says nothing.
        Raises UsageError for what a preset decides alone.
        """
        for option in ("stems", "two_stems"):
            if wanted.get(option) is not None:
                raise UsageError(
                    f"--{option.replace('_', '-')} and --preset exclude each other: "
                    "the preset says what is written"
                )
        values = {**usual, **self.separation, **self.encoding, **wanted}
        values |= {"stems": None, "two_stems": None}
        if wanted.get("residual") == "file":
            raise UsageError("--residual file and --preset exclude each other; use other or off")
        if values.get("residual") == "file":
            values["residual"] = "other"
        kind = values.get("format", BounceSettings.format)
        values["bits"] = self.bits(kind, wanted.get("bits"), usual.get("bits"))
        return BounceSettings(**values)

    def bits(self, kind: str, wanted: str | None, usual: str | None = None) -> str | None:
        """Bits of samples in files of the format `kind`; None for those that it has by itself.

        wanted: what wins over the preset; usual: what holds where it says nothing. Raises
        UsageError where the preset has bits that the format does not hold.
        """
        if wanted is not None or kind in LOSSY:
            return wanted
        own = self.encoding.get("bits")
        try:
            if own is not None:
                check_bits(kind, own)
        except UsageError as error:
            raise UsageError(f'preset {self.name} has bits = "{own}": {error}') from None
        return own or usual

    def chain(self, *, stem: str | None = None, mix: str | None = None) -> Chain:
        """The effects of a stem, of a mix of that name, or of every mix where neither is named.

        Raises UsageError where the preset does not speak of it.
        """
        if stem is not None:
            words = f"preset {self.name} has no chain for the stem"
            return self.stems[_known(self.stems, stem, words)]
        return self.track(mix).chain

    def track(self, mix: str | None = None) -> Mix:
        """The mix of that name with everything that it passes; without one, what all pass."""
        if mix is None:
            return self.mix
        own = self.mixes[_known(self.mixes, mix, f"preset {self.name} has no mix")]
        return replace(own, chain=(*own.chain, *self.mix.chain))

    def board(self, *, stem: str | None = None, mix: str | None = None) -> Pedalboard:
        """The same as a new `pedalboard.Pedalboard`. See `chain`.

        A stem's width is none of its effects, and not in it: `widths` has that. Nor is the
        loudness of a mix.
        """
        from pedalboard import Pedalboard

        return Pedalboard([effect.make() for effect in self.chain(stem=stem, mix=mix)])

    def written_mixes(self) -> tuple[Mix, ...]:
        """The mixes to write, with everything that they pass."""
        return tuple(self.track(name) for name in self.out_mixes)

    def written_stems(self, sources: Sequence[str]) -> tuple[str, ...]:
        """The stems to write for a model with `sources`. Raises ModelError for one it lacks."""
        named = [*self.stems, *(self.out_stems or ())]
        named += [stem for mix in self.mixes.values() for stem in mix.gains]
        for stem in named:
            if stem not in sources:
                raise ModelError(
                    f"preset {self.name}: no stem '{stem}' in this model{nearest(stem, sources)}: "
                    f"it has {', '.join(sources)}"
                )
        stems = {one_file(stem): stem for stem in sources}
        for mix in self.out_mixes:
            if one_file(mix) in stems:
                raise UsageError(
                    f"preset {self.name}: mix '{mix}' is called like the stem "
                    f"'{stems[one_file(mix)]}'; rename it"
                )
        return tuple(sources) if self.out_stems is None else self.out_stems

    def warnings(self) -> list[str]:
        """What a user should know of its effects beforehand."""
        chains = {f"stem {name}": chain for name, chain in self.stems.items()}
        chains |= {f"mix {mix.name}": mix.chain for mix in self.written_mixes()}
        return [line for where, chain in chains.items() for line in whole_warnings(where, chain)]

    def checked(self, rate: int) -> list[str]:
        """What `warnings` gives, after `check` at `rate` Hz."""
        self.check(rate)
        return self.warnings()

    def check(self, rate: int | None = None) -> None:
        """Make every effect once, for `rate` Hz if that is known, plugins too.

        Raises UsageError for the first that fails.
        """
        mixes = (self.mix, *self.mixes.values())
        for chain in (*self.stems.values(), *(mix.chain for mix in mixes)):
            for effect in chain:
                effect.make(rate)
        for mix in mixes:
            check_loudness(mix, rate)


def check_loudness(mix: Mix, rate: int | None) -> None:
    """Raise UsageError where a mix has a loudness that cannot be measured at `rate` Hz."""
    if mix.loudness is not None and rate is not None and rate < MIN_RATE:
        raise UsageError(
            f"loudness = {mix.loudness:g} cannot be measured at {rate} Hz; "
            f"it takes {MIN_RATE} Hz or more"
        )


def whole_warnings(where: str, chain: Chain) -> list[str]:
    """A line for each effect that cannot run in blocks."""
    return [
        f"{where}: {effect.name} gives something else in blocks, so it gets the whole signal at "
        "once: memory grows with the song, by about 60 MB for each minute of stereo"
        for effect in chain
        if effect.whole
    ]


def _known(known: Mapping[str, Any], name: str, words: str) -> str:
    if name not in known:
        listed = ", ".join(known) or "none"
        raise UsageError(f"{words} '{name}'{nearest(name, known)}; it has {listed}")
    return name
