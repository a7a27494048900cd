"""Cores of networks on OpenVINO, which runs them on a CPU in less time than torch does.

A network is converted and compiled for one length of windows, which takes some seconds, and is kept
on disk as it runs here, under a key of all that it depends on: weights, versions, length, parts and
how these run, and the processor.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from bridge.engine.base import Audio
from bridge.engine.openvino_store import Store, let_go
from bridge.errors import UsageError

ENGINES = ("auto", "openvino", "torch")

_FORMAT = "6"
"""Of what is kept on disk: the parts that networks are cut into, and how these are written."""

_FAILURES = (OSError, RuntimeError, ValueError, MemoryError)
"""What OpenVINO raises, and reading what is not there."""

_VERSIONED = ("openvino", "torch", "demucs")


@dataclass(frozen=True)
class Place:
    """How networks run on this machine.

    folder: where converted ones are kept. threads: compute threads in all. streams: windows at
    once, which share the threads. low_precision: whether parts may run in bfloat16.
    """

    folder: Path
    threads: int
    streams: int
    low_precision: bool

    @property
    def engine(self) -> str:
        """What a manifest says."""
        return f"openvino {version('openvino')}, conversion {_FORMAT}"

    def converter(self, weights_hash: str) -> Callable[[Any, int, Callable[[], None]], Any]:
        """What makes cores here of a network that was loaded from what `weights_hash` names."""
        return partial(OpenVinoCore, weights_hash=weights_hash, place=self)


def choose_place(
    engine: str, folder: Path, device: str, *, streams: int, low_precision: bool
) -> Place | None:
    """Where networks run on a torch device with `engine`; None leaves them to torch.

    engine: `auto`, `openvino` or `torch`. Raises UsageError for one that is not possible here.
    """
    import torch

    if engine not in ENGINES:
        raise UsageError(f"STEMBRIDGE_ENGINE={engine!r} is none of {', '.join(ENGINES)}")
    possible = torch.device(device).type == "cpu" and find_spec("openvino") is not None
    if engine == "openvino" and not possible:
        raise UsageError(
            f"OpenVINO is not installed, or cannot use {device}; leave STEMBRIDGE_ENGINE out"
        )
    if engine == "torch" or not possible:
        return None
    threads = torch.get_num_threads()
    # With one thread for each nobody waits: of several on one window, all stop at the end of each
    # layer for the one that was interrupted. A thread too few or too many leaves windows unequal.
    if threads != streams:
        streams = min(streams, max(1, threads // 2))
    return Place(folder, threads, streams, low_precision and has_bfloat16())


def _openvino() -> Any:
    """The package; its telemetry, which would report every conversion unasked, is kept out."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return import_module("openvino")


def has_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16; where it does not, OpenVINO uses float32."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoCore:
    """A core for windows of one length; several threads may call it, `place.streams` at once.

    network: one for which `hybrid.has_core` is true. frames: length of a window. tell: called
    before the network is converted, when it was not on disk. weights_hash: names what `network`
    was loaded from; "" keeps nothing on disk.

    Raises whatever torch and OpenVINO raise for a network that cannot be converted.
    """

    def __init__(
        self,
        network: Any,
        frames: int,
        tell: Callable[[], None],
        *,
        weights_hash: str,
        place: Place,
    ) -> None:
        parts, engine = _parts(network, place), _openvino().Core()
        options = [_options(part, place) for part in parts]
        key = _key(weights_hash, frames, _processor(engine), options) if weights_hash else ()
        files = Store(place.folder, key, len(parts))
        self._mapped: list[Any] = []
        try:
            compiled = self._found(engine, files, options)
        except _FAILURES:  # not there, or damaged
            tell()
            self._mapped = []
            compiled = [
                engine.compile_model(model, "CPU", option)
                for model, option in zip(_convert(network, frames, place), options, strict=True)
            ]
            files.keep(compiled)
        self._engine, self._files = engine, files
        self._takes = [part.takes for part in parts]
        self._options = options
        self._free: SimpleQueue[list[_Stage]] = SimpleQueue()
        for _ in range(place.streams):
            self._free.put(self._stages(compiled))
        self._alone: list[Any] = []

    def _found(self, engine: Any, files: Store, options: Sequence[dict[str, Any]]) -> list[Any]:
        """The parts that are on disk, ready to make requests of."""
        self._mapped = self._mapped or files.find()
        tensor = _openvino().Tensor
        bytes_ = (np.frombuffer(part, np.uint8) for part in self._mapped)
        compiled = [
            engine.import_model(tensor(part, shared_memory=True), "CPU", option)
            for part, option in zip(bytes_, options, strict=True)
        ]
        for part in self._mapped:  # what runs has weights of its own, laid out otherwise
            let_go(part)
        return compiled

    def _stages(self, compiled: Sequence[Any]) -> list[_Stage]:
        requests = [stage.create_infer_request() for stage in compiled]
        return [_Stage(*one) for one in zip(requests, self._takes, strict=True)]

    def __call__(self, spectrum: Any, wave: Any) -> tuple[Any, Any]:
        """See `hybrid.Core`. Windows of a batch run one after the other."""
        stages = self._free.get()
        try:
            return _run_each(stages, spectrum, wave)
        finally:
            self._free.put(stages)

    def run_alone(self, spectrum: Any, wave: Any) -> tuple[Any, Any]:
        """The same on all threads, while nothing else is called: sooner there, and no more at once.

        It takes a second copy of the weights, which is kept, and without one on disk `__call__`.
        """
        options = [option | {"NUM_STREAMS": 1} for option in self._options]
        try:
            self._alone = self._alone or self._found(self._engine, self._files, options)
            found = _run_each(self._stages(self._alone), spectrum, wave)
            for one in self._alone:
                one.release_memory()
        except _FAILURES:  # it is not there, or memory is too little for both
            self._alone = []
            return self(spectrum, wave)
        return found


@dataclass(frozen=True)
class _Stage:
    """A part of a core that is ready to run; see `hybrid.run_parts`."""

    request: Any
    takes: int

    def __call__(self, *given: Audio) -> tuple[Audio, ...]:
        self.request.infer(dict(enumerate(given)), share_inputs=True)
        return tuple(tensor.data for tensor in self.request.output_tensors)


def _run_each(stages: Sequence[_Stage], spectrum: Any, wave: Any) -> tuple[Any, Any]:
    import torch

    found = [_run(stages, spectrum[i : i + 1], wave[i : i + 1]) for i in range(len(spectrum))]
    if len(found) == 1:
        return found[0]
    spectra, waves = zip(*found, strict=True)
    return torch.cat(spectra), torch.cat(waves)


def _run(stages: Sequence[_Stage], spectrum: Any, wave: Any) -> tuple[Any, Any]:
    import torch

    from bridge.engine import hybrid

    given = (spectrum.contiguous().numpy(), wave.contiguous().numpy())
    spectrum, wave = hybrid.run_parts(stages, given)
    # The next window overwrites the memory of the request.
    return torch.from_numpy(spectrum.copy()), torch.from_numpy(wave.copy())


def _options(part: Any, place: Place) -> dict[str, Any]:
    """How a part of a core is to run."""
    low = part.low_precision and place.low_precision
    return {
        "INFERENCE_NUM_THREADS": place.threads,
        "NUM_STREAMS": place.streams,
        "ENABLE_CPU_PINNING": False,  # a host and other programs want the same cores
        "INFERENCE_PRECISION_HINT": "bf16" if low else "f32",
    }


def _key(
    weights_hash: str, frames: int, processor: str, options: Sequence[dict[str, Any]]
) -> list[str]:
    """Everything that a compiled network depends on."""
    runs = [f"{name}={value}" for option in options for name, value in option.items()]
    return [_FORMAT, weights_hash, str(frames), processor, *map(version, _VERSIONED), *runs]


def _processor(engine: Any) -> str:
    """What the processor is, and what it can do."""
    can = engine.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return " ".join([engine.get_property("CPU", "FULL_DEVICE_NAME"), *sorted(can)])


def _parts(network: Any, place: Place) -> Sequence[Any]:
    """What is converted by itself: all in one but where precisions differ."""
    from bridge.engine import hybrid

    return hybrid.parts(network) if place.low_precision else [hybrid.TorchCore(network)]


def _convert(network: Any, frames: int, place: Place) -> list[Any]:
    """Each part as a model of OpenVINO, made from what it does with a window of noise."""
    import torch

    from bridge.engine import hybrid
    from bridge.engine.channels_last import channels_last

    openvino = _openvino()
    noise = torch.randn(1, network.audio_channels, frames, generator=torch.Generator())
    models = []
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: what depends on shapes alone is constant
        given: tuple[Any, ...] = hybrid.split(network, 0.1 * noise)[:2]
        made = channels_last(network, tiled=not place.low_precision)
        for part in _parts(made, place):
            taken = given[: part.takes]
            traced: Any = torch.jit.trace(part, taken, check_trace=False)  # type: ignore[no-untyped-call]
            shapes = [list(tensor.shape) for tensor in taken]
            models.append(openvino.convert_model(traced, example_input=taken, input=shapes))
            given = hybrid.run_parts([part], given)
    return models
