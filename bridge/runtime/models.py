"""From what the user calls a model to an ensemble that is ready to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.config import BounceSettings
from bridge.engine.base import Ensemble, Member, Separator
from bridge.engine.catalog import CATALOG, find
from bridge.errors import ConversionError, ModelError
from bridge.runtime.folders import user_folder
from bridge.runtime.hub_cache import ModelFiles, cached
from bridge.runtime.memory import give_memory_back

# Windows at once where --batch is not given. On a CPU a second window gains nothing.
_BATCH = {"cuda": 8, "mps": 2, "cpu": 1}
STREAMS = 2
"""Windows that OpenVINO runs at once offline, where each has one thread, or two and more."""

_AUTO = "htdemucs"
_ENGINE = "STEMBRIDGE_ENGINE"
_WEIGHT_SUFFIXES = (".safetensors", ".th")

Obtain = Callable[[str, bool], ModelFiles | None]


@dataclass(frozen=True)
class _Choice:
    name: str
    yaml: Path | None = None
    weights: tuple[Path, ...] = ()
    licence: str = ""


class Models:
    """Loads the model that the settings name, once for all songs.

    Parameters
    ----------
    obtain: called with a name and whether it must be had, when its weights are not in the cache.
        Gives the files once they are there, or None when they may be done without.
    streams: windows to run at once where that is quicker; live, each should be there soonest: 1.
    tell: called with words on what takes long.

    Attributes
    ----------
    warnings: what the user should know about the choice, in words.
    machine: what networks run on, for the manifest; final once one was loaded.
    batch: windows to run at once; final once one was loaded.

    Raises ModelError or NetworkError when the model cannot be had; nothing is loaded yet.
    """

    def __init__(
        self,
        settings: BounceSettings,
        obtain: Obtain,
        streams: int = STREAMS,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._streams = streams
        self.warnings: list[str] = []
        self._choice = self._choose(obtain)
        self._loaded: Ensemble | None = None
        self.machine: dict[str, str | int] = {"device": "cpu"}
        self.batch = settings.batch or 1
        self._no_bfloat16 = False
        if settings.model == "spectral":
            self.warnings.append(
                "spectral is a preview that uses no trained model: expect audible bleed"
            )

    def load(self, rate: int) -> Ensemble:
        """The ensemble; separators without weights work at `rate` Hz, the song's own."""
        name = self._choice.name
        if self._choice.weights:
            self._loaded = self._loaded or self._load_demucs()
            return self._loaded
        if name == "spectral":
            from bridge.engine.spectral import SpectralSeparator

            return _alone(SpectralSeparator(rate))
        from bridge.engine.fake import FakeSeparator

        return _alone(FakeSeparator.from_text(name, rate))

    def _load_demucs(self) -> Ensemble:
        from bridge.engine.arithmetic import has_low_precision
        from bridge.engine.cuda_core import choose_cuda_place
        from bridge.engine.demucs import choose_device, describe_machine, load_ensemble
        from bridge.engine.openvino_core import choose_place

        device = choose_device(self._settings.device)
        engine = os.environ.get(_ENGINE) or "auto"
        self.batch = self._settings.batch or _BATCH[device.partition(":")[0]]
        # Live, any number of windows may be ready at once.
        sizes = range(1 if self._streams == 1 else self.batch, self.batch + 1)
        place = choose_cuda_place(
            engine, device, tuple(sizes), self._settings.precision
        ) or choose_place(
            engine,
            user_folder("cache") / "openvino",
            device,
            streams=self._streams,
            low_precision=self._settings.precision == "fast",
        )
        self.machine = describe_machine(device, place)
        fast = self._settings.precision == "fast"
        self._no_bfloat16 = fast and not (
            place.low_precision if place else has_low_precision(device)
        )
        return load_ensemble(
            self._choice.name,
            self._choice.yaml,
            self._choice.weights,
            device=device,
            precision=self._settings.precision,
            licence=self._choice.licence,
            allow_pickle=self._settings.allow_pickle,
            place=place,
            drop_weights=self._streams > 1,  # live, windows may be shorter, and must not wait
        )

    def prepare(
        self, ensemble: Ensemble, stems: tuple[str, ...], warn: Callable[[str], None]
    ) -> None:
        """Convert what separates `stems` for this machine, where that makes it faster."""
        if ensemble.name == "spectral":
            self._warm_up(ensemble.first)
        if self._no_bfloat16:
            warn("this CPU has no bfloat16: --precision fast computes what exact does")
        for member in ensemble.contributing(stems):
            prepare(member.separator, member.separator.segment, warn, self._tell)
        give_memory_back()  # that of weights, and of what made cores of them

    @staticmethod
    def _warm_up(separator: Separator) -> None:
        """So that what is done once on a machine does not count as a song's time."""
        from bridge.engine.spectral import SpectralSeparator

        if isinstance(separator, SpectralSeparator):
            separator.warm_up()

    def _choose(self, obtain: Obtain) -> _Choice:
        wanted = self._settings.model
        if wanted == "auto":
            files = cached(_AUTO) or obtain(_AUTO, False)
            if files is not None:
                return _from_hub(files)
            self.warnings.append(
                f"{_AUTO} is not on this machine, so the weightless preview separates instead, "
                f"with audible bleed; for real quality: stembridge models fetch {_AUTO}"
            )
            return _Choice("spectral")
        if wanted == "spectral" or wanted.partition(":")[0] == "fake":
            return _Choice(wanted)
        if "/" in wanted or "\\" in wanted or Path(wanted).suffix in _WEIGHT_SUFFIXES:
            return _from_path(Path(os.path.expanduser(wanted)))  # noqa: PTH111 - never raises
        if wanted not in CATALOG and os.path.isdir(wanted):  # noqa: PTH112 - Path.is_dir may raise
            return _from_path(Path(wanted))
        find(wanted)
        files = cached(wanted) or obtain(wanted, True)
        if files is None:
            raise ModelError(f"{wanted} is not on this machine: stembridge models fetch {wanted}")
        return _from_hub(files)


def prepare(
    separator: Separator,
    frames: int,
    warn: Callable[[str], None],
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Convert a network for windows of so many frames; in words where it fails, or takes long."""
    from bridge.engine.demucs import DemucsSeparator

    if not isinstance(separator, DemucsSeparator):
        return
    name = separator.name
    text = f"preparing {name} for this machine, once; it takes up to a minute"
    try:
        separator.prepare(frames, lambda: tell(text))
    except ConversionError as error:
        warn(f"{error}; torch runs it instead, and takes longer")


def _alone(separator: Separator) -> Ensemble:
    return Ensemble(separator.name, (Member(separator, (1.0,) * len(separator.sources)),))


def _from_hub(files: ModelFiles) -> _Choice:
    return _Choice(files.name, files.yaml, files.weights, find(files.name).licence)


def _from_path(path: Path) -> _Choice:
    """A weights file, a folder with one NAME.yaml, or FOLDER/NAME where there are several."""
    licence = "as whoever made it says"
    if path.suffix in _WEIGHT_SUFFIXES:
        if not path.is_file():
            raise ModelError(f"{path}: no such model file; check the path")
        return _Choice(path.stem, None, (path,), licence)
    yaml = path.parent / f"{path.name}.yaml"
    if path.is_dir():
        found = sorted(path.glob("*.yaml"))
        if len(found) != 1:
            names = ", ".join(str(path / f.stem) for f in found) or "none"
            raise ModelError(f"{path} must hold one NAME.yaml, or name one of them: {names}")
        yaml = found[0]
    if path.suffix == ".yaml" and path.is_file():
        yaml = path
    if not yaml.is_file():
        raise ModelError(f"{path}: no such model folder or file; check the path")
    from bridge.engine.bag import read_bag

    weights = tuple(_weights_file(yaml.parent, s) for s in read_bag(yaml).signatures)
    return _Choice(yaml.stem, yaml, weights, licence)


def _weights_file(folder: Path, signature: str) -> Path:
    safe = folder / f"{signature}.safetensors"
    pickles = sorted([*folder.glob(f"{signature}.th"), *folder.glob(f"{signature}-*.th")])
    if safe.is_file() or not pickles:
        if not safe.is_file():
            raise ModelError(f"{safe} is missing; copy it beside the yaml file")
        return safe
    return pickles[0]
