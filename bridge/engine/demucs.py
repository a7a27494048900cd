"""Separators of the demucs family: HTDemucs, HDemucs, time-only Demucs, and bags of them."""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.core.timeline import Span
from bridge.engine.arithmetic import arithmetic, choose
from bridge.engine.bag import Bag, read_bag
from bridge.engine.base import Audio, Ensemble, Member
from bridge.engine.cuda_core import CudaPlace, to_device, to_host
from bridge.engine.openvino_core import OpenVinoCore, Place
from bridge.engine.weights import file_hash, load_network
from bridge.errors import ConversionError, ModelError, UsageError

if TYPE_CHECKING:
    from bridge.engine.hybrid import Core

    Convert = Callable[[Any, int, Callable[[], None]], Core]

OVERLAP = 0.25  # the default of demucs.apply.apply_model


class DemucsSeparator:
    """One network. In `exact` precision it computes what demucs' `apply_model` computes.

    Parameters
    ----------
    network: an HTDemucs, HDemucs or Demucs in evaluation mode.
    device: a torch device such as `cpu` or `cuda`.
    precision: `exact` is float32 throughout; `fast` runs what can bear it in bfloat16 where a CPU
        computes in that, off by about -40 dB, and in TF32 on CUDA devices, off by about -60 dB.
    convert: makes a faster core of a network, for windows of so many frames, and calls its last
        argument first if that takes long or reads weights; None leaves all to torch.
    again: loads the network anew. Then `network` may be one without weights, as
        `load_network(outline=True)` gives: they are read when a core is made that was not kept on
        disk, and when a window of another length needs them. None for one that has its weights.

    Attributes
    ----------
    streams: windows that are worth running at once, each from a thread of its own.
    """

    preview = False
    overlap = OVERLAP

    def __init__(
        self,
        network: Any,
        *,
        name: str,
        device: str = "cpu",
        precision: str = "exact",
        licence: str = "",
        weights_hash: str = "",
        convert: Convert | None = None,
        streams: int = 1,
        again: Callable[[], Any] | None = None,
    ) -> None:
        self.name = name
        self.licence = licence
        self.weights_hash = weights_hash
        self.sources: tuple[str, ...] = tuple(network.sources)
        self.rate = int(network.samplerate)
        self.channels = int(network.audio_channels)
        self.segment = int(network.samplerate * network.segment)
        self.device = device
        self._precision = precision
        self._network = network if again else network.to(device)
        self._convert = convert
        self._cores: dict[int, Core] = {}
        self._again = again
        self._loading = Lock()
        self.streams = streams

    @property
    def shares(self) -> bool:
        """See `Separator`: streams of OpenVINO share the cores of the machine."""
        return any(isinstance(core, OpenVinoCore) for core in self._cores.values())

    def prepare(self, frames: int, tell: Callable[[], None]) -> None:
        """Convert the network for windows of so many frames.

        Windows of other lengths are left to torch. `tell` is called when it takes long, half a
        minute with a large network. No other thread may separate meanwhile. Raises ConversionError
        when it is not possible, and ModelError when the weights cannot be read.
        """
        from bridge.engine.hybrid import has_core

        if self._convert is None or frames in self._cores or not has_core(self._network):
            return

        def begin() -> None:
            tell()
            self._whole()

        try:
            with self._arithmetic():
                self._cores[frames] = self._convert(self._network, frames, begin)
        except ModelError:
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            raise ConversionError(f"{self.name} cannot be converted ({what})") from error
        if self._again is not None:
            self._network.to("meta")

    def read_span(self, emit: Span) -> Span:
        """Input frames for `emit`: centred in the length that the network can compute."""
        valid = self._valid_length(emit.length)
        before = (valid - emit.length) // 2
        return emit.extend(before, valid - emit.length - before)

    def separate(self, batch: Audio, *, alone: bool = False) -> Audio:
        """Stems of a batch (B, C, T) as (B, S, C, T), float32; see `Separator.separate`."""
        import torch

        with torch.inference_mode():
            mix = to_device(batch, self.device)
            valid = self._valid_length(mix.shape[-1])
            padded = torch.nn.functional.pad(mix, (0, valid - mix.shape[-1]))
            stems: Audio = to_host(self._run(padded, alone=alone)[..., : mix.shape[-1]])
        return stems

    def zeros(self, channels: int, frames: int) -> Any:
        """A tensor of zeros on the device, shape (C, T), float32."""
        import torch

        return torch.zeros(channels, frames, device=self.device)

    def to_device(self, audio: Audio) -> Any:
        """Audio as a tensor on the device."""
        return to_device(np.ascontiguousarray(audio), self.device)

    def separate_windows(self, windows: list[Any], wanted: slice) -> Audio:
        """The frames `wanted` of the stems of windows that are on the device, each (C, T).

        Returns shape (B, S, C, n), float32. Windows shorter than a segment are computed at their
        own length, which costs less, where `separate` fills them up with silence as demucs does.
        """
        import torch

        with torch.inference_mode():
            found: Audio = to_host(self._run(torch.stack(windows), wanted))
        return found

    def _run(self, mix: Any, wanted: slice = slice(None), *, alone: bool = False) -> Any:
        """The frames `wanted` of the stems (B, S, C, T), float32, of windows (B, C, T).

        Silent ones are not computed.
        """
        from bridge.engine.hybrid import TorchCore, has_core, join, split

        network = self._network
        with self._arithmetic():
            if not has_core(network):
                return network(mix).float()[..., wanted]
        heard = mix.flatten(1).any(1)
        if not heard.all():  # what is normalised by zero comes out as zero
            batch, channels, frames = mix.shape
            frames = len(range(frames)[wanted])
            stems = mix.new_zeros(batch, len(self.sources), channels, frames)
            if heard.any():
                stems[heard] = self._run(mix[heard], wanted, alone=alone)
            return stems
        spectrum, wave, scale = split(network, mix)
        core = self._cores.get(mix.shape[-1])
        if alone and isinstance(core, OpenVinoCore):
            spectrum, wave = core.run_alone(spectrum, wave)
        elif core is not None:
            spectrum, wave = core(spectrum, wave)
        else:
            with self._arithmetic():
                spectrum, wave = TorchCore(self._whole())(spectrum, wave)
        return join(network, spectrum, wave, scale, wanted)

    def _whole(self) -> Any:
        """The network with its weights, which are loaded where they are not there."""
        with self._loading:
            if self._again is not None and _is_outline(self._network):
                self._network.load_state_dict(self._again().state_dict(), assign=True)
        return self._network

    def _valid_length(self, frames: int) -> int:
        valid: Callable[[int], int] = getattr(self._network, "valid_length", lambda length: length)
        return valid(frames)

    def _arithmetic(self) -> AbstractContextManager[None]:
        return arithmetic(choose(self.device, self._precision), self.device)


def choose_device(wanted: str) -> str:
    """The torch device for `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises UsageError for a device that this machine does not have.
    """
    import torch

    have = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if wanted == "auto":
        return "cuda" if have["cuda"] else "mps" if have["mps"] else "cpu"
    kind, _, number = wanted.partition(":")
    if not have[kind] or (number and int(number) >= torch.cuda.device_count()):
        raise UsageError(f"this machine has no device '{wanted}'; use --device auto or cpu")
    return wanted


def describe_machine(device: str, place: Place | CudaPlace | None) -> dict[str, str | int]:
    """What the last bits of a network's output depend on besides its input and versions."""
    import torch

    engine = place.engine if place else "torch"
    kind = torch.device(device).type
    name = torch.cuda.get_device_name(device) if kind == "cuda" else platform.processor()
    threads = {"threads": torch.get_num_threads()} if kind == "cpu" else {}
    capability = {"instructions": torch.backends.cpu.get_cpu_capability()} if threads else {}
    return {"device": device, "engine": engine, "processor": name, **threads, **capability}


def load_ensemble(
    name: str,
    bag_file: Path | None,
    weight_files: tuple[Path, ...],
    *,
    device: str = "cpu",
    precision: str = "exact",
    licence: str = "",
    allow_pickle: bool = False,
    place: Place | CudaPlace | None = None,
    drop_weights: bool = False,
) -> Ensemble:
    """Load one network, or the bag that `bag_file` describes, whose files are `weight_files`.

    place: where cores run that were prepared; None leaves all to torch. drop_weights: see `again`
    of DemucsSeparator; for networks all of whose windows are equally long.
    Raises ModelError when a file is damaged or hostile, or when the networks do not fit together.
    """
    bag = read_bag(bag_file) if bag_file else Bag((name,), None, None)
    load = partial(_load, segment=bag.segment, allow_pickle=allow_pickle)
    # Cores of OpenVINO have weights of their own.
    drops = drop_weights and isinstance(place, Place)
    loaded = [_first_load(load, path, drops=drops) for path in weight_files]
    first = loaded[0][0]
    weights = bag.weights or tuple(tuple(1.0 for _ in first.sources) for _ in loaded)
    if len(loaded) != len(weights) or any(len(row) != len(first.sources) for row in weights):
        raise ModelError(f"{bag_file}: 'weights' do not fit {len(first.sources)} sources")
    members = []
    for (network, may_drop), row, path in zip(loaded, weights, weight_files, strict=True):
        if network.sources != first.sources or network.samplerate != first.samplerate:
            raise ModelError(f"{path} has other sources or another rate than {weight_files[0]}")
        weights_hash = file_hash(path)
        separator = DemucsSeparator(
            network,
            name=name,
            device=device,
            precision=precision,
            licence=licence,
            weights_hash=weights_hash,
            convert=place.converter(weights_hash) if place else None,
            streams=place.streams if place else 1,
            again=partial(_load_again, load, path, weights_hash) if may_drop else None,
        )
        members.append(Member(separator, row))
    return Ensemble(name, tuple(members))


def _first_load(load: Callable[..., Any], path: Path, *, drops: bool) -> tuple[Any, bool]:
    """The network in a file, and whether it may drop its weights: then it may lack them already."""
    from bridge.engine.hybrid import has_core

    network = load(path, outline=drops)
    # Without `valid_length` a last window is shorter, and torch runs it.
    if drops and not (has_core(network) and hasattr(network, "valid_length")):
        return load(path) if _is_outline(network) else network, False
    return network, drops


def _is_outline(network: Any) -> bool:
    return any(weight.is_meta for weight in network.parameters())


def _load(path: Path, *, segment: float | None, allow_pickle: bool, outline: bool = False) -> Any:
    """The network in a file, with the segment of its bag."""
    from demucs.htdemucs import HTDemucs

    network = load_network(path, allow_pickle=allow_pickle, outline=outline)
    # A transformer cannot read more than it was trained with; demucs ignores the value then.
    if segment is not None and (not isinstance(network, HTDemucs) or segment <= network.segment):
        network.segment = segment
    return network


def _load_again(load: Callable[[Path], Any], path: Path, weights_hash: str) -> Any:
    changed = ModelError(f"{path} was changed while it was in use; start again")
    if file_hash(path) != weights_hash:
        raise changed
    network = load(path)
    if file_hash(path) != weights_hash:
        raise changed
    return network
